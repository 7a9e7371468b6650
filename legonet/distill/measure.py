"""How often a network is right: the figures that stand in a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from legonet.data.pictures import VOID, Pictures
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.spec.base import Goal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

_BATCH = 128


def measure(
    network: nn.Module | Callable[[Tensor], Tensor],
    pictures: Pictures,
    goal: Goal,
    *,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """Return the figures of a network on test pictures, each between 0 and 1.

    With one output a logit above 0 means the category.

    - Classification: ``error_rate``. With one output it is the mean of the error on the
      category's and on the background's pictures, so that the same answer to everything scores
      0.5; with several outputs it is the top-1 error.
    - Segmentation: ``pixel_accuracy`` and ``iou``, over all pixels that are not void, pooled.
      With one output they are taken over the pictures that show the category, and ``iou`` is the
      category's; with several it is the mean over the labels that occur.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``. A
            module is measured in evaluation mode and then put back into the mode that it had.
        pictures: The test pictures with their answers.
        goal: Which figures.
        device: Where the network lies.

    Raises:
        DiagnosticError: There is no picture to measure on.
    """
    if not len(pictures):
        raise _nothing("pictures")
    masks = pictures.masks if goal is Goal.SEGMENTATION else None
    if masks is None and goal is Goal.SEGMENTATION:
        raise _nothing("masks")
    single, answers = _answers(network, pictures, torch.device(device))
    if masks is None:
        return {"error_rate": _error_rate(answers, pictures.labels, single)}
    shown = pictures.labels == 1 if single else np.ones(len(pictures), dtype=np.bool_)
    return _overlap(answers[shown], masks[shown], single)


def _answers(
    network: nn.Module | Callable[[Tensor], Tensor], pictures: Pictures, device: torch.device
) -> tuple[bool, NDArray[np.int64]]:
    """Return whether the network has one output, and its answers, ``(N,)`` or ``(N, H, W)``."""
    training = isinstance(network, nn.Module) and network.training
    if isinstance(network, nn.Module):
        network.eval()
    answers: list[Tensor] = []
    single = False
    try:
        with torch.inference_mode():
            for first in range(0, len(pictures), _BATCH):
                outputs = network(to_tensor(pictures.images[first : first + _BATCH]).to(device))
                single = outputs.shape[1] == 1
                answers.append((outputs[:, 0] > 0 if single else outputs.argmax(1)).long().cpu())
    finally:
        if isinstance(network, nn.Module):
            network.train(training)
    return single, torch.cat(answers).numpy()


def _error_rate(answers: NDArray[np.int64], labels: NDArray[np.int64], single: bool) -> float:
    wrong = answers != labels
    if not single:
        return float(wrong.mean())
    return float(np.mean([wrong[labels == label].mean() for label in np.unique(labels)]))


def _overlap(
    answers: NDArray[np.int64], masks: NDArray[np.uint8], single: bool
) -> dict[str, float]:
    known = masks != VOID
    if not known.any():
        raise _nothing("pictures of the category")
    answered, true = answers[known], masks[known]
    labels = [1] if single else list(np.union1d(answered, true))
    return {
        "pixel_accuracy": float((answered == true).mean()),
        "iou": float(np.mean([_iou(answered == label, true == label) for label in labels])),
    }


def _iou(answered: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    union = (answered | true).sum()
    # Nothing there and nothing found is the whole truth.
    return float((answered & true).sum() / union) if union else 1.0


def _nothing(what: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO532",
        f"expected test {what} to measure a network on, found none",
        label="nothing to measure on",
        help=["the `data` block needs pictures of the category in its test split"],
    )
