"""From files to pixels."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from legonet.data.orientation import advice_on_orientation, upright
from legonet.data.source import Example
from legonet.diagnostics import DiagnosticError
from legonet.foreign_files import recognised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

Item = TypeVar("Item")

CHUNK = 16
"""Pictures that a thread decodes before it takes more."""

LARGE = 200 * 200
"""Pixels from which threads pay; below, Python's own work, which they cannot share, dominates."""


def read_picture(path: Path, size: int) -> NDArray[np.uint8]:
    """Read one picture file and squash it to a square.

    Returns:
        ``(size, size, 3)``, uint8, RGB.

    Raises:
        DiagnosticError: The file is missing or is not a picture.
    """
    import numpy as np

    return np.asarray(squash(open_picture(path, str(path)), size))


def open_picture(file: Path | IO[bytes], name: str) -> Image:
    """Decode a picture upright and as RGB, in its own size.

    Args:
        file: A path or an open file.
        name: What to call it if it cannot be read.

    Raises:
        DiagnosticError: It is missing or is not a picture.
    """
    return to_rgb(_decode(file, name), name)


def to_rgb(picture: Image, name: str) -> Image:
    """Return a picture upright, with three channels of 8 bits; transparency is dropped.

    Args:
        picture: As Pillow returns it.
        name: What to call it if that is not possible.

    Raises:
        DiagnosticError: It has more than 8 bits a channel, or is damaged.
    """
    _check_depth(picture, name)
    with readable(name):
        picture = upright(picture)
        if picture.mode == "P" and "transparency" in picture.info:
            picture = picture.convert("RGBA")
        return picture if picture.mode == "RGB" else picture.convert("RGB")


def open_mask(path: Path, name: str) -> Image:
    """Decode a mask upright, in its own size: the stored numbers, or the indices of a palette.

    Args:
        path: The mask file.
        name: What to call it if it cannot be read.

    Raises:
        DiagnosticError: It is missing or is not a mask.
    """
    from PIL import Image

    mask = _decode(path, name)
    _check_depth(mask, name)
    with readable(name):
        mask = upright(mask)
        if mask.mode == "P":
            return Image.frombytes("L", mask.size, mask.tobytes())
        _check_grey(mask, name)
        return mask.convert("L")


def _check_grey(mask: Image, name: str) -> None:
    """Check that a mask's numbers are its grey values, and in nothing else."""
    has_alpha = mask.mode in ("LA", "RGBA")
    if has_alpha and mask.getchannel("A").getextrema() != (255, 255):
        raise DiagnosticError.of(
            "LEGO405",
            f"expected a grey mask, found transparency in `{name}`",
            help=["save its alpha channel as a grey picture, without transparency"],
        )
    if mask.mode not in ("RGB", "RGBA"):
        return
    red, *others = (mask.getchannel(band).tobytes() for band in "RGB")
    if others != [red, red]:
        raise DiagnosticError.of(
            "LEGO405",
            f"expected a grey mask, found colours in `{name}`",
            help=["save the number of each pixel as its grey value, or with a palette"],
        )


def fitting(mask: Image, size: tuple[int, int], name: str) -> Image:
    """Return the mask if it has the size of its picture.

    Raises:
        DiagnosticError: It has a different size.
    """
    check_size(mask.size, size, name)
    return mask


def check_size(found: tuple[int, int], expected: tuple[int, int], name: str) -> None:
    """Check that a mask has the size of its picture; both are given as width and height.

    Raises:
        DiagnosticError: It has a different size.
    """
    if found == expected:
        return
    (width, height), (wide, high) = expected, found
    raise DiagnosticError.of(
        "LEGO405",
        f"expected a mask of {width}x{height} pixels, like its picture, "
        f"found {wide}x{high} in `{name}`",
        help=[
            *advice_on_orientation(found, expected, "draw the mask on the upright picture"),
            "bring the picture and the mask to the same size",
        ],
    )


def _decode(file: Path | IO[bytes], name: str) -> Image:
    from PIL import Image, UnidentifiedImageError

    # Telephones take pictures of this size; what is larger by far is an error all the same. To put
    # the filters back afterwards, as with `catch_warnings`, would not be safe among threads.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    with readable(name):
        try:
            with Image.open(file) as picture:
                picture.load()
        except UnidentifiedImageError:
            known = recognised(file) if isinstance(file, Path) else None
            if known is None:
                raise
            kind, advice = known
            raise DiagnosticError.of(
                "LEGO404", f"expected a picture, but `{name}` is {kind}", help=[advice]
            ) from None
    return picture


