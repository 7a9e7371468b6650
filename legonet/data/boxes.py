"""Boxes and points in the pixels of a picture, as shares of its sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

TOLERANCE = 1.0
"""Annotations are rounded: so many pixels outside of a picture, they are moved to its edge."""

Corners = tuple[float, float, float, float]
"""The left, top, right and lower edge of a box."""


def share_of_box(box: Corners, size: tuple[int, int], name: str) -> Corners:
    """Return the edges of a box as shares of its picture's width and height.

    Args:
        box: In pixels; 0 is the left or upper edge of the first pixel.
        size: Width and height of the picture.
        name: What to call the box if it does not fit.

    Raises:
        DiagnosticError: It is empty, or not inside of the picture.
    """
    width, height = size
    left, top, right, lower = box
    told = " ".join(f"{edge:g}" for edge in box)
    # Written so that a number which is none is refused too.
    if not (right > left and lower > top):
        raise unfit(f"expected a box with a width and a height, found {told} in {name}")
    inside = min(left, top) >= -TOLERANCE
    if not (inside and right <= width + TOLERANCE and lower <= height + TOLERANCE):
        raise unfit(
            f"expected a box inside of a picture of {width}x{height} pixels, found {told} in {name}"
        )
    left, right = (min(max(edge / width, 0.0), 1.0) for edge in (left, right))
    top, lower = (min(max(edge / height, 0.0), 1.0) for edge in (top, lower))
    if right <= left or lower <= top:
        raise unfit(
            f"expected a box inside of a picture of {width}x{height} pixels, found {told} in {name}"
        )
    return left, top, right, lower


def sized_as_annotated(picture: Image, size: tuple[int, int], path: Path) -> Image:
    """Return a picture if it has the size that its annotations say.

    Args:
        picture: The picture.
        size: Width and height, as its annotations say.
        path: Its file, for the error.

    Raises:
        DiagnosticError: It has another size.
    """
    if picture.size != size:
        from legonet.data.orientation import advice_on_orientation

        (width, height), (wide, high) = size, picture.size
        raise unfit(
            f"expected a picture of {width}x{height} pixels, as its annotations say, "
            f"found {wide}x{high} in `{path}`",
            *advice_on_orientation(
                size, picture.size, "annotate the upright picture, or remove the note"
            ),
        )
    return picture


def share_of_point(
    point: tuple[float, float], size: tuple[int, int], name: str
) -> tuple[float, float]:
    """Return a point as shares of its picture's height and width.

    Args:
        point: Its place from the left and from the top, in pixels.
        size: Width and height of the picture.
        name: What to call the point if it does not fit.

    Raises:
        DiagnosticError: It is not inside of the picture.
    """
    (left, top), (width, height) = point, size
    within = -TOLERANCE <= left <= width + TOLERANCE and -TOLERANCE <= top <= height + TOLERANCE
    if not within:
        raise unfit(
            f"expected a point inside of a picture of {width}x{height} pixels, found "
            f"{left:g} {top:g} in {name}"
        )
    return min(max(top / height, 0.0), 1.0), min(max(left / width, 0.0), 1.0)


def rows_of(boxes: Sequence[tuple[Corners, float, int]]) -> NDArray[np.float32]:
    """Return boxes as `legonet.data.Source.boxes` does: edges, whether it counts, category."""
    import numpy as np

    rows = [(*corners, counts, number) for corners, counts, number in boxes]
    return np.array(rows, np.float32).reshape(len(rows), 6)


def size_of_picture(file: Path | IO[bytes], name: str) -> tuple[int, int]:
    """Return the width and height of a picture as it is upright, without decoding it.

    Raises:
        DiagnosticError: It is missing or is not a picture.
    """
    from PIL import Image

    from legonet.data.decode import readable
    from legonet.data.orientation import upright_size

    with readable(name), Image.open(file) as picture:
        return upright_size(picture)


def unfit(message: str, *advice: str) -> DiagnosticError:
    """Return the error that an annotation does not fit its picture.

    Args:
        message: What does not fit.
        advice: What to do about it, besides correcting it.
    """
    return DiagnosticError.of(
        "LEGO410",
        message,
        label="does not fit its picture",
        help=[*advice, "correct the annotation, or leave it out"],
    )
