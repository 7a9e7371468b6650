"""The outcome of a build, for people to read."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from legonet.cli.tables import AGAINST_TEACHER, KINDS, counted, duration, error, lines, width

if TYPE_CHECKING:
    from legonet.building import EdgeStep, Report, Result
    from legonet.building.proof import Proof, Proved

ROWS = 40
"""The most rows of a table on a terminal; a file or a pipe gets all of them."""

DIGITS = 12
"""Digits of a digest that are shown."""

DAMAGED = "what is stored is damaged"
"""The reason for building something again whose stored artifact is damaged."""

_DONORS = "donor's"
_NUMBERS = ("samples", "seconds", "error", "teacher's", _DONORS)
_SPARE = ("samples", _DONORS)
"""Columns that are left out if a terminal is too narrow for all, in this order."""

Row = TypeVar("Row")


def show_report(report: Report, most_at_once: int, *, prove: bool = False) -> None:
    """Write to standard output what a build did.

    Args:
        report: The report of the build.
        most_at_once: The largest number of steps that ran at the same time.
        prove: Also show each path that was proved.
    """
    told = [*_edges(report), *_joints(report)]
    if prove and report.proof is not None:
        told += ["", *_paths(report.proof)]
    for line in (*told, *_words(report, most_at_once)):
        click.echo(line)


def _edges(report: Report) -> Iterator[str]:
    from legonet.goals import goal_of

    ranks = {"failed": 0, "stopped": 1, "built": 2}
    chosen, hidden = _chosen(report.edges, lambda item: ranks.get(item.outcome, 3))
    columns = _columns(report, chosen)
    for heading in _SPARE:
        if sum(max(map(len, cells)) + 2 for cells in columns.values()) - 2 > width():
            del columns[heading]
    # A table treats its last column as text, which is left-aligned.
    last = list(columns)[-1]
    size = max(map(len, columns[last]))
    columns[last] = [cell.rjust(size) for cell in columns[last]]
    headings, *cells = zip(*columns.values(), strict=True)
    yield from lines(headings, cells, width(), right=_NUMBERS)
    if hidden:
        outcomes = Counter(item.outcome for item in hidden)
        kinds = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        more = counted(len(hidden), "more edge")
        yield f"and {more}: {kinds}; `legonet inspect` shows all of them"
    if any("±" in cell for cell in columns["error"]):
        donor = "; donor's: of the whole network that gives the task"
        yield f"±: half of the 95 % interval{donor if _DONORS in columns else ''}"
    if any(AGAINST_TEACHER in cell for cell in columns["error"]):
        yield (
            "vs teacher: the data do not know the right answers, so this is how often an edge "
            "answers otherwise than its teacher"
        )
    goals = (goal_of(report.metrics(result)) for result in chosen)
    yield from dict.fromkeys(goal.legend for goal in goals if goal is not None and goal.legend)


def _joints(report: Report) -> Iterator[str]:
    """Yield a table of joint paths, beside their teachers asked in the same way."""
    if not report.joints:
        return
    rows = []
    for result in report.joints:
        metrics, joint = report.metrics(result), result.step.joint
        took = f"{result.seconds:.1f}" if result.outcome == "built" else result.outcome
        rows.append(
            (
                result.step.name.removeprefix("path "),
                str(len(joint.edges)),
                took,
                error(metrics),
                error(metrics, "teacher"),
            )
        )
    yield ""
    headings = ("path", *(numbers := ("categories", "seconds", "error", "teachers'")))
    yield from lines(headings, rows, width(), right=numbers)


def _columns(report: Report, results: Iterable[Result[EdgeStep]]) -> dict[str, list[str]]:
    """Return the columns of the table, each with its heading on top."""
    rows = []
    for result in results:
        learning = result.step.edge.learning
        metrics = report.metrics(result)
        rows.append(
            {
                "edge": result.step.name,
                "method": "direct" if learning is None else learning.method.call,
                "samples": "" if learning is None else str(learning.samples),
                "seconds": _seconds(result),
                "error": error(metrics),
                "teacher's": error(metrics, "teacher"),
                _DONORS: error(metrics, "donor"),
            }
        )
    headings = ("edge", "method", *_NUMBERS)
    return {heading: [heading, *(row[heading] for row in rows)] for heading in headings}


def _seconds(result: Result[EdgeStep]) -> str:
    """Return how long an edge took; if it took no time, its outcome instead."""
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
    """Return the rows to show, chosen by lowest rank, and the other rows."""
    if not sys.stdout.isatty() or len(rows) <= ROWS:
        return list(rows), []
    order = sorted(range(len(rows)), key=lambda place: rank(rows[place]))
    shown = set(order[:ROWS])
    return (
        [row for place, row in enumerate(rows) if place in shown],
        [row for place, row in enumerate(rows) if place not in shown],
    )


def _words(report: Report, most_at_once: int) -> Iterator[str]:
    """Yield the lines below the tables."""
    results = report.results
    caused = [item for item in report.failed if not item.diagnostics]
    for item in caused[:ROWS]:
        yield f"{item.step.name} is not built: {item.reason}"
    kept = [item for item in report.failed if item.artifact is not None]
    for item in kept[:ROWS]:
        yield f"{item.step.name} failed, its adapter is kept: {item.reason}"
    warnings = [(item, text) for item in results for text in report.warnings_of(item)]
    for item, warning in warnings[:ROWS]:
        yield f"warning: {item.step.name}: {warning.message} ({warning.code})"
    if warnings[ROWS:]:
        yield f"and {counted(len(warnings) - ROWS, 'more warning')}; `legonet inspect` shows them"
    built = [item for item in results if item.outcome == "built"]
    measured = [item for item in results if item.outcome == "measured"]
    stopped = [item for item in results if item.outcome == "stopped"]
    if built:
        at_once = f", {most_at_once} at once" if most_at_once > 1 else ""
        yield f"built {_kinds(built)} in {_time(report.seconds)}{at_once}{_proved(report.proof)}"
    elif not report.failed and not stopped and not measured:
        yield f"nothing to do: all networks and edges are built{_proved(report.proof)}"
    if measured:
        yield f"measured again, as there are new figures: {_kinds(measured)}"
    damaged = [item.step.name for item in built if DAMAGED in item.reason]
    if damaged:
        yield f"damaged before, and set aside: {', '.join(damaged[:ROWS])}"
    if stopped:
        yield f"{counted(len(stopped), 'step')} stopped; run the same command again to resume"
    if report.failed:
        yield f"{counted(len(report.failed), 'step')} failed; what is built is kept"


def _kinds(results: Iterable[Result[Any]]) -> str:
    numbers = Counter(item.step.kind for item in results)
    found = [counted(numbers[kind], noun) for kind, noun in KINDS.items() if numbers[kind]]
    return " and ".join([", ".join(found[:-1]), found[-1]] if found[1:] else found)


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
