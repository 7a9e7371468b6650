"""What a route answers for a picture, as a person reads it, and its mask as files."""

from __future__ import annotations

import colorsys
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from legonet.building.storage.files import write_whole
from legonet.data import BACKGROUND
from legonet.diagnostics import DiagnosticError
from legonet.graph.resolved import edge_name
from legonet.network.prediction.pictures import GivenPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.uint8 | np.uint16]

OPACITY = 0.5
"""Of a mask over its picture."""


@dataclass(frozen=True)
class Prediction:
    """What one route answers for one picture.

    Args:
        picture: The picture; ``str()`` gives its name.
        category: The category's name.
        task: The task's name.
        answer: The label, or None where the route tells one category from all else and says no;
            for a mask the label of most pixels.
        probabilities: Of each label, 0 to 1, for classification.
        shares: Of the picture's pixels, for each label, 0 to 1, for segmentation.
        mask: ``(H, W)``, in the picture's own size, for segmentation: the number of each pixel's
            label; where there is one category, 1 for it and 0 for all else.
    """

    picture: GivenPicture
    category: str
    task: str
    answer: str | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    mask: Mask | None = field(default=None, repr=False, compare=False)

    @property
    def route(self) -> str:
        """What the route is called, such as ``cat -> classify``."""
        return edge_name(self.category, self.task)

    def to_json(self) -> dict[str, Any]:
        """Return it as values of JSON, without the mask."""
        figures = {"probabilities": self.probabilities, "shares": self.shares}
        return {
            "picture": self.picture.name,
            "category": self.category,
            "task": self.task,
            "answer": self.answer,
            **{name: dict(values) for name, values in figures.items() if values},
        }

    def mask_image(self) -> Image.Image:
        """Return the mask as a picture to be saved as PNG.

        That of one category is white on black; that of several labels holds their numbers and a
        palette.

        Raises:
            ValueError: The route answers for whole pictures and gives no mask.
        """
        mask = self._known_mask
        if len(self.shares) == 1:
            return Image.fromarray((mask * 255).astype(np.uint8))
        image = Image.fromarray(mask)
        if image.mode == "L":  # with more than 256 labels there is none
            image.putpalette([part for number in range(256) for part in _colour(number)])
        return image

    def overlay(self) -> Image.Image:
        """Return the picture with what the mask shows in colour; background stays as it is.

        Raises:
            ValueError: The route answers for whole pictures and gives no mask.
            DiagnosticError: The picture can no longer be read.
        """
        mask, labels = self._known_mask, tuple(self.shares)
        # Label after label, as a large picture in floating point would fill the memory.
        painted = self.picture.open()
        for number, label in enumerate(labels):
            if label == BACKGROUND:
                continue
            shown = mask == (1 if len(labels) == 1 else number)
            opacity = Image.fromarray((shown * round(255 * OPACITY)).astype(np.uint8))
            painted.paste(_colour(number), mask=opacity)
        return painted

    @property
    def _known_mask(self) -> Mask:
        if self.mask is None:
            raise ValueError(f"`{self.route}` answers for whole pictures and gives no mask")
        return self.mask


def _colour(number: int) -> tuple[int, int, int]:
    """Return a label's colour, RGB: red first, and neighbours far from each other."""
    golden_section = 0.6180339887
    red, green, blue = colorsys.hsv_to_rgb(number * golden_section % 1, 0.85, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)


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
