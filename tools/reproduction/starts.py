"""The page about starts: what each errs on, on held-out training pictures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from experiments import Experiment
from figures import mean_over_seeds, wrong_share

NAME = re.compile(
    r"(?P<animal>.+?)_(?P<goal>classify|outline)_(?P<seed>\d+)"
    r"_(?P<method>\D+?)(?P<unlabelled>_unlabelled)?_(?P<samples>\d+)"
)
GOALS = {"classify": "classification, error rate", "outline": "segmentation, share of wrong pixels"}
METHODS = {
    "maps": "`least_squares` through the teacher's maps",
    "assigned": "`assignment`",
    "gradients": "`real_gradients`",
    "stitched": "`stitching`",
    "from_assigned": "TD from `assignment`",
    "from_stitched": "TD from `stitching`",
}

Column = tuple[bool, int]
"""Whether there are pictures without labels, and how many samples."""

COLUMNS: Mapping[Column, str] = {
    (False, 0): "no picture of the animal",
    (False, 10): "10 samples",
    (True, 0): "200 without labels",
    (True, 10): "10 samples and 200 without labels",
}

Seeds = dict[int, list[float]]
"""Shares of wrong answers, an animal each, by seed."""


def starts_page(experiment: Experiment) -> str:
    """Return the page, from what is built of ``starts.lego``."""
    wrong: dict[tuple[str, str], dict[Column, Seeds]] = defaultdict(lambda: defaultdict(dict))
    related: dict[str, list[float]] = defaultdict(list)
    for step in experiment.plan.edges:
        match = NAME.fullmatch(step.edge.category)
        if match is None or step.artifact is None:
            continue
        learned = step.artifact.certificate["learned"]
        column = (match["unlabelled"] is not None, int(match["samples"]))
        found = wrong[match["goal"], match["method"]][column]
        found.setdefault(int(match["seed"]), []).append(wrong_share(step.artifact.metrics))
        related["R² of stitching on dead leaves"].append(learned["ancestor_r2"])
        if (match["goal"], match["method"]) == ("classify", "maps"):
            related["the correlation of matched channels"].append(learned["matched_correlation"])
    seeds = {seed for cells in wrong.values() for found in cells.values() for seed in found}
    words = _words(experiment, related, len(seeds))
    lines = ["# Where an adapter begins", "", *words, "", *_rows(wrong)]
    return "\n".join(lines) + "\n"


def _words(experiment: Experiment, related: Mapping[str, list[float]], seeds: int) -> Iterator[str]:
    measured = ", ".join(
        f"{what} {min(values):.2f} to {max(values):.2f}" for what, values in related.items()
    )
    yield (
        "What `transplant()` begins with where two networks have a common ancestor was decided "
        "here, on a fifth of the training pictures that no adapter saw, with seeds that no table "
        "has, and on the animals of CIFAR-10 ([measurements](../measurements.md)). No test picture "
        "has a part in it. The teachers have seen all training pictures, and so the figures differ "
        "from those on test pictures. The adapter is one `conv(1)`; the donor's own pictures are "
        "there in all columns. Measured of the two networks: "
        f"{measured or 'nothing yet'}. "
        f"[starts.lego](../../specs/paper/starts.lego), {experiment.scale} scale. In %, the mean "
        f"over animals and {seeds} seeds ± the standard deviation of the seeds' means over "
        f"animals. Written by `tools/reproduce starts --seeds {seeds}`:"
    )


def _rows(wrong: Mapping[tuple[str, str], Mapping[Column, Seeds]]) -> Iterator[str]:
    yield "| for | adapter | " + " | ".join(COLUMNS.values()) + " |"
    yield "| --- | --- |" + " --- |" * len(COLUMNS)
    for goal, words in GOALS.items():
        for method, name in METHODS.items():
            cells = wrong.get((goal, method), {})
            figures = (
                str(mean_over_seeds(cells[column])) if column in cells else "-"
                for column in COLUMNS
            )
            yield f"| {words} | {name} | " + " | ".join(figures) + " |"
