"""The page about tuning: errors on held-out training pictures, by learning rate and steps."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from experiments import Experiment
from figures import wrong_share

NAME = re.compile(r"(?P<animal>.+?)_(?P<what>\D+)_(?P<pace>[a-z]+)_(?P<samples>\d+)")
TABLES = {
    "one_conv": "table 1, error rate",
    "three_convs": "table 2, error rate",
    "classify": "table 3, error rate",
    "outline": "table 4, share of wrong pixels",
}

Pace = tuple[float, int]
"""A learning rate, and the most steps."""

Cell = Mapping[int, list[float]]
"""Shares of wrong answers by samples, an animal each."""

Cells = dict[tuple[str, Pace], dict[int, list[float]]]
"""By table and pace."""


def tuning_page(experiment: Experiment) -> str:
    """Return the page, from what is built of ``tuning.lego``."""
    found: Cells = defaultdict(lambda: defaultdict(list))
    for step in experiment.plan.edges:
        match = NAME.fullmatch(step.edge.category)
        learning = step.edge.learning
        if match is None or step.artifact is None or learning is None:
            continue
        method = learning.method.model_dump()
        pace = (method["learning_rate"], method["steps"])
        found[match["what"], pace][int(match["samples"])].append(wrong_share(step.artifact.metrics))
    head = head_of(("for", "learning rate", "steps"), counts_of(found.values()))
    lines = ["# Tuned on training pictures", "", *_words(experiment), "", *head, *_rows(found)]
    return "\n".join(lines) + "\n"


def _words(experiment: Experiment) -> Iterator[str]:
    yield (
        "Ordinary learning (and TD) takes the learning rate and the number of steps with which it "
        "did best on a fifth of the training pictures that no adapter saw, as the mean of two "
        "animals and of 10 and 100 samples, drawn by a seed that no table has. BD keeps "
        "legonet's own learning rate. No test picture has a part in it. Each adapter stops earlier "
        "where its own held-out samples say so. The teachers have seen all training pictures, and "
        "so the figures differ from those on test pictures. "
        f"[tuning.lego](../../specs/paper/tuning.lego), {experiment.scale} scale. In %:"
    )


def _rows(found: Cells) -> Iterator[str]:
    for what, words in TABLES.items():
        cells = {
            f"{rate:g} | {steps}": cell
            for (table, (rate, steps)), cell in found.items()
            if table == what
        }
        yield from rows_of(words, cells, counts_of(found.values()))


def counts_of(cells: Iterable[Cell]) -> list[int]:
    """Return the numbers of samples that any cell has, the largest first."""
    return sorted({count for cell in cells for count in cell}, reverse=True)


def head_of(columns: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """Give the two lines above the rows of such a table.

    Args:
        columns: What stands before the figures.
        counts: Numbers of samples, a column each.
    """
    names = [*columns, *(f"{count} samples" for count in counts), "mean"]
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)


def rows_of(words: str, cells: Mapping[str, Cell], counts: Sequence[int]) -> Iterator[str]:
    """Give the rows of one table; the least mean over all columns is marked.

    Args:
        words: About the table.
        cells: Shares of wrong answers, by what was tried.
        counts: Numbers of samples, a column each.
    """
    means = {
        tried: [fmean(cell[count]) if cell.get(count) else None for count in counts]
        for tried, cell in cells.items()
    }
    whole = {
        tried: fmean(value for value in values if value is not None)
        for tried, values in means.items()
        if None not in values
    }
    for tried, values in means.items():
        figures = " | ".join("-" if value is None else f"{100 * value:.1f}" for value in values)
        mean = f"{100 * whole[tried]:.1f}" if tried in whole else "-"
        mark = " (least)" if tried in whole and whole[tried] == min(whole.values()) else ""
        yield f"| {words} | {tried} | {figures} | {mean}{mark} |"
