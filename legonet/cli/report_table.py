"""What came out of a build, for a person."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from legonet.cli.output import counted, error
from legonet.cli.plain_table import lines, width
from legonet.cli.quantities import duration

if TYPE_CHECKING:
    from legonet.build import EdgeStep, Report, Result
    from legonet.build.proof import Proof, Proved

ROWS = 40
"""Rows of a table on a terminal, at most; a file or a pipe gets all of them."""

DIGITS = 12
"""Digits of a digest that are shown."""

DAMAGED = "what is stored is damaged"
"""The reason why something is built that was built before."""

Row = TypeVar("Row")


def show_report(report: Report, most_at_once: int, *, prove: bool = False) -> None:
    """Write to standard output what a build did.

    Args:
        report: The report of the build.
        most_at_once: How many steps were at work at the same time.
        prove: Show each path that was proved, too.
    """
    told = list(_edges(report))
    if prove and report.proof is not None:
        told += ["", *_paths(report.proof)]
    for line in (*told, *_words(report, most_at_once)):
        click.echo(line)


def _edges(report: Report) -> Iterator[str]:
    numbers = ("samples", "seconds", "error", "teacher's")
    ranks = {"failed": 0, "stopped": 1, "built": 2}
    chosen, hidden = _chosen(report.edges, lambda item: ranks.get(item.outcome, 3))
    rows = [("edge", "method", *numbers)]
    for result in chosen:
        learning = result.step.adapter.learning
        metrics = report.metrics(result)
        rows.append(
            (
                result.step.name,
                "direct" if learning is None else learning.method.call,
                "" if learning is None else str(learning.samples),
                _seconds(result),
                error(metrics),
                error(metrics, teacher=True),
            )
        )
    # A table's last column is text, which stands at the left.
    last = max(len(row[-1]) for row in rows)
    headings, *cells = [(*row[:-1], row[-1].rjust(last)) for row in rows]
    yield from lines(headings, cells, width(), right=numbers)
    if hidden:
        outcomes = Counter(item.outcome for item in hidden)
        kinds = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        more = counted(len(hidden), "more edge")
        yield f"and {more}: {kinds}; `legonet inspect` shows all of them"
    if any("pixel_accuracy" in report.metrics(result) for result in chosen):
        yield "px: share of the pixels that are wrong; `legonet inspect` shows more"


def _seconds(result: Result[EdgeStep]) -> str:
    """Return how long an edge took; what took no time says what it was instead."""
    if result.outcome == "built":
        return f"{result.seconds:.1f}"
    return "" if result.outcome == "direct" else result.outcome


def _paths(proof: Proof) -> Iterator[str]:
    chosen, hidden = _chosen(proof.routes, lambda item: item.status == "unchanged")
    rows = [(item.name, item.sha256[:DIGITS], item.status, _day(item)) for item in chosen]
    yield from lines(("path", "answers with", "", "since"), rows, width())
    if hidden:
        yield f"and {counted(len(hidden), 'more path')}, unchanged"


def _day(item: Proved) -> str:
    return "now" if item.since is None else item.since[:16].replace("T", " ")


def _chosen(rows: Sequence[Row], rank: Callable[[Row], int]) -> tuple[list[Row], list[Row]]:
    """Return the rows that are shown, those of the lowest rank first of all, and the others."""
    if not sys.stdout.isatty() or len(rows) <= ROWS:
        return list(rows), []
    order = sorted(range(len(rows)), key=lambda place: rank(rows[place]))
    shown = set(order[:ROWS])
    return (
        [row for place, row in enumerate(rows) if place in shown],
        [row for place, row in enumerate(rows) if place not in shown],
    )


def _words(report: Report, most_at_once: int) -> Iterator[str]:
    """Give the lines below the tables."""
    results: list[Result[Any]] = [*report.networks, *report.edges]
    caused = [item for item in report.failed if not item.diagnostics]
    for item in caused[:ROWS]:
        yield f"{item.step.name} is not built: {item.reason}"
    built = [item for item in results if item.outcome == "built"]
    stopped = [item for item in results if item.outcome == "stopped"]
    if built:
        at_once = f", {most_at_once} at once" if most_at_once > 1 else ""
        yield f"built {_kinds(built)} in {_time(report.seconds)}{at_once}{_proved(report.proof)}"
    elif not report.failed and not stopped:
        yield f"nothing to do: all networks and edges are built{_proved(report.proof)}"
    damaged = [item.step.name for item in built if DAMAGED in item.reason]
    if damaged:
        yield f"damaged before, and set aside: {', '.join(damaged[:ROWS])}"
    if stopped:
        yield f"{counted(len(stopped), 'step')} stopped; the same command goes on with them"
    if report.failed:
        yield f"{counted(len(report.failed), 'step')} failed; what is built is kept"


def _kinds(results: Iterable[Result[Any]]) -> str:
    numbers = Counter(item.step.kind for item in results)
    nouns = {"network": "network", "adapter": "edge"}
    return " and ".join(
        counted(numbers[kind], noun) for kind, noun in nouns.items() if numbers[kind]
    )


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else duration(seconds)


def _proved(proof: Proof | None) -> str:
    if proof is None or proof.failures:
        return ""
    same = {
        "frozen network": sum(item.status == "unchanged" for item in proof.networks),
        "path": sum(item.status == "unchanged" for item in proof.routes),
    }
    words = " and ".join(counted(number, noun) for noun, number in same.items() if number)
    return f"; {words} proved unchanged" if words else ""
