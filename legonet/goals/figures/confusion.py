"""Which answers are given for which right ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def confusion(truth: NDArray[Any], answers: NDArray[Any], labels: int) -> list[list[int]]:
    """Return how often each answer is given for each right one: a row for each right answer.

    Args:
        truth: The numbers of the right labels, any shape.
        answers: The numbers of the answered labels, of the same shape.
        labels: How many labels there are.
    """
    places = truth.astype(np.int64).ravel() * labels + answers.astype(np.int64).ravel()
    counts: list[list[int]] = np.bincount(places, minlength=labels**2).reshape(labels, -1).tolist()
    return counts
