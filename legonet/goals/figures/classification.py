"""Figures of a network that gives each picture a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from legonet.goals.figures.answers import all_alike
from legonet.goals.figures.calibration import calibration_error
from legonet.goals.figures.chance import Chance
from legonet.goals.figures.intervals import Estimate, mean_of_two, proportion
from legonet.goals.figures.ranking import ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers

Figures = dict[str, float]


def classification(
    answers: Answers, true: NDArray[np.int64], images: NDArray[np.uint8]
) -> tuple[Figures, Chance | None]:
    """Return the figures of answers about pictures, and how they compare with a constant answer.

    Args:
        answers: About all pictures.
        true: Their labels, ``(N,)``.
        images: The pictures themselves, ``(N, H, W, 3)``.
    """
    wrong = answers.labels != true
    found = _errors(wrong, true, images, single=answers.single)
    perfect = _errors(np.zeros_like(wrong), true, images, single=answers.single)
    metrics = found.named("error_rate")
    if np.isfinite(answers.scores).all():
        metrics |= _ranked(answers, true) if answers.single else {}
        metrics["calibration_error"] = calibration_error(answers.confidence, ~wrong)
    labels, counts = np.unique(true, return_counts=True)
    if len(labels) < 2:
        # Where there is only one right answer, a constant answer is always right.
        return metrics, None
    constant = 0.5 if answers.single else 1 - counts.max() / counts.sum()
    number = sum(_distinct(images, true == label) for label in labels)
    return metrics, Chance("error", *found, constant, perfect.high, number)


def _errors(
    wrong: NDArray[np.bool_], true: NDArray[np.int64], images: NDArray[np.uint8], *, single: bool
) -> Estimate:
    if not single:
        return _error(wrong, images, np.ones(len(images), np.bool_))
    shares = [_error(wrong, images, true == label) for label in np.unique(true)]
    return mean_of_two(*shares) if len(shares) == 2 else shares[0]


def _error(
    wrong: NDArray[np.bool_], images: NDArray[np.uint8], chosen: NDArray[np.bool_]
) -> Estimate:
    """Return the share of wrong answers; if all pictures are the same, they count as one."""
    if all_alike(images, chosen):
        return proportion(int(wrong[chosen][0]), 1)
    return proportion(int(wrong[chosen].sum()), int(chosen.sum()))


def _distinct(images: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> int:
    return 1 if all_alike(images, chosen) else int(chosen.sum())


def _ranked(answers: Answers, labels: NDArray[np.int64]) -> Figures:
    found = ranking(answers.scores, labels, 0.5)
    if found is None:
        return {}
    wrong = (answers.scores > found.threshold) != labels
    best = float(np.mean([wrong[labels == label].mean() for label in (0, 1)]))
    return {"auc": found.auc, "best_error_rate": best, "best_threshold": found.threshold}
