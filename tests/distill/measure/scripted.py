"""Test pictures and networks of which every answer is known."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from legonet.data.pictures import Pictures
from legonet.distill.measure import Measured, measured
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation


class Scripted(nn.Module):
    """Gives prepared outputs in the order of the pictures, whatever the batches."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs
        self.given = 0

    def forward(self, inputs: Tensor) -> Tensor:
        first, self.given = self.given, self.given + len(inputs)
        return self.outputs[first : self.given]


def pictures(labels: ArrayLike, masks: NDArray[np.uint8] | None = None, size: int = 4) -> Pictures:
    """Return different pictures of noise with these labels."""
    numbers = np.asarray(labels, np.int64)
    random = np.random.default_rng(0)
    size = size if masks is None else masks.shape[1]
    images = random.integers(0, 256, (len(numbers), size, size, 3), dtype=np.uint8)
    return Pictures(images, numbers, masks)


def answered(logits: ArrayLike, test: Pictures) -> Measured:
    """Return the figures of one output with these logits, one a picture or one a pixel."""
    outputs = torch.as_tensor(np.asarray(logits, np.float64))[:, None]
    goal = Classification() if outputs.ndim == 2 else Segmentation()
    return measured(Scripted(outputs), test, goal)


def balanced(wrong_of_category: int, wrong_of_background: int, of_each: int) -> Measured:
    """Return the figures of a network that errs on so many pictures of each kind."""
    test = two_kinds(of_each)
    return answered(logits(wrong_of_category, wrong_of_background, of_each), test)


def two_kinds(of_each: int) -> Pictures:
    """Return pictures of the category, and as many of the background behind them."""
    return pictures([1] * of_each + [0] * of_each)


def logits(wrong_of_category: int, wrong_of_background: int, of_each: int) -> NDArray[np.float64]:
    """Return the logits of such a network: a unit from 0, and the wrong ones first."""
    category = np.where(np.arange(of_each) < wrong_of_category, -1.0, 1.0)
    background = np.where(np.arange(of_each) < wrong_of_background, 1.0, -1.0)
    return np.concatenate([category, background])
