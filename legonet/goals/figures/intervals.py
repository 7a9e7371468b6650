"""Intervals of 95 %: how far a figure may be off for being measured on a sample of pictures."""

from __future__ import annotations

from collections.abc import Callable
from math import hypot
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

CONFIDENCE = 0.95
RESAMPLES = 1000
SEED = 0

Sums = NDArray[np.float64]


class Estimate(NamedTuple):
    """A share with its 95 % interval, each from 0 to 1."""

    value: float
    low: float
    high: float

    def named(self, name: str) -> dict[str, float]:
        """Return the estimate as metrics: ``name``, ``name_low`` and ``name_high``."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def proportion(successes: int, trials: int) -> Estimate:
    """Return a proportion with its Wilson interval.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    low, high = binomtest(successes, trials).proportion_ci(CONFIDENCE, "wilson")
    return Estimate(successes / trials, float(low), float(high))


def mean_of_two(first: Estimate, second: Estimate) -> Estimate:
    """Return the mean of two independent proportions, their intervals combined.

    This is Newcombe's square-and-add method, also called MOVER: the distances of the limits from
    the values add up like standard errors. R. G. Newcombe, Interval estimation for the difference
    between independent proportions, method 10, 1998.
    """
    value = (first.value + second.value) / 2
    return Estimate(
        value,
        value - hypot(first.value - first.low, second.value - second.low) / 2,
        value + hypot(first.high - first.value, second.high - second.value) / 2,
    )


def over_pictures(
    counts: NDArray[np.integer | np.floating],
    statistic: Callable[[Sums], Sums],
    *,
    distinct: bool = True,
) -> list[Estimate]:
    """Return figures that are computed from sums over pictures, with bootstrap intervals.

    The pixels of a picture are alike, so pictures are resampled and not pixels: `RESAMPLES` times,
    each time as many as there are, with a fixed seed. The limits are percentiles. One picture says
    nothing about others: its interval is all of 0 to 1. B. Efron, R. J. Tibshirani, An Introduction
    to the Bootstrap, 1993, section 13.3.

    Args:
        counts: ``(N, K)``, what is summed.
        statistic: Takes sums ``(R, K)`` and returns figures ``(R, S)``.
        distinct: False where all pictures are the same.

    Returns:
        S estimates.
    """
    values = statistic(counts.sum(0, keepdims=True).astype(np.float64))[0]
    if len(counts) < 2 or not distinct:
        return [Estimate(float(value), 0.0, 1.0) for value in values]
    limits = np.nanpercentile(statistic(resampled(counts)), _PERCENTILES, axis=0)
    return [
        Estimate(float(value), float(low), float(high))
        for value, low, high in zip(values, *limits, strict=True)
    ]


def resampled(counts: NDArray[np.integer | np.floating]) -> Sums:
    """Return the sums ``(R, K)`` of counts ``(N, K)`` over resamples, the same ones each time."""
    # From raw bits alone, as NumPy's distributions may change from version to version.
    bits = np.random.Philox(SEED)
    number = len(counts)
    drawn = (counts[bits.random_raw(number) % number].sum(0) for _ in range(RESAMPLES))
    return np.array(list(drawn), dtype=np.float64)


_PERCENTILES = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
