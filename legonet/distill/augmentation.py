"""Augmentation: pictures shifted a little, so that a few of them go further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from legonet.data.pictures import Pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals import Goal

LARGEST_SHIFT = 1 / 8
"""The largest shift in either direction, as a share of a picture's side."""


def shifted(pictures: Pictures, generator: torch.Generator, goal: Goal | None = None) -> Pictures:
    """Return pictures shifted at random, each by its own amount and along with its answers.

    The strip that a shift uncovers is filled by reflection. Nothing is mirrored, because mirroring
    spoils writing and did not help with photographs.

    Args:
        pictures: The pictures with their answers.
        generator: Draws the shifts.
        goal: What the answers are; only where they are neither labels nor masks.
    """
    count, height, width, _ = pictures.images.shape
    down, right = (_drawn(count, side, generator) for side in (height, width))
    rows, columns = _reflected(down, height), _reflected(right, width)
    place = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :])
    masks = None if pictures.masks is None else pictures.masks[place]
    values = pictures.values
    if values is not None and goal is not None:
        if goal.asks_for == "depth":
            values = values[place]
        else:
            values = goal.moved(values, -down[:, 0] / height, -right[:, 0] / width)
    return Pictures(pictures.images[place], pictures.labels, masks, values)


def _drawn(count: int, side: int, generator: torch.Generator) -> NDArray[np.int64]:
    """Return by how many pixels each picture is shifted along one side, ``(count, 1)``."""
    farthest = int(side * LARGEST_SHIFT)
    return torch.randint(-farthest, farthest + 1, (count, 1), generator=generator).numpy()


def _reflected(shifts: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return shifted positions along one side, ``(count, side)``, reflected at the borders."""
    positions: NDArray[np.int64] = np.abs(np.arange(side) + shifts)
    return np.minimum(positions, 2 * (side - 1) - positions)
