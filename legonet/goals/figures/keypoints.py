"""Figures of a network that answers with points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legonet.goals.figures.chance import Chance
from legonet.goals.figures.intervals import over_pictures, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals.figures.intervals import Sums

NEAR = 0.1
"""Points are right that are not farther away, as a share of the sides of the picture."""


def keypoints(answers: NDArray[Any], truth: NDArray[Any]) -> tuple[dict[str, float], Chance | None]:
    """Return the figures of points, and how they compare with a constant answer.

    - ``point_error`` with limits: the share of points that are farther than `NEAR` from the right
      place, one minus the percentage of correct key points (PCK). The interval comes from a
      bootstrap over pictures.
    - ``mean_distance``: how far points are off, as a share of the sides of the picture.

    Args:
        answers: ``(N, P, 2)``, shares of height and width.
        truth: The right ones; not a number where a point is not known, which then does not count.
    """
    wrong, known = are_off(answers, truth), np.isfinite(truth).all(2)
    metrics = {"mean_distance": float(_distances(answers, truth)[known].mean())}
    if len(truth) < 2:
        return {"point_error": float(wrong[known].mean()), **metrics}, None
    counts = np.stack([wrong.sum(1), known.sum(1)], 1)
    (found,) = over_pictures(counts, _mean)
    # A point that is known nowhere has no mean, and is wrong nowhere.
    middle = np.where(known[..., None], truth, 0).sum(0) / known.sum(0).clip(1)[:, None]
    missed = float(are_off(np.broadcast_to(middle, truth.shape), truth)[known].mean())
    figures = found.named("point_error") | metrics
    if not missed:
        # Where there is only one right answer, a constant answer is always right.
        return figures, None
    return figures, Chance("share of points off", *found, missed, 0.0, len(truth))


def are_off(answers: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which points are too far from the right place, as far as it is known, ``(N, P)``."""
    return _distances(answers, truth) > NEAR


def differ_in_points(answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any]) -> bool:
    """Return whether the errors of two networks differ, with 95 % confidence."""
    if len(truth) < 2:
        return False
    away = are_off(answers, truth).sum(1) - are_off(others, truth).sum(1)
    low, high = np.nanpercentile(resampled(away[:, None]), (2.5, 97.5))
    return bool(low > 0 or high < 0)


def _distances(answers: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(answers.astype(np.float64) - truth, axis=2))


def _mean(sums: Sums) -> Sums:
    return sums[:, :1] / sums[:, 1:]
