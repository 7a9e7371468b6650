"""The losses and the decision of goals whose answers are labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def loss_of(outputs: Tensor, answers: Tensor, void: int | None) -> Tensor:
    """Return the mean cross-entropy with the right answers.

    Args:
        outputs: Logits, ``(N, K)`` or ``(N, K, H, W)``; ``K = 1`` for a single category.
        answers: ``(N,)`` or ``(N, H, W)``, int64.
        void: The answer that does not count; None if all do.

    Returns:
        A scalar; 0 where no answer counts.
    """
    if outputs.shape[1] > 1:
        ignored = -1 if void is None else void
        if bool((answers == ignored).all()):
            return outputs.sum() * 0
        return functional.cross_entropy(outputs, answers, ignore_index=ignored)
    logits = outputs.squeeze(1)
    if void is not None:
        known = answers != void
        logits, answers = logits[known], answers[known]
        if not len(answers):
            return outputs.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits, (answers == 1).to(logits))


def teacher_loss_of(outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Return the cross-entropy with the teacher's softened outputs, times ``T^2``.

    The factor keeps the size of the gradient as the temperature changes (Hinton, Vinyals, Dean,
    "Distilling the Knowledge in a Neural Network", 2015).

    Args:
        outputs: The student's logits, ``(N, K)`` or ``(N, K, H, W)``.
        taught: The teacher's, of the same shape.
        temperature: T.
    """
    if outputs.shape[1] == 1:
        loss = functional.binary_cross_entropy_with_logits(
            outputs / temperature, (taught / temperature).sigmoid()
        )
    else:
        loss = functional.cross_entropy(outputs / temperature, (taught / temperature).softmax(1))
    return loss * temperature**2


def decided(logits: Tensor) -> Tensor:
    """Return the labels that logits decide for.

    A single output means yes, 1, above 0, and no, 0, otherwise. Of several outputs the largest
    wins; among equals, the first.

    Args:
        logits: ``(N, K)`` or ``(N, K, H, W)``.

    Returns:
        ``(N,)`` or ``(N, H, W)``, int64.
    """
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)


def probabilities(outputs: NDArray[np.float32]) -> list[float]:
    """Return how probable each label is: by a sigmoid of a single output, otherwise by softmax.

    Args:
        outputs: The logits for one picture, ``(K,)``.
    """
    logits = torch.from_numpy(outputs)
    found: list[float] = (logits.sigmoid() if len(outputs) == 1 else logits.softmax(0)).tolist()
    return found
