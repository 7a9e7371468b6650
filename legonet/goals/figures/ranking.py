"""How well a network's logits tell a category from its background, at any threshold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, roc_curve


class Ranking(NamedTuple):
    """The order of logits.

    Args:
        auc: Area under the ROC curve: the probability that something of the category has a larger
            logit than something of the background; ties count one half.
        threshold: Between the logits where the weighted error is smallest; 0 where no other
            threshold is better.
    """

    auc: float
    threshold: float


def ranking(logits: NDArray[np.floating], true: NDArray[Any], weight: float) -> Ranking | None:
    """Return the area under the ROC curve and the best threshold.

    Args:
        logits: ``(N,)``, finite.
        true: ``(N,)``, 1 for the category and 0 for the background.
        weight: The weight of the share of the category that is missed; the share of false alarms
            has the rest.

    Returns:
        None where there is nothing of either category or background.
    """
    positive = true == 1
    if positive.all() or not positive.any():
        return None
    alarms, hits, thresholds = roc_curve(positive, logits)
    errors = weight * (1 - hits) + (1 - weight) * alarms
    best = int(errors.argmin())
    above = logits > 0
    now = weight * float((~above)[positive].mean()) + (1 - weight) * float(above[~positive].mean())
    if now <= errors[best] + 1e-12:
        return Ranking(float(auc(alarms, hits)), 0.0)
    return Ranking(float(auc(alarms, hits)), _between(logits, float(thresholds[best])))


def _between(logits: NDArray[np.floating], threshold: float) -> float:
    """Return a value above the largest logit below a threshold, and below the threshold itself."""
    below = logits[logits < threshold]
    if not len(below):
        return float(logits.min()) - 1.0
    if not np.isfinite(threshold):
        return float(logits.max())
    return (float(below.max()) + threshold) / 2
