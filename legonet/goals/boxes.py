"""Boxes: which ones a network decides for, and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from legonet.diagnostics import DiagnosticError
from legonet.goals.figures.intervals import Estimate, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MOST_BOXES = 100
"""Boxes that a network decides for, at most, as in COCO's evaluation."""

LEAST_PROBABILITY = 0.05
"""Boxes that are less probable are never decided for."""

MOST_OVERLAP = 0.5
"""Boxes of one label that overlap more, by intersection over union, are one object."""

SURE = 0.5
"""From this probability on, a teacher's box counts as right."""

NO_LABEL = -1
"""The label of rows without a box."""

REGION = -1
"""The probability of a right box in which answers are neither right nor wrong, as in a crowd."""

FAR = 4.0
"""Edges that are farther away are no shares of a picture, but pixels."""

SCALE = 1000
"""Shares of a picture are measured as pixels of a picture of this size."""


def decided(outputs: Tensor) -> Tensor:
    """Return the boxes that a network decides for, the surest first.

    Args:
        outputs: ``(N, 4 + K, A)``.

    Returns:
        ``(N, 100, 6)``, float32: four edges, probability and label; rows that are not needed are
        0 with the label -1.

    Raises:
        DiagnosticError: Most boxes are far outside of the picture (``LEGO534``).
    """
    import torch
    from torchvision.ops import batched_nms

    found = torch.zeros(len(outputs), MOST_BOXES, 6)
    found[:, :, 5] = NO_LABEL
    for place, output in enumerate(outputs.detach().float().cpu()):
        probabilities, corners = output[4:].sigmoid(), output[:4].clamp(0, 1)
        probable = probabilities > LEAST_PROBABILITY
        _check_shares(output[:4, probable.any(0)])
        # Written so that an edge which is no number is no box.
        probable &= (corners[2:] > corners[:2]).all(0)
        labels, boxes = torch.nonzero(probable, as_tuple=True)
        sure, edges = probabilities[labels, boxes], corners[:, boxes].T
        kept = batched_nms(edges, sure, labels, MOST_OVERLAP)[:MOST_BOXES]
        rows = torch.cat([edges[kept], sure[kept, None], labels[kept, None].float()], 1)
        found[place, : len(rows)] = rows
    return found


def _check_shares(edges: Tensor) -> None:
    """Check that most boxes, ``(4, B)``, are near their picture."""
    farthest = edges.abs().amax(0)
    if farthest.numel() and farthest.median() > FAR:
        raise DiagnosticError.of(
            "LEGO534",
            "expected edges of boxes as shares of the picture, from 0 to 1, found most of them "
            f"at {farthest.median():.4g} or farther",
            label="boxes in pixels",
            help=["let the model divide its boxes by the width and the height of the picture"],
        )


def detection(answers: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Return the mean average precision with its interval, and that for overlaps from 0.5.

    The interval is the bootstrap's of the mean over pictures, moved to the pooled figure.

    Args:
        answers: ``(N, 100, 6)``, as `decided` returns them.
        truth: ``(N, B, 6)``, the same for what is right. Boxes with a probability below 0.5 do not
            count. In those with the probability `REGION`, answers are neither right nor wrong.

    Raises:
        DiagnosticError: Nothing is right, so nothing can be measured (``LEGO532``); or a library is
            missing (``LEGO503``).
    """
    if not any(counted(rows).any() for rows in truth):
        raise DiagnosticError.of(
            "LEGO532",
            f"expected an object in the {len(truth)} test pictures, and neither the data nor the "
            "teacher names one",
            label="nothing to measure on",
            help=["name `data` that show what the networks detect"],
        )
    values = _average_precisions(answers, truth)
    alone = [
        _average_precisions(answers[place : place + 1], truth[place : place + 1])["map"]
        for place in range(len(truth))
        if counted(truth[place]).any()
    ]
    value = values["map"]
    low, high = 0.0, 1.0
    if len(alone) > 1:
        shares = np.round(np.array(alone)[:, None] * 10**6).astype(np.int64)
        means = resampled(shares)[:, 0] / len(alone) / 10**6
        below, above = np.percentile(means, (2.5, 97.5)) - means.mean()
        low, high = max(0.0, value + below), min(1.0, value + above)
    figure = Estimate(value, low, high).named("mean_average_precision")
    return {**figure, "mean_average_precision_50": values["map_50"]}


def mean_average_precision(answers: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return COCO's mean average precision of boxes, for overlaps from 0.5 to 0.95."""
    return _average_precisions(answers, truth)["map"]


def moved(
    boxes: NDArray[Any], down: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return boxes that were shifted along with their pictures, without those that left them.

    Args:
        boxes: ``(N, B, 6)``, as `decided` returns them.
        down: ``(N,)``, as a share of the height.
        right: ``(N,)``, as a share of the width.
    """
    away = np.stack([right, down, right, down], 1)[:, None]
    edges = np.clip(boxes[..., :4] + away, 0, 1)
    gone = (edges[..., 2:] <= edges[..., :2]).any(-1) | (boxes[..., 5] == NO_LABEL)
    found = np.concatenate([edges, boxes[..., 4:]], -1).astype(np.float32)
    found[gone] = (0, 0, 0, 0, 0, NO_LABEL)
    return found


def _average_precisions(answers: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Return COCO's figures; where there is no box at all, answers without boxes have 1."""
    import torch

    metric = _metric()
    known = np.stack([counted(rows) for rows in truth])
    if not known.any():
        none = float(not any(counted(rows).any() for rows in answers))
        return {"map": none, "map_50": none}
    for rows, right, chosen in zip(answers, truth, known, strict=True):
        regions = (right[:, 5] != NO_LABEL) & (right[:, 4] == REGION)
        own, sure = rows[rows[:, 5] != NO_LABEL], right[chosen | regions]
        told = {
            "boxes": torch.from_numpy(own[:, :4] * SCALE),
            "scores": torch.from_numpy(own[:, 4]),
            "labels": torch.from_numpy(own[:, 5]).long(),
        }
        expected = {
            "boxes": torch.from_numpy(sure[:, :4] * SCALE),
            "labels": torch.from_numpy(sure[:, 5]).long(),
            "iscrowd": torch.from_numpy(sure[:, 4] == REGION).long(),
        }
        metric.update([told], [expected])
    found = metric.compute()
    return {name: float(found[name]) for name in ("map", "map_50")}


def _metric() -> Any:
    try:
        from torchmetrics.detection import MeanAveragePrecision

        return MeanAveragePrecision()
    except ImportError as error:  # torchmetrics says so of pycocotools too
        raise DiagnosticError.of(
            "LEGO503",
            f"detectors are measured with torchmetrics and pycocotools: {error}",
            label="library missing",
            help=["pip install 'legonet[detection]'"],
        ) from error


def counted(boxes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of the right boxes count as objects, ``(.., B)`` of ``(.., B, 6)``."""
    return np.asarray((boxes[..., 5] != NO_LABEL) & (boxes[..., 4] >= SURE))
