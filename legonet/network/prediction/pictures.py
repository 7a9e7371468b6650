"""Pictures that a person hands in: files, folders, patterns, PIL pictures and arrays."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from legonet.data.decode import open_picture, to_rgb
from legonet.data.left_out import is_hidden
from legonet.diagnostics import DiagnosticError

Given = str | Path | Image.Image | NDArray[np.uint8]
"""A file, a folder, a pattern, a PIL picture, or an array of pixels."""

Broken = Callable[[DiagnosticError], None]
"""Hears of a picture that cannot be read."""


@dataclass(frozen=True)
class GivenPicture:
    """A picture that is read when it is needed.

    Args:
        name: Its file, or which one of those that were given it is.
    """

    name: str
    _source: Path | Image.Image = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name

    def open(self) -> Image.Image:
        """Return it upright, RGB, in its own size.

        Raises:
            DiagnosticError: It is missing, damaged, no picture, or has more than 8 bits a channel.
        """
        if isinstance(self._source, Path):
            return open_picture(self._source, self.name)
        return to_rgb(self._source, self.name)


def gathered(given: Given | Iterable[Given], broken: Broken) -> list[GivenPicture]:
    """Return pictures in the order in which they were given, those of a folder by their names.

    Args:
        given: One or several.
        broken: Hears of a folder or a pattern without pictures, and of what is no picture.
    """
    found: dict[str, GivenPicture] = {}
    for number, item in enumerate(_several(given), start=1):
        try:
            for picture in _pictures(item, f"picture {number}"):
                found.setdefault(picture.name, picture)
        except DiagnosticError as error:
            broken(error)
    return list(found.values())


def _several(given: Given | Iterable[Given]) -> Sequence[Given]:
    if isinstance(given, str | os.PathLike | Image.Image):
        return [given]
    if isinstance(given, np.ndarray) and given.ndim < 4:
        return [given]
    return list(given)


def _pictures(given: object, name: str) -> Iterator[GivenPicture]:
    if isinstance(given, str | os.PathLike):
        yield from (GivenPicture(str(file), file) for file in _files(os.fspath(given)))
    elif isinstance(given, Image.Image):
        yield GivenPicture(name, given)
    elif isinstance(given, np.ndarray):
        yield GivenPicture(name, _image(given))
    else:
        raise DiagnosticError.of(
            "LEGO750",
            f"expected a file, a PIL picture or an array, found `{type(given).__name__}`",
            help=["tensors go to `net(..)` and `net.run(..)`"],
        )


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in _CHANNELS:
        shape = "x".join(map(str, pixels.shape))
        raise DiagnosticError.of(
            "LEGO750",
            f"expected an array (H, W) or (H, W, 3), uint8, found {shape}, {pixels.dtype}",
            help=["numbers from 0 to 1 become pixels by `(255 * array).astype(numpy.uint8)`"],
        )
    return Image.fromarray(pixels)


_CHANNELS = ((), (3,), (4,))
"""Shapes of a pixel: grey, RGB, and RGB with transparency."""


def _files(given: str) -> list[Path]:
    """Return the picture files that a name or pattern leads to, including a missing one."""
    # Unlike those of pathlib, the functions of os.path raise for no name at all.
    if os.path.isdir(given):  # noqa: PTH112
        endings = Image.registered_extensions()
        found = []
        for folder, below, names in os.walk(given):
            below[:] = [name for name in below if not is_hidden(name)]
            found += [
                Path(folder, name)
                for name in names
                if Path(name).suffix.lower() in endings and not is_hidden(name)
            ]
        found.sort()
    elif glob.has_magic(given) and not os.path.exists(given):  # noqa: PTH110
        names = glob.glob(given, recursive=True)  # noqa: PTH207 - the pattern may be absolute
        found = sorted(Path(name) for name in names if Path(name).is_file())
    else:
        return [Path(given)]
    if not found:
        raise DiagnosticError.of(
            "LEGO749",
            f"expected pictures at `{given}`, found none",
            help=["name files, a folder with pictures, or a pattern such as 'photos/*.jpg'"],
        )
    return found
