"""Masks as files: beside each mask its picture with the mask on it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image

from legonet.build.storage.files import write_whole
from legonet.diagnostics import DiagnosticError
from legonet.network.prediction.prediction import Prediction


class MaskFiles:
    """Writes masks and overlays as PNG into a folder.

    They are called ``PICTURE.CATEGORY.TASK.mask.png`` and ``.overlay.png``; pictures of one name
    from several folders are numbered.

    Args:
        folder: Where to; it is made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def write(self, prediction: Prediction) -> tuple[Path, Path]:
        """Write a prediction's mask and overlay, and return their files.

        Raises:
            DiagnosticError: They cannot be written, or the picture can no longer be read.
        """
        stem = f"{self._name(prediction.picture.name)}.{prediction.category}.{prediction.task}"
        images = {"mask": prediction.mask_image(), "overlay": prediction.overlay()}
        mask, overlay = (
            self._written(image, self._folder / f"{stem}.{kind}.png")
            for kind, image in images.items()
        )
        return mask, overlay

    def _written(self, image: Image.Image, file: Path) -> Path:
        contents = BytesIO()
        image.save(contents, "PNG")
        try:
            write_whole(file, contents.getvalue())
        except DiagnosticError as error:
            advice = "make room or permit writing, or choose another folder"
            raise DiagnosticError(
                *(replace(item, help=(advice,)) for item in error.diagnostics)
            ) from None
        return file

    def _name(self, picture: str) -> str:
        """Return what files of a picture begin with: one name for each picture."""
        if picture not in self._names:
            stem = re.sub(r"\s", "-", Path(picture).stem)
            self._counts[stem] += 1
            number = self._counts[stem]
            self._names[picture] = stem if number == 1 else f"{stem}-{number}"
        return self._names[picture]
