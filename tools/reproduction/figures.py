"""Means and standard deviations of runs, over seeds of means over categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from runs import Run

Figure = Callable[[Run], float | None]


@dataclass(frozen=True)
class Mean:
    """A mean over categories and seeds.

    Args:
        value: The mean, a share.
        spread: Standard deviation of the seeds' means over categories; None for one seed.
        runs: How many single runs.
        seeds: How many seeds.
    """

    value: float
    spread: float | None
    runs: int
    seeds: int

    def __str__(self) -> str:
        """In percent, with the number of seeds."""
        spread = "" if self.spread is None else f" ± {100 * self.spread:.1f}"
        return f"{100 * self.value:.1f}{spread}"


def mean_of(runs: Iterable[Run], figure: Figure) -> Mean | None:
    """Return the mean of a figure; None where no run has it."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        found = figure(run)
        if found is not None:
            by_seed[run.seed].append(found)
    return mean_over_seeds(by_seed) if by_seed else None


def mean_over_seeds(by_seed: Mapping[int, Sequence[float]]) -> Mean:
    """Return the mean of figures by seed, one for each category; at least one seed is needed."""
    means = [fmean(found) for found in by_seed.values()]
    spread = stdev(means) if len(means) > 1 else None
    return Mean(fmean(means), spread, sum(map(len, by_seed.values())), len(means))


def wrong_share(metrics: Mapping[str, float]) -> float:
    """Return the share of wrong answers, pictures or pixels, that an edge's metrics tell."""
    if "error_rate" in metrics:
        return metrics["error_rate"]
    return 1 - metrics["pixel_accuracy"]


def of_student(run: Run) -> float | None:
    """Return the figure that a table is about."""
    return run.figure


def of_teacher(run: Run) -> float | None:
    """Return the teacher's."""
    return run.teacher


def of_donor(run: Run) -> float | None:
    """Return what the donor's whole network reaches, where it was measured."""
    return run.donor


def overlap(run: Run) -> float | None:
    """Return intersection over union."""
    return run.iou


def overlap_of_teacher(run: Run) -> float | None:
    """Return the teacher's."""
    return run.teacher_iou


def teachers(runs: Sequence[Run]) -> list[Run]:
    """Return one run for each teacher."""
    return list({(run.category, run.seed, run.apart, run.look): run for run in runs}.values())


def donors(runs: Sequence[Run]) -> list[Run]:
    """Return one run for each teacher, of those where the donor was measured beside it."""
    return teachers([run for run in runs if run.donor is not None])
