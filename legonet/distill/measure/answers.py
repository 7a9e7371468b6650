"""The answers of a network about pictures, from one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from legonet.data.tensors import to_tensor
from legonet.goals import VOID
from legonet.goals.figures.answers import Answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from legonet.data.pictures import Pictures
    from legonet.goals import Goal

BATCH = 128


def answers_of(
    network: nn.Module | Callable[[Tensor], Tensor],
    pictures: Pictures,
    goal: Goal,
    device: torch.device,
    *,
    apart: bool = False,
) -> Answers:
    """Return a network's answers in evaluation mode, and restore its mode afterwards.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``.
        pictures: At least one.
        goal: What the answers are.
        device: Where the network is.
        apart: Whether no batch has pictures of both a category and its background. The background
            is often that of other categories, too, and a network that remembers its answers need
            not give them again.
    """
    training = isinstance(network, nn.Module) and network.training
    if isinstance(network, nn.Module):
        network.eval()
    found: list[tuple[Tensor, Tensor]] = []
    outputs = 0
    try:
        with torch.inference_mode():
            batches = _batches(pictures.labels, apart)
            for places in batches:
                answers = network(to_tensor(pictures.images[places]).to(device))
                outputs = answers.shape[1]
                found.append(_answers(goal, answers))
    finally:
        if isinstance(network, nn.Module):
            network.train(training)
    order = np.argsort(np.concatenate(batches))
    labels, scores = (torch.cat(parts).numpy()[order] for parts in zip(*found, strict=True))
    return Answers(outputs, goal.is_single(outputs), labels, scores)


def _batches(labels: NDArray[np.int64], apart: bool) -> list[NDArray[np.int64]]:
    """Return the places of the pictures of one batch after another."""
    kinds = [np.arange(len(labels))]
    if apart and np.isin(labels, (0, 1)).all():
        kinds = [np.flatnonzero(labels == label) for label in (0, 1)]
    return [kind[first : first + BATCH] for kind in kinds for first in range(0, len(kind), BATCH)]


def _answers(goal: Goal, outputs: Tensor) -> tuple[Tensor, Tensor]:
    wide = outputs if outputs.dtype == torch.float64 else outputs.float()
    labels = goal.decide(outputs)
    scores = goal.scores(wide)
    # One label per pixel: one byte instead of eight.
    small = labels.ndim > 1 and not labels.is_floating_point() and outputs.shape[1] <= VOID
    return (labels.byte() if small else labels).cpu(), scores.cpu()
