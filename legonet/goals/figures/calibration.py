"""Whether a network is right as often as it claims."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15


def calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error, from 0 to 1.

    The answers are put into 15 bins of equal width by the probability that the network assigns
    to them. The error is the mean distance between that probability and the share of right answers
    in a bin, weighted by the number of answers in it. C. Guo et al., On Calibration of Modern
    Neural Networks, 2017, Eq. 3.

    Args:
        confidence: The probability of each answer, 0 to 1.
        right: Whether it is right, of the same shape.
    """
    # A bin contains its upper edge, as in the paper.
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1).ravel()
    stated = np.bincount(bins, confidence.ravel().astype(np.float64), BINS)
    true = np.bincount(bins, right.ravel().astype(np.float64), BINS)
    return float(np.abs(stated - true).sum() / right.size)
