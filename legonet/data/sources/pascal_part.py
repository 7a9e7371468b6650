"""PASCAL-Part: the objects in VOC's pictures, each cut out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from legonet.data.decode import check_size, open_picture, read_all, renumber
from legonet.data.remembered import remembered
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.data.sources.part_annotation import (
    Box,
    box_around,
    largest_square,
    read_annotation,
)
from legonet.data.sources.published import lines_of
from legonet.data.sources.voc import CATEGORIES, SPLITS, numbers_for
from legonet.diagnostics import DiagnosticError
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

VERSION = 1
"""Raised whenever the same files would give different pictures."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What can be cut out of a picture.

    Args:
        size: Width and height of the picture in pixels.
        objects: Category and box of each object.
        background: A box that touches no object, if there is room for one.
        numbers: The mask, compressed: at each pixel 1 + the index of its category, or 0.
    """

    size: tuple[int, int]
    objects: tuple[tuple[str, Box], ...]
    background: Box | None
    numbers: bytes

    def mask(self) -> Image:
        """Return the mask of the whole picture."""
        from PIL import Image

        return Image.frombytes("L", self.size, zlib.decompress(self.numbers))


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture; the category is None for background."""

    name: str
    box: Box
    category: str | None


class PascalPartSource(Source):
    """Objects cut out of VOC's pictures, with masks, and background from between them.

    An object with a margin fills each picture, squashed to a square; objects smaller than
    `part_annotation.SMALLEST` are left out. A mask has the pixels of all objects of its category
    in the crop. A background picture is the largest square of a picture that no object touches;
    each split has as many of these as a category has on average, taken evenly from its list.

    PASCAL-Part annotates pictures of 2010; pictures on the lists that it does not annotate are
    left out.

    Args:
        directory: The folder that contains ``Annotations_Part``, ``JPEGImages`` and ``ImageSets``.
        lists: The folder in ``ImageSets`` whose lists ``train`` and ``val`` are used.

    Raises:
        DiagnosticError: A folder or list is missing, or no listed picture is annotated.
    """

    categories = CATEGORIES
    has_background = True
    has_masks = True
    default_size = 64
    decodes_to_list = True

    def __init__(self, directory: Path, lists: str) -> None:
        self.directory = directory
        self.annotations = directory / "Annotations_Part"
        self.pictures = directory / "JPEGImages"
        self.lists = directory / "ImageSets" / lists
        for folder in (directory, self.annotations, self.pictures, self.lists):
            if not folder.is_dir():
                raise DiagnosticError.of(
                    "LEGO401",
                    f"expected VOC's folder with PASCAL-Part's annotations, "
                    f"found no folder `{folder}`",
                    label="not there",
                    help=["unpack `Annotations_Part` beside `JPEGImages` and `ImageSets`"],
                )
        there = {file.stem for file in self.annotations.glob("*.mat")}
        self._names = {
            split: [name for name in self._listed(split) if name in there] for split in SPLITS
        }
        for split in SPLITS:
            if not self._names[split]:
                raise self._malformed(
                    f"expected annotated pictures in the {split} split, found none"
                )

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - unknown until read
        """Return the annotated pictures on the lists, and their annotations."""
        listed = [(split, name) for split in SPLITS for name in self._names[split]]
        names = dict.fromkeys(name for _, name in listed)
        files = [path for name in names for path in (self._picture(name), self._annotation(name))]
        for file in files:
            if not file.is_file():
                raise DiagnosticError.of(
                    "LEGO403",
                    f"expected a picture that VOC lists, found no file `{file}`",
                    help=["restore the file"],
                )
        return Fingerprint(("pascal_part", VERSION, *listed), tuple(files))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return all objects in the order of the list, then the background pictures.

        Reads all annotations once.
        """
        return [
            Example(position, () if crop.category is None else (crop.category,), True)
            for position, crop in enumerate(self._crops[split])
        ]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the picture that an object is cut out of, and where."""
        crop = self._crops[split][example.position]
        return f"{crop.name} at {' '.join(map(str, crop.box))}"

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Cut pictures and masks out."""
        crops = self._crops[split]
        numbers = numbers_for(categories or ())

        def picture(example: Example) -> Image:
            crop = crops[example.position]
            path = self._picture(crop.name)
            whole = open_picture(path, str(path))
            annotation = self._annotation(crop.name)
            check_size(_layout(annotation).size, whole.size, str(annotation))
            return whole.crop(crop.box)

        def mask(example: Example, _: tuple[int, int]) -> Image:
            crop = crops[example.position]
            annotation = self._annotation(crop.name)
            stored = _layout(annotation).mask().crop(crop.box)
            return renumber(stored, numbers, str(annotation))

        return read_all(examples, size, picture, None if categories is None else mask)

    @cached_property
    def _crops(self) -> dict[Split, list[Crop]]:
        return {split: self._cut(split) for split in SPLITS}

    def _cut(self, split: Split) -> list[Crop]:
        objects, backgrounds = [], []
        for name in self._names[split]:
            layout = _layout(self._annotation(name))
            objects += [Crop(name, box, category) for category, box in layout.objects]
            if layout.background is not None:
                backgrounds.append(Crop(name, layout.background, None))
        categories = len({crop.category for crop in objects})
        count = min(-(-len(objects) // max(categories, 1)), len(backgrounds))
        return objects + [backgrounds[place * len(backgrounds) // count] for place in range(count)]

    def _listed(self, split: Split) -> list[str]:
        file = self.lists / f"{SPLITS[split]}.txt"
        try:
            return lines_of(file)
        except (OSError, UnicodeDecodeError) as error:
            raise self._malformed(f"expected a list of pictures in `{file}`: {error}") from error

    def _picture(self, name: str) -> Path:
        return self.pictures / f"{name}.jpg"

    def _annotation(self, name: str) -> Path:
        return self.annotations / f"{name}.mat"

    def _malformed(self, message: str) -> DiagnosticError:
        return DiagnosticError.of(
            "LEGO406",
            message,
            label="not VOC's folder with PASCAL-Part's annotations",
            help=[f"the folder is `{self.directory}`", f"the lists are in `{self.lists}`"],
        )


class PascalPart(SourceForm):
    """PASCAL-Part's objects, cut out of PASCAL VOC's pictures, with masks.

    The folder ``Annotations_Part`` with the annotations must be next to VOC's ``JPEGImages`` and
    ``ImageSets``. Each picture is filled by one object with a margin; objects under 32 pixels are
    left out. A background picture is the largest square of a picture that no object touches; there
    are as many of them as a category has pictures on average.

    Args:
        directory: The folder that holds these three.
        lists: The folder in ``ImageSets`` whose ``train`` and ``val`` lists define the splits.
    """

    call = "pascal_part"
    opens = PascalPartSource
    directory: Path
    lists: Literal["Main", "Segmentation"] = "Main"


@remembered
def _layout(annotation: Path) -> Layout:
    import numpy as np

    found = read_annotation(annotation)
    if not found:
        return Layout((0, 0), (), None, b"")
    height, width = found[0].mask.shape
    boxes = ((item.category, box_around(item.mask)) for item in found)
    numbers = np.zeros((height, width), np.uint8)
    for item in found:
        numbers[item.mask] = 1 + CATEGORIES.index(item.category)
    return Layout(
        (width, height),
        tuple((category, box) for category, box in boxes if box is not None),
        largest_square(numbers == 0),
        zlib.compress(numbers.tobytes(), level=1),
    )