def _check_depth(picture: Image, name: str) -> None:
    # Pillow would clip brighter pixels at 255.
    if picture.mode.startswith(("I", "F")):
        raise DiagnosticError.of(
            "LEGO404",
            f"expected at most 8 bits a channel in `{name}`, found more",
            help=["save it with 8 bits a channel"],
        )


@contextmanager
def readable(name: str, kind: str = "a picture") -> Iterator[None]:
    """Name the file in whatever error Pillow or numpy raises.

    Args:
        name: What to call the file.
        kind: What it is expected to be.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DiagnosticError.of(
            "LEGO403", f"the picture `{name}` is missing", help=["restore the file"]
        ) from error
    except DiagnosticError:
        raise
    # What is raised for damaged files depends on the format and on where the damage is.
    except Exception as error:
        library = "Pillow" if kind == "a picture" else "numpy"
        too_large = type(error).__name__ == "DecompressionBombError"
        advice = "make the picture smaller" if too_large else "replace the file"
        raise DiagnosticError.of(
            "LEGO404",
            f"expected {kind}, but `{name}` cannot be read as one",
            help=[f"{library} says: {error}", f"{advice}, or leave it out"],
        ) from error


def renumber(mask: Image, numbers: dict[int, int], name: str) -> Image:
    """Replace the numbers of a mask.

    Args:
        mask: As `open_mask` returns it.
        numbers: The new number for every number that may occur.
        name: What to call the mask if any other number occurs.

    Raises:
        DiagnosticError: Any other number occurs.
    """
    unexpected = [
        value for value, pixels in enumerate(mask.histogram()) if pixels and value not in numbers
    ]
    if unexpected:
        advice = "save masks losslessly (PNG) and resize them without smoothing"
        if set(unexpected) == {1} and 255 in numbers:
            # 1 stands for the largest number where pixels are truths rather than bytes.
            advice = "the mask has 1 in place of 255: multiply its pixels by 255"
        expected = ", ".join(str(value) for value in sorted(numbers))
        raise DiagnosticError.of(
            "LEGO405",
            f"expected only the numbers {expected} in the mask `{name}`, found {unexpected[0]}",
            help=[advice],
        )
    return mask.point([numbers.get(value, 0) for value in range(256)])


def read_all(
    examples: Sequence[Example],
    size: int,
    picture: Callable[[Example], Image],
    mask: Callable[[Example, tuple[int, int]], Image] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Decode pictures and masks on several threads and squash them to squares.

    Pictures are resized bilinearly (over the whole area of a pixel), masks by nearest neighbour.

    Args:
        examples: Which ones, in the order of the result.
        size: Height and width in pixels.
        picture: Returns the picture of an example, RGB.
        mask: Returns its mask, 8-bit, for a picture of that width and height; None for no masks.

    Returns:
        ``(N, size, size, 3)``, uint8, and ``(N, size, size)``, uint8, or None.

    Raises:
        DiagnosticError: A picture or mask cannot be read.
    """
    import numpy as np

    images = np.empty((len(examples), size, size, 3), np.uint8)
    masks = None if mask is None else np.empty((len(examples), size, size), np.uint8)

    first = picture(examples[0]) if examples else None

    def fill(start: int) -> None:
        for index, example in enumerate(examples[start : start + CHUNK], start):
            whole = picture(example) if index or first is None else first
            images[index] = np.asarray(squash(whole, size))
            if mask is not None and masks is not None:
                masks[index] = np.asarray(_squash_mask(mask(example, whole.size), size))

    starts = range(0, len(examples), CHUNK)
    if first is not None and len(examples) > CHUNK and prod(first.size) >= LARGE:
        run_in_threads(fill, starts)
    else:
        for start in starts:
            fill(start)
    return images, masks


def run_in_threads(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Do the work for every item on several threads; raise the first error in their order."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        for _ in threads.map(work, items):
            pass


def squash(picture: Image, size: int) -> Image:
    """Return a picture squashed to a square, as networks see it in training and prediction."""
    from PIL import Image

    if picture.size == (size, size):
        return picture
    return picture.resize((size, size), Image.Resampling.BILINEAR)


def _squash_mask(mask: Image, size: int) -> Image:
    from PIL import Image

    return mask.resize((size, size), Image.Resampling.NEAREST)
