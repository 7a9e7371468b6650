"""Figures of a network that answers with numbers, for each picture or each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legonet.goals.figures.chance import Chance
from legonet.goals.figures.intervals import over_pictures, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals.figures.intervals import Sums


def regression(
    answers: NDArray[Any], truth: NDArray[Any], figure: str, words: str
) -> tuple[dict[str, float], Chance | None]:
    """Return the figures of numbers, and how they compare with a constant answer.

    - ``figure`` with limits: the mean absolute error, over all numbers of all pictures. The
      interval comes from a bootstrap over pictures.
    - ``r2``: the share of the variance that is explained, the mean over the numbers of a picture;
      always answering their means scores 0. Left out where a number is the same in all pictures.

    Args:
        answers: ``(N, K)``, or ``(N, H, W)`` for a number per pixel.
        truth: The right ones, of the same shape; not a number where one is not known, which then
            does not count.
        figure: The name of the error.
        words: What the error is called.
    """
    wrong, known = _errors(answers, truth), _known(truth)
    # A picture alone says nothing of others.
    if len(wrong) < 2:
        return {figure: float(wrong.mean() / known.mean())}, None
    counts = np.stack([wrong, known], 1)
    (found,) = over_pictures(counts, _mean)
    metrics = found.named(figure)
    always = np.broadcast_to(_constant(truth), truth.shape)
    constant = float(_errors(always, truth).mean() / known.mean())
    if not constant:
        # Where there is only one right answer, a constant answer is always right.
        return metrics, None
    if np.isfinite(answers).all():
        metrics["r2"] = explained(answers, truth)
    return metrics, Chance(words, *found, constant, 0.0, len(wrong))


def explained(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the share of the variance that answers explain, the mean over the numbers.

    Numbers that are the same in all pictures do not count; it is 0 where there are no others.
    """
    answers, truth = (side.astype(np.float64) for side in (answers, truth))
    axes = 0 if truth.ndim == 2 else None
    missed = np.nansum(np.square(answers - truth), axes)
    energy = np.nansum(np.square(truth - _constant(truth)), axes)
    counted = np.atleast_1d(energy > 0)
    if not counted.any():
        return 0.0
    return float((1 - np.atleast_1d(missed)[counted] / np.atleast_1d(energy)[counted]).mean())


def differ_in_numbers(answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any]) -> bool:
    """Return whether the errors of two networks differ, with 95 % confidence."""
    if len(truth) < 2:
        return False
    away = _errors(answers, truth) - _errors(others, truth)
    low, high = np.nanpercentile(resampled(away[:, None]), (2.5, 97.5))
    return bool(low > 0 or high < 0)


def _constant(truth: NDArray[Any]) -> NDArray[np.float64]:
    """Return the best constant answer by squares: the mean of each number, or of all pixels."""
    mean = np.nanmean if np.isnan(truth).any() else np.mean
    return np.asarray(mean(truth.astype(np.float64), axis=0 if truth.ndim == 2 else None))


def _errors(answers: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Return each picture's mean absolute error, where numbers that are not known count as 0."""
    away = np.abs(answers.astype(np.float64) - truth.astype(np.float64))
    # An answer that is not a number stays one: only unknown numbers count as none.
    away = np.where(np.isnan(truth), 0.0, away)
    return np.asarray(away.reshape(len(away), -1).mean(1))


def _known(truth: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of each picture's numbers that are known."""
    return np.asarray((~np.isnan(truth)).reshape(len(truth), -1).mean(1))


def _mean(sums: Sums) -> Sums:
    return sums[:, :1] / sums[:, 1:]
