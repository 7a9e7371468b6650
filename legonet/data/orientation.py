"""Which way up a picture is: cameras note how they were held, and store what the sensor saw."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

TAG = 0x0112
"""The tag of EXIF in which a camera notes how it was held; 1 is upright."""

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
"""Of files whose note Pillow does not follow by itself, as it does for TIFF."""

_MARKS = (b"Exif", b"eXIf", b"EXIF")
"""One of these is in every file that has such notes, but in hardly any other."""

_QUIET = Lock()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave out Pillow's warnings of damaged notes.

    One thread at a time: they share their filters, and would restore each other's.
    """
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def upright(picture: Image) -> Image:
    """Return a decoded picture turned as its camera noted.

    Of damaged notes nothing is known; then the picture is returned as it is.
    """
    from PIL import ImageOps

    with _without_warnings():
        try:
            return ImageOps.exif_transpose(picture)
        # What is raised for damaged notes depends on the damage.
        except Exception:
            return picture


def orientation(picture: Image) -> int:
    """Return how a picture was stored, as EXIF counts it; 1 where it says nothing of use."""
    with _without_warnings():
        try:
            return int(picture.getexif().get(TAG, 1))
        except Exception:
            return 1


def upright_size(picture: Image) -> tuple[int, int]:
    """Return the width and height that a picture has once it is upright; it is not decoded."""
    width, height = picture.size
    lies = picture.format != "TIFF" and orientation(picture) in (5, 6, 7, 8)
    return (height, width) if lies else (width, height)


def advice_on_orientation(
    found: tuple[int, int], expected: tuple[int, int], advice: str
) -> list[str]:
    """Return what to say where one of two sizes is the other one, lying on its side.

    Args:
        found: Width and height.
        expected: The other width and height.
        advice: What to do about it.
    """
    if found != expected[::-1]:
        return []
    return [f"pictures are turned upright, as their camera noted in EXIF: {advice}"]


def count_turned(files: Iterable[str]) -> int:
    """Return how many files are pictures that are turned when they are read."""
    return sum(file.lower().endswith(_ENDINGS) and _is_turned(file) for file in files)


def _is_turned(file: str) -> bool:
    from PIL import Image

    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - for thousands of files Path is slow
            content = opened.read()
            if not any(mark in content for mark in _MARKS):
                return False
            with Image.open(opened) as picture:
                return orientation(picture) not in (0, 1)
    # A file that is no picture is reported when it is read.
    except Exception:
        return False
