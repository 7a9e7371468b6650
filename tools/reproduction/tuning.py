"""The page about tuning: errors on held-out training pictures, by learning rate and steps."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
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

Cells = dict[tuple[str, Pace], dict[int, list[float]]]
"""Shares of wrong answers by table and pace, then by samples."""


def tuning_page(experiment: Experiment) -> str:
    """Return the page, from what is built of ``tuning.lego``."""
    found: Cells = defaultdict(lambda: defaultdict(list))
    for step in experiment.plan.edges:
        match = NAME.fullmatch(step.adapter.category)
        learning = step.adapter.learning
        if match is None or step.artifact is None or learning is None:
            continue
        method = learning.method.model_dump()
        pace = (method["learning_rate"], method["steps"])
        found[match["what"], pace][int(match["samples"])].append(wrong_share(step.artifact.metrics))
    return (
        "\n".join(["# Tuned on training pictures", "", *_words(experiment), "", *_rows(found)])
        + "\n"
    )


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
    counts = sorted({count for cell in found.values() for count in cell}, reverse=True)
    columns = " | ".join(f"{count} samples" for count in counts)
    yield f"| for | learning rate | steps | {columns} | mean |"
    yield "| --- | --- | --- |" + " --- |" * (len(counts) + 1)
    for what, words in TABLES.items():
        cells = {pace: cell for (table, pace), cell in found.items() if table == what}
        yield from _rows_of(words, cells, counts)


def _rows_of(
    words: str, cells: Mapping[Pace, Mapping[int, list[float]]], counts: list[int]
) -> Iterator[str]:
    """Give the rows of one table; the least mean over all columns is marked."""
    means = {
        pace: [fmean(cell[count]) if cell.get(count) else None for count in counts]
        for pace, cell in cells.items()
    }
    whole = {
        pace: fmean(value for value in values if value is not None)
        for pace, values in means.items()
        if None not in values
    }
    for pace, values in means.items():
        figures = " | ".join("-" if value is None else f"{100 * value:.1f}" for value in values)
        mean = f"{100 * whole[pace]:.1f}" if pace in whole else "-"
        mark = " (least)" if pace in whole and whole[pace] == min(whole.values()) else ""
        yield f"| {words} | {pace[0]:g} | {pace[1]} | {figures} | {mean}{mark} |"
