"""Pictures seen anew: shifted a little, so that few of them say more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from legonet.data.pictures import Pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SHIFT = 1 / 8
"""Of the side of a picture, in either direction."""


def shifted(pictures: Pictures, generator: torch.Generator) -> Pictures:
    """Return pictures shifted by chance, each by itself and its mask alike.

    What leaves the picture on one side is reflected in on the other. Nothing is mirrored, because
    a mirror spoils writing and was of no use for photographs.

    Args:
        pictures: The pictures with their answers.
        generator: For the shifts.
    """
    count, height, width, _ = pictures.images.shape
    rows, columns = (_moved(count, side, generator) for side in (height, width))
    place = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :])
    masks = None if pictures.masks is None else pictures.masks[place]
    return Pictures(pictures.images[place], pictures.labels, masks)


def _moved(count: int, side: int, generator: torch.Generator) -> NDArray[np.int64]:
    """Return shifted positions along one side, ``(count, side)``, reflected at the borders."""
    farthest = int(side * LARGEST_SHIFT)
    shifts = torch.randint(-farthest, farthest + 1, (count, 1), generator=generator).numpy()
    positions: NDArray[np.int64] = np.abs(np.arange(side) + shifts)
    return np.minimum(positions, 2 * (side - 1) - positions)
