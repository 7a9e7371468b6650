"""The page about readings of the paper's objective: back-distillation from a random start."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from experiments import Experiment
from figures import wrong_share
from tuning import counts_of, head_of, rows_of

NAME = re.compile(
    r"(?P<animal>[^_]+)_(?P<what>three_convs|classify|outline)_(?P<reading>\D+)_(?P<samples>\d+)"
)
TABLES = {
    "three_convs": "table 2, error rate",
    "classify": "table 3, error rate",
    "outline": "table 4, share of wrong pixels",
}
READINGS = {
    "labels_alone": "OL, as tuned",
    "printed": "BD with the paper's values (`preset`)",
    "absolute_norms": "`norm: mean_absolute`",
    "mean_squares": "`reduction: mean`",
    "relative_residual": "`scale: relative, weight: 10`",
    "independent_maps": (
        "`relu_places: all, positive_share: 0.5, channel_shared: false, biases: zero`"
    ),
    "active_shares": (
        "`scale: relative, weight: 10, relu_maps: activation_rates, relu_places: all, "
        "channel_shared: false, biases: zero`"
    ),
    "active_shares_strong": "the same with `weight: 100`",
    "triple_rate": "`learning_rate: 6e-3`",
    "tenfold_rate": "`learning_rate: 2e-2`",
    "long": "as many steps as without pictures",
}


def readings_page(experiment: Experiment) -> str:
    """Return the page, from what is built of ``readings.lego``."""
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    animals = set()
    for step in experiment.plan.edges:
        match = NAME.fullmatch(step.edge.category)
        if match is None or step.artifact is None:
            continue
        wrong = wrong_share(step.artifact.metrics)
        animals.add(match["animal"])
        found[match["what"], match["reading"]][int(match["samples"])].append(wrong)
    counts = counts_of(found.values())
    lines = ["# Readings of the paper's objective", "", *_words(experiment, sorted(animals)), ""]
    lines += head_of(("for", "method"), counts)
    for what, words in TABLES.items():
        cells = {
            READINGS[reading]: found[what, reading]
            for reading in READINGS
            if (what, reading) in found
        }
        lines += rows_of(words, cells, counts)
    return "\n".join(lines) + "\n"


def _words(experiment: Experiment, animals: Sequence[str]) -> Iterator[str]:
    mean = f"As the mean of {' and '.join(animals)}" if len(animals) > 1 else "With one animal"
    yield (
        "The paper does not say what its weight lambda multiplies (the sum or the mean of the "
        "squared difference), which norm normalises it, how the maps in place of the ReLUs are "
        "drawn in all detail, nor any learning rate. Each row differs from the paper's values "
        "(`preset`) in what it names; BD begins at random in all of them. "
        f"{mean}, on a fifth of the training pictures that no adapter saw, drawn by a seed that "
        "no table has; no test picture has a part in it. "
        f"[readings.lego](../../specs/paper/readings.lego), {experiment.scale} scale. In %:"
    )
