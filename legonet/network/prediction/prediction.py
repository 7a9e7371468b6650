"""What a route answers for a picture, as a person reads it, and its mask as files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from legonet.building.storage.files import write_whole
from legonet.diagnostics import DiagnosticError
from legonet.goals.background import BACKGROUND
from legonet.goals.picture_answer import Box, PictureAnswer
from legonet.goals.segmentation import Segmentation
from legonet.graph.resolved import edge_name
from legonet.network.prediction.pictures import GivenPicture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.goals import Goal

    Mask = NDArray[np.uint8 | np.uint16 | np.float32]


@dataclass(frozen=True)
class Prediction:
    """What one route answers for one picture.

    Args:
        picture: The picture; ``str()`` gives its name.
        category: The category's name; None where a joint path tells several apart.
        task: The task's name.
        answer: The label, or None where the route tells one category from all else and says no;
            for a mask the label of most pixels. ``background`` where a joint path says that it is
            none of its categories.
        probabilities: Of each label, 0 to 1, for classification.
        shares: Of the picture's pixels, for each label, 0 to 1, for segmentation.
        mask: ``(H, W)``, in the picture's own size, for segmentation: the number of each pixel's
            label, or for other goals a number; where there is one category, 1 for it and 0 for
            all else.
        values: The numbers that it answers, by their names, for regression.
        points: The pixel, from the left and from the top, of each point, for key points.
        boxes: Around objects, for detection.
        goal: What kind of answer it is.
        path: The name of the joint path that answers; None for a route through one edge.
    """

    picture: GivenPicture
    category: str | None
    task: str
    answer: str | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    mask: Mask | None = field(default=None, repr=False, compare=False)
    values: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    goal: Goal = field(default_factory=Segmentation, repr=False, compare=False)
    path: str | None = None

    @property
    def route(self) -> str:
        """What the route is called, such as ``cat -> classify``, or ``zoo -> classify``."""
        return edge_name(self.path or self.category or "", self.task)

    @property
    def label(self) -> str:
        """The answer as a label, which is ``background`` where the answer is no."""
        return BACKGROUND if self.answer is None else self.answer

    def to_json(self) -> dict[str, Any]:
        """Return it as values of JSON, without the mask."""
        figures: dict[str, Mapping[str, Any]] = {
            "probabilities": self.probabilities,
            "shares": self.shares,
            "values": self.values,
            "points": self.points,
        }
        return {
            "picture": self.picture.name,
            **({"category": self.category} if self.path is None else {"path": self.path}),
            "task": self.task,
            "answer": self.answer,
            **{name: dict(values) for name, values in figures.items() if values},
            **({"boxes": [asdict(box) for box in self.boxes]} if self.boxes else {}),
        }

    def mask_image(self) -> Image.Image:
        """Return the mask as a picture to be saved as PNG.

        That of one category is white on black, that of several labels holds their numbers and a
        palette, and that of numbers is grey.

        Raises:
            ValueError: The route answers for whole pictures and gives no mask.
        """
        if self.mask is None:
            raise self._no_mask
        return self.goal.image(self.mask, tuple(self.shares))

    def overlay(self) -> Image.Image:
        """Return the picture with the answer drawn on it; background stays as it is.

        Raises:
            ValueError: The route answers for whole pictures, and there is nothing to draw.
            DiagnosticError: The picture can no longer be read.
        """
        if not self.is_drawn:
            raise self._no_mask
        told = PictureAnswer(
            self.answer,
            self.probabilities,
            self.shares,
            self.values,
            self.mask,
            self.points,
            self.boxes,
        )
        return self.goal.paint(self.picture.open(), told)

    @property
    def is_drawn(self) -> bool:
        """Whether there is something to draw: a mask, points or boxes."""
        return self.mask is not None or bool(self.points) or bool(self.boxes)

    @property
    def _no_mask(self) -> ValueError:
        return ValueError(f"`{self.route}` answers for whole pictures and gives no mask")


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

    def write(self, prediction: Prediction) -> dict[str, Path]:
        """Write a prediction's ``mask``, if it has one, and ``overlay``, and return their files.

        Raises:
            DiagnosticError: They cannot be written, or the picture can no longer be read.
        """
        answering = prediction.path or prediction.category
        stem = f"{self._name(prediction.picture.name)}.{answering}.{prediction.task}"
        images = {"overlay": prediction.overlay()}
        if prediction.mask is not None:
            images = {"mask": prediction.mask_image(), **images}
        return {
            kind: self._written(image, self._folder / f"{stem}.{kind}.png")
            for kind, image in images.items()
        }

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
