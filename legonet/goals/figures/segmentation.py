"""Figures of a network that gives each pixel a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legonet.goals.figures.answers import all_alike
from legonet.goals.figures.calibration import calibration_error
from legonet.goals.figures.chance import Chance
from legonet.goals.figures.intervals import Sums, over_pictures
from legonet.goals.figures.ranking import ranking
from legonet.goals.void import VOID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers

Figures = dict[str, float]

MOST_PIXELS = 2**22
"""Most pixels that are sorted for the area under the ROC curve; of more, every n-th is used."""


def segmentation(
    answers: Answers, masks: NDArray[np.uint8], images: NDArray[np.uint8]
) -> tuple[Figures, Chance | None]:
    """Return the figures of answers about pixels, and how they compare with a constant answer.

    Args:
        answers: About the pictures that count.
        masks: Their masks, ``(N, H, W)``, with at least one pixel that is not void.
        images: The pictures themselves, ``(N, H, W, 3)``.
    """
    distinct = not all_alike(images, np.ones(len(images), np.bool_))
    known = masks != VOID
    if answers.single:
        metrics, chance = _of_category(answers, masks, distinct=distinct)
    else:
        metrics, chance = _of_labels(answers, masks, distinct=distinct)
    scores, true = answers.scores[known], masks[known]
    if not np.isfinite(scores).all():
        return metrics, chance
    if answers.single:
        metrics |= _ranked(scores, true)
    right = answers.labels[known] == true
    metrics["calibration_error"] = calibration_error(answers.confidence[known], right)
    return metrics, chance


def _of_category(
    answers: Answers, masks: NDArray[np.uint8], *, distinct: bool
) -> tuple[Figures, Chance | None]:
    answered = answers.labels == 1
    counts = np.stack(
        [
            (chosen & (masks == label)).sum((1, 2))
            for label in (1, 0)
            for chosen in (answered, ~answered)
        ],
        axis=1,
    )
    accuracy, iou, balanced = over_pictures(counts, _of_confusion, distinct=distinct)
    metrics = accuracy.named("pixel_accuracy") | iou.named("iou")
    hits, missed, alarms, _ = counts.sum(0).tolist()
    if hits + alarms:
        metrics["precision"] = hits / (hits + alarms)
    if hits + missed:
        metrics["recall"] = hits / (hits + missed)
    if np.isnan(balanced.value):
        # Where there is only one right answer, a constant answer is always right.
        return metrics, None
    metrics |= balanced.named("balanced_pixel_accuracy")
    few = len(masks) < 2 or not distinct
    wrong = (1 - balanced.value, 1 - balanced.high, 1 - balanced.low)
    number = len(masks) if distinct else 1
    return metrics, Chance("balanced pixel error", *wrong, 0.5, 1.0 if few else 0.0, number)


def _of_confusion(sums: Sums) -> Sums:
    """Return accuracy, IoU and balanced accuracy for hits, misses, false alarms and rejections."""
    hits, missed, alarms, rejected = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        balanced = (hits / (hits + missed) + rejected / (rejected + alarms)) / 2
        return np.stack(
            [(hits + rejected) / sums.sum(1), _iou(hits, hits + missed + alarms), balanced], axis=1
        )


def _of_labels(
    answers: Answers, masks: NDArray[np.uint8], *, distinct: bool
) -> tuple[Figures, Chance | None]:
    known = masks != VOID
    labels = np.union1d(answers.labels[known], masks[known])
    parts: list[NDArray[Any]] = [known, known & (answers.labels == masks)]
    for label in labels:
        answered, true = known & (answers.labels == label), masks == label
        parts += [answered & true, answered | true]
    counts = np.stack([part.sum((1, 2)) for part in parts], axis=1)
    accuracy, iou = over_pictures(counts, _of_each_label, distinct=distinct)
    metrics = accuracy.named("pixel_accuracy") | iou.named("iou")
    most = np.unique(masks[known], return_counts=True)[1].max() / known.sum()
    if most == 1:
        return metrics, None
    few = len(masks) < 2 or not distinct
    wrong = (1 - accuracy.value, 1 - accuracy.high, 1 - accuracy.low)
    number = len(masks) if distinct else 1
    return metrics, Chance("pixel error", *wrong, 1 - most, 1.0 if few else 0.0, number)


def _of_each_label(sums: Sums) -> Sums:
    """Return accuracy and the mean IoU over the labels that occur."""
    pixels, right, *each = sums.T
    found = np.array([_iou(both, union) for both, union in zip(each[::2], each[1::2], strict=True)])
    occurs = np.array(each[1::2]) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([right / pixels, (found * occurs).sum(0) / occurs.sum(0)], axis=1)


def _iou(both: Sums, union: Sums) -> Sums:
    # If there is nothing to find and nothing is found, everything is right.
    return np.divide(both, union, out=np.ones_like(both), where=union > 0)


def _ranked(scores: NDArray[np.floating], true: NDArray[np.uint8]) -> Figures:
    every = -(-len(scores) // MOST_PIXELS)
    some, answers = scores[::every], true[::every]
    found = ranking(some, answers, float((answers == 1).mean()))
    if found is None:
        return {}
    best = float(((scores > found.threshold) == (true == 1)).mean())
    plain = float(((scores > 0) == (true == 1)).mean())
    threshold = found.threshold if best > plain else 0.0
    return {
        "auc": found.auc,
        "best_pixel_accuracy": max(best, plain),
        "best_threshold": threshold,
    }
