"""Pictures with annotations in COCO's format: boxes, masks and key points."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.data.boxes import rows_of, sized_as_annotated
from legonet.data.decode import open_picture, read_all
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.data.sources.coco_annotations import (
    AnnotatedObject,
    AnnotatedPicture,
    read_annotations,
)
from legonet.diagnostics import DiagnosticError
from legonet.goals import VOID
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

TEST_SHARE = 5
"""Of pictures with one file of annotations, one in so many is a test picture."""


class CocoSource(Source):
    """Pictures that files in COCO's format annotate.

    Args:
        images: The folder of pictures.
        annotations: Annotates them.
        test_images: The folder of test pictures; by default, the same.
        test_annotations: Annotates these; by default, a fifth of the others are test pictures.
        leave_out_broken: Whether to leave out objects that do not fit their pictures.

    Raises:
        DiagnosticError: A file is missing or malformed, or an object does not fit its picture.
    """

    default_size = 64
    has_boxes = True

    def __init__(
        self,
        images: Path,
        annotations: Path,
        test_images: Path | None = None,
        test_annotations: Path | None = None,
        leave_out_broken: bool = False,
    ) -> None:
        train = read_annotations(annotations)
        test = train if test_annotations is None else read_annotations(test_annotations)
        self._leaves_out = leave_out_broken
        self._files = tuple(dict.fromkeys((annotations, test_annotations or annotations)))
        self._folders: dict[Split, Path] = {"train": images, "test": test_images or images}
        parts = train.pictures, test.pictures
        if test_annotations is None:
            parts = (
                tuple(picture for picture in train.pictures if not _is_test(picture)),
                tuple(picture for picture in train.pictures if _is_test(picture)),
            )
        self._pictures: dict[Split, tuple[AnnotatedPicture, ...]]
        self._pictures = {"train": parts[0], "test": parts[1]}
        self.categories = tuple(dict.fromkeys((*train.categories, *test.categories)))
        self.point_names = tuple(dict.fromkeys((*train.point_names, *test.point_names)))
        self.has_masks = train.has_masks or test.has_masks
        listed = [picture for pictures in self._pictures.values() for picture in pictures]
        self.has_background = any(not picture.objects for picture in listed)
        self._check(listed)

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - told from all others
        """Return the files of annotations and all pictures."""
        files = [
            self._folders[split] / picture.name
            for split, pictures in self._pictures.items()
            for picture in pictures
        ]
        values = ("coco", self._leaves_out, len(self._files))
        return Fingerprint(values, (*self._files, *files))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return the pictures of a split in the order of its annotations."""
        return [
            Example(position, picture.shows, picture.has_mask)
            for position, picture in enumerate(self._pictures[split])
        ]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the file as the annotations have it."""
        return self._pictures[split][example.position].name

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures; where objects overlap, a mask shows the smaller one."""

        def picture(example: Example) -> Image:
            annotated = self._pictures[split][example.position]
            path = self._folders[split] / annotated.name
            return sized_as_annotated(open_picture(path, str(path)), annotated.size, path)

        def mask(example: Example, picture_size: tuple[int, int]) -> Image:
            annotated = self._pictures[split][example.position]
            return _mask(annotated.objects, picture_size, list(categories or ()))

        return read_all(examples, size, picture, None if categories is None else mask)

    def boxes(self, split: Split, examples: Sequence[Example]) -> list[NDArray[np.float32] | None]:
        """Return the boxes of all objects; in a crowd, answers are neither right nor wrong."""
        from legonet.goals.boxes import REGION

        numbers = {name: number for number, name in enumerate(self.categories)}
        return [
            rows_of(
                [
                    (item.edges, REGION if item.crowd else 1, numbers[item.category])
                    for item in self._pictures[split][example.position].objects
                ]
            )
            for example in examples
        ]

    def points(self, split: Split, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return the key points of the largest object that has any."""
        import numpy as np

        found = np.full((len(examples), len(self.point_names), 2), nan, np.float32)
        numbers = {name: number for number, name in enumerate(self.point_names)}
        for place, example in zip(found, examples, strict=True):
            annotated = self._pictures[split][example.position]
            pointed = [item for item in annotated.objects if item.points]
            if pointed:
                largest = max(pointed, key=lambda item: item.area)
                for name, point in largest.points.items():
                    place[numbers[name]] = point
        return found

    def _check(self, pictures: list[AnnotatedPicture]) -> None:
        broken = [item for picture in pictures for item in picture.broken]
        if broken and not self._leaves_out:
            first, *others = broken
            more = f" ({len(others)} more do not fit)" if others else ""
            raise DiagnosticError.of(
                "LEGO410",
                f"{first.message}{more}",
                label="does not fit its picture",
                help=[
                    "correct the annotations, or leave such objects out: `leave_out_broken: true`"
                ],
            )
        for split, listed in self._pictures.items():
            missing = [
                picture.name
                for picture in listed
                if not (self._folders[split] / picture.name).is_file()
            ]
            if missing:
                raise DiagnosticError.of(
                    "LEGO403",
                    f"expected {len(listed)} pictures that the annotations list, {len(missing)} of "
                    f"them are missing, the first is `{missing[0]}`",
                    help=[
                        f"names are relative to the folder `{self._folders[split]}`",
                        *_advice_on_place(self._folders[split], missing[0]),
                        "restore the files, or remove them from the annotations",
                    ],
                )


class Coco(SourceForm):
    """Pictures with annotations in COCO's format: boxes, and possibly masks and key points.

    Categories have the names in the file. A picture without objects is background. Masks need
    pycocotools: ``legonet[detection]``.

    Args:
        images: The folder of pictures.
        annotations: The JSON file that lists them, with their objects.
        test_images: The folder of test pictures. Default: the same as ``images``.
        test_annotations: The JSON file that lists these. Default: a fifth of the pictures in
            ``annotations`` are test pictures, chosen by their names.
        leave_out_broken: Leaves out objects whose boxes are empty or not inside of their picture.
            By default, these are an error.
    """

    call = "coco"
    opens = CocoSource
    images: Path
    annotations: Path
    test_images: Path | None = None
    test_annotations: Path | None = None
    leave_out_broken: bool = False


def _advice_on_place(folder: Path, name: str) -> list[str]:
    """Return where a picture is if the names in the annotations begin higher up, or lower down."""
    if os.path.isfile(folder.parent / name):  # noqa: PTH113 - unlike Path's, it never raises
        return [f"the picture is there from `{folder.parent}`: name that folder"]
    if os.path.isfile(folder / Path(name).name):  # noqa: PTH113
        return [f"the folder has a `{Path(name).name}`: the annotations should call it so"]
    return []


def _is_test(picture: AnnotatedPicture) -> bool:
    # By name, so that a picture stays in its split when others are added.
    name = picture.name.encode(errors="surrogatepass")
    return int.from_bytes(sha256(name).digest()[:4], "big") % TEST_SHARE == 0


def _mask(
    objects: Sequence[AnnotatedObject], size: tuple[int, int], categories: list[str]
) -> Image:
    """Return what the pixels of a picture show; the box of an object without a mask is void."""
    import numpy as np
    from PIL import Image

    width, height = size
    found = np.zeros((height, width), np.uint8)
    for item in sorted(objects, key=lambda item: -item.area):
        number = 1 + categories.index(item.category) if item.category in categories else 0
        if item.segmentation is not None:
            found[_pixels(item, size)] = number
        elif number:
            left, top, right, lower = item.edges
            rows = slice(int(top * height), -int(-lower * height // 1))
            found[rows, int(left * width) : -int(-right * width // 1)] = VOID
    return Image.fromarray(found)


def _pixels(item: AnnotatedObject, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels belong to an object, ``(H, W)``."""
    import numpy as np

    try:
        from pycocotools import mask
    except ImportError as error:
        raise DiagnosticError.of(
            "LEGO503",
            f"masks in COCO's format are read with pycocotools: {error}",
            label="library missing",
            help=["pip install 'legonet[detection]'"],
        ) from error
    width, height = size
    stored = item.segmentation
    try:
        runs = _runs(mask, stored, height, width)
        found = np.asarray(mask.decode(runs), np.bool_)
    # What pycocotools raises for damaged masks depends on where the damage is.
    except Exception as error:
        raise DiagnosticError.of(
            "LEGO409",
            f"expected polygons or run lengths in `segmentation` of {item.name}, found others",
            label="its annotations are malformed",
            help=[f"the reason is: {error}"],
        ) from error
    return found


def _runs(mask: Any, stored: Any, height: int, width: int) -> Any:
    """Return a mask as pycocotools decodes it."""
    if isinstance(stored, list):
        for polygon in stored:
            # pycocotools takes four numbers for a box, and needs memory for what is far outside.
            if len(polygon) < 6 or len(polygon) % 2:
                raise ValueError(f"a polygon of {len(polygon)} numbers")
            far = [number for number in polygon if not abs(number) <= 2 * max(height, width)]
            if far:
                raise ValueError(f"{far[0]} in a polygon of a picture of {width}x{height} pixels")
        return mask.merge(mask.frPyObjects(stored, height, width))
    if stored["size"] != [height, width]:
        raise ValueError(f"run lengths of a picture of the size {stored['size']}")
    counts = stored["counts"]
    counts = _lengths(counts) if isinstance(counts, str) else counts
    if min(counts) < 0 or sum(counts) != height * width:
        raise ValueError(f"run lengths of {sum(counts)} pixels")
    return mask.frPyObjects({**stored, "counts": counts}, height, width)


def _lengths(text: str) -> list[int]:
    """Return the run lengths in a string of COCO's: five bits a letter, differences from the third.

    pycocotools decodes them too, but takes any string.
    """
    lengths: list[int] = []
    number = place = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or place > 6:
            raise ValueError(f"run lengths with `{letter}`")
        number |= (bits & 0x1F) << 5 * place
        place += 1
        if not bits & 0x20:
            number -= (bits & 0x10) << 5 * (place - 1) + 1
            lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
            number = place = 0
    return lengths
