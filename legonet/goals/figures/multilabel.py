"""Figures of a network that says of each label whether a picture shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from legonet.goals.figures.chance import Chance
from legonet.goals.figures.intervals import Sums, over_pictures, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers


def multilabel(answers: Answers, truth: NDArray[Any]) -> tuple[dict[str, float], Chance | None]:
    """Return the figures of answers about labels, and how they compare with a constant answer.

    - ``label_error_rate`` with limits: for each label the mean of the errors on the pictures that
      show it and on those that do not, averaged over the labels of which there are both; the same
      answer to everything scores 0.5. The interval comes from a bootstrap over pictures.
    - ``mean_average_precision`` and ``mean_auc``: means over the same labels of the average
      precision and of the area under the ROC curve; left out where a logit is not finite.

    Args:
        answers: About the pictures, ``(N, K)``.
        truth: 1 for each label that a picture shows, and 0 otherwise, ``(N, K)``.
    """
    both = (truth == 1).any(0) & (truth == 0).any(0)
    if not both.any():
        wrong = float((answers.labels != truth).mean())
        return {"label_error_rate": wrong}, None
    true, answered, scores = truth[:, both], answers.labels[:, both], answers.scores[:, both]
    (found,) = over_pictures(_counts(answered, true), _balanced)
    metrics = found.named("label_error_rate")
    if np.isfinite(scores).all():
        metrics["mean_average_precision"] = float(average_precision_score(true, scores))
        metrics["mean_auc"] = float(roc_auc_score(true, scores))
    few = len(true) < 2
    return metrics, Chance("label error", *found, 0.5, 1.0 if few else 0.0, len(true))


def differ_on_labels(answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any]) -> bool:
    """Return whether the label errors of two networks differ, with 95 % confidence."""
    if len(truth) < 2:
        return False
    counts = [_counts(labels, truth) for labels in (answers, others)]
    first, second = (_balanced(resampled(item))[:, 0] for item in counts)
    low, high = np.nanpercentile(first - second, (2.5, 97.5))
    return bool(low > 0 or high < 0)


def _counts(answered: NDArray[Any], true: NDArray[Any]) -> NDArray[np.int64]:
    """Return shown, missed, not shown and false alarm for each label, ``(N, 4 K)``."""
    shown, wrong = true == 1, answered != true
    return np.concatenate([shown, shown & wrong, ~shown, ~shown & wrong], axis=1).astype(np.int64)


def _balanced(sums: Sums) -> Sums:
    shown, missed, others, alarms = np.split(sums, 4, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = (missed / shown + alarms / others) / 2
    known = np.isfinite(errors)
    total = np.where(known, errors, 0).sum(1)
    counted = known.sum(1)
    return np.where(counted > 0, total / np.maximum(counted, 1), np.nan)[:, None]
