"""PASCAL-Part's annotation files, and what can be cut out with their help.

Each is a MATLAB file with a struct ``anno``: ``imname``, the picture's name, and ``objects``, each
of which has ``class``, ``class_ind`` (1 to 20), ``mask`` (height x width, 0 and 1) and ``parts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.data.matlab import read_matlab
from legonet.data.sources.voc import CATEGORIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALLEST = 32
"""Smallest shorter side, in pixels, at which a cut-out can still be recognised."""

MARGIN = 0.1
"""Margin around the object on each side of a crop, as a share of its width or height."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; the last two are just outside."""


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of a picture.

    Args:
        category: What it is, one of VOC's categories.
        mask: Its pixels, ``(H, W)``, bool.
    """

    category: str
    mask: NDArray[np.bool_]


def read_annotation(file: Path) -> list[AnnotatedObject]:
    """Read the objects of one picture; their parts are ignored.

    Raises:
        DiagnosticError: The file contains something else.
    """

    def objects(struct: Any) -> list[AnnotatedObject]:
        annotation = struct[0, 0]
        picture = annotation["imname"].item()
        if picture != file.stem:
            raise ValueError(f"it is about the picture `{picture}`")
        found = [
            AnnotatedObject(_category(entry["class_ind"].item()), _mask(entry["mask"]))
            for entry in annotation["objects"].flat
        ]
        if len({item.mask.shape for item in found}) > 1:
            raise ValueError("the masks of its objects differ in size")
        return found

    return read_matlab(file, "anno", "PASCAL-Part's annotation of a picture", objects)


def box_around(mask: NDArray[np.bool_]) -> Box | None:
    """Return the box of an object with a margin; None where it is too small to recognise."""
    import numpy as np

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    height, width = mask.shape
    left, right = int(columns[0]), int(columns[-1]) + 1
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    if min(right - left, bottom - top) < SMALLEST:
        return None
    across, down = round((right - left) * MARGIN), round((bottom - top) * MARGIN)
    return (
        max(left - across, 0),
        max(top - down, 0),
        min(right + across, width),
        min(bottom + down, height),
    )


def largest_square(free: NDArray[np.bool_]) -> Box | None:
    """Return the largest square of free pixels; of several, the topmost and then the leftmost.

    Args:
        free: Where no object is, ``(H, W)``.

    Returns:
        None where it would be too small to recognise.
    """
    import numpy as np

    height, width = free.shape
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = (~free).cumsum(axis=0).cumsum(axis=1)

    def corners(side: int) -> NDArray[np.bool_]:
        """Return for each top left corner whether the square that starts there is free."""
        inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side]
        free_at: NDArray[np.bool_] = inside + sums[:-side, :-side] == 0
        return free_at

    # A free square contains free squares of every smaller side, so the side can be bisected.
    fits, too_large = SMALLEST - 1, min(height, width) + 1
    while too_large - fits > 1:
        side = (fits + too_large) // 2
        fits, too_large = (side, too_large) if corners(side).any() else (fits, side)
    if fits < SMALLEST:
        return None
    top, left = divmod(int(corners(fits).argmax()), width + 1 - fits)
    return (left, top, left + fits, top + fits)


def _category(number: int) -> str:
    if not 1 <= number <= len(CATEGORIES):
        raise ValueError(f"there is no category {number}")
    return CATEGORIES[number - 1]


def _mask(numbers: NDArray[np.generic]) -> NDArray[np.bool_]:
    if numbers.ndim != 2 or not numbers.size:
        raise ValueError("an object has no mask")
    return numbers.astype(bool)
