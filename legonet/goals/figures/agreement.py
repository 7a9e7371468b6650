"""How often two networks give the same answers, and which of them is right more often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from legonet.goals.figures.intervals import CONFIDENCE, resampled
from legonet.goals.void import VOID

if TYPE_CHECKING:
    from numpy.typing import NDArray


def agreement(answers: NDArray[Any], teachers: NDArray[Any]) -> float:
    """Return the share of equal answers, as the mean over the labels that the teacher answers.

    A network that always gives the same answer scores 0.5 with a teacher that gives two.
    """
    same = answers == teachers
    return float(np.mean([same[teachers == label].mean() for label in np.unique(teachers)]))


def differ_on_pictures(
    wrong: NDArray[np.bool_], others: NDArray[np.bool_], labels: NDArray[np.int64] | None
) -> bool:
    """Return whether two networks differ in error rate on the same pictures, with 95 % confidence.

    This is McNemar's exact test: where only one of the two is wrong, it is either one with the same
    probability if they are equally good. With labels, the two errors are means over the labels, so
    the test weights each picture with one over the number of pictures of its label.

    Args:
        wrong: ``(N,)``, whether the first is wrong.
        others: ``(N,)``, whether the second is wrong.
        labels: ``(N,)``, of at most two kinds; None where all pictures have the same weight.
    """
    kinds = np.zeros(len(wrong), np.int64) if labels is None else labels
    differences, chances = np.zeros(1), np.ones(1)
    seen = 0.0
    for kind in np.unique(kinds):
        chosen = kinds == kind
        alone = int((wrong & ~others)[chosen].sum())
        either = int((wrong != others)[chosen].sum())
        steps = (2 * np.arange(either + 1) - either) / chosen.sum()
        seen += steps[alone]
        differences = (differences[:, None] + steps).ravel()
        chances = (chances[:, None] * binom.pmf(np.arange(either + 1), either, 0.5)).ravel()
    as_far = np.abs(differences) >= abs(seen) - 1e-12
    return bool(chances[as_far].sum() < 1 - CONFIDENCE)


def differ_on_pixels(answers: NDArray[Any], others: NDArray[Any], masks: NDArray[np.uint8]) -> bool:
    """Return whether two networks differ in their share of right pixels, with 95 % confidence.

    They do if the bootstrap interval of the difference, over pictures, does not contain 0.

    Args:
        answers: ``(N, H, W)``, of the first network.
        others: Those of the second.
        masks: The truth.
    """
    if len(masks) < 2:
        return False
    known = masks != VOID
    counts = [known, known & (answers != masks), known & (others != masks)]
    pixels, first, second = resampled(np.stack([part.sum((1, 2)) for part in counts], 1)).T
    low, high = np.nanpercentile((first - second) / pixels, (2.5, 97.5))
    return bool(low > 0 or high < 0)
