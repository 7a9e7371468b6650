"""Augmentation: pictures shifted a little, so that a few of them go further."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from legonet.data.pictures import Pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SHIFT = 1 / 8
"""The largest shift in either direction, as a share of a picture's side."""


def shifted(pictures: Pictures, generator: torch.Generator) -> Pictures:
    """Return pictures shifted at random, each by its own amount and along with its mask.

    The strip that a shift uncovers is filled by reflection. Nothing is mirrored, because mirroring
    spoils writing and did not help with photographs.

    Args:
        pictures: The pictures with their answers.
        generator: Draws the shifts.
    """
    count, height, width, _ = pictures.images.shape
    rows, columns = (_moved(count, side, generator) for side in (height, width))
    place = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :])
    masks = None if pictures.masks is None else pictures.masks[place]
    return Pictures(pictures.images[place], pictures.labels, masks, pictures.values)


def _moved(count: int, side: int, generator: torch.Generator) -> NDArray[np.int64]:
    """Return shifted positions along one side, ``(count, side)``, reflected at the borders."""
    farthest = int(side * LARGEST_SHIFT)
    shifts = torch.randint(-farthest, farthest + 1, (count, 1), generator=generator).numpy()
    positions: NDArray[np.int64] = np.abs(np.arange(side) + shifts)
    return np.minimum(positions, 2 * (side - 1) - positions)
