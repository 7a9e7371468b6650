"""Small pictures and folders of them, for the tests of this folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from legonet.diagnostics import CODES, DiagnosticError

Colour = tuple[int, int, int]
RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)


def save_picture(path: Path, colour: Colour = GREY, size: tuple[int, int] = (6, 4)) -> None:
    """Write a picture of one colour, ``size`` as width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def save_mask(path: Path, mask: ArrayLike, palette: bool = False) -> None:
    """Write a mask, ``(H, W)``, as numbers or as indices of a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(mask, np.uint8))
    if palette:
        # Reversed greys: whoever reads colours in place of indices gets other numbers.
        image.putpalette([255 - value // 3 for value in range(768)])
    image.save(path)


def save_manifest(
    directory: Path, rows: Sequence[Sequence[str]], columns: str = "path mask_path category split"
) -> Path:
    """Write a ``manifest.csv`` and return its folder."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns.split(), *rows])
    return directory


def failure(code: str, work: Callable[[], object]) -> str:
    """Check that the work fails with this code alone, and return what users read."""
    with pytest.raises(DiagnosticError) as caught:
        work()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert code in CODES
    assert "\n" not in diagnostic.message
    assert not diagnostic.message.endswith(".")
    assert diagnostic.help
    return "\n".join([diagnostic.message, *diagnostic.help])
