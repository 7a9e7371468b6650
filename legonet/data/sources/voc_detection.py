"""Pictures with annotations in PASCAL VOC's format: an XML file with boxes for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from legonet.data.boxes import Corners, rows_of, share_of_box, sized_as_annotated
from legonet.data.decode import open_picture, read_all
from legonet.data.remembered import remembered
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.data.sources.published import lines_of
from legonet.diagnostics import DiagnosticError
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SPLITS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val")}
"""The names of the list of each split; the first that exists counts."""

FIRST_PIXEL = 1.0
"""VOC counts pixels from 1, and a box includes its last one."""


@dataclass(frozen=True, slots=True)
class VocObject:
    """One object: its category, its box as shares of the picture, and whether it counts."""

    category: str
    edges: Corners
    difficult: bool


@dataclass(frozen=True, slots=True)
class VocPicture:
    """What an annotation says of its picture."""

    size: tuple[int, int]
    objects: tuple[VocObject, ...]

    @property
    def shows(self) -> tuple[str, ...]:
        """The categories of its objects, the one with the largest boxes first."""
        areas: dict[str, float] = {}
        for item in self.objects:
            left, top, right, lower = item.edges
            areas[item.category] = areas.get(item.category, 0.0) + (right - left) * (lower - top)
        return tuple(sorted(areas, key=lambda name: -areas[name]))


class VocDetectionSource(Source):
    """Pictures with boxes in the layout of PASCAL VOC.

    Args:
        directory: The folder with ``Annotations``, ``JPEGImages`` and ``ImageSets``.

    Raises:
        DiagnosticError: The folder is laid out differently, or a file is missing or malformed.
    """

    default_size = 64
    has_masks = False
    has_boxes = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._names: dict[Split, list[str]] = {split: self._listed(split) for split in SPLITS}
        self._pictures = {
            split: [read_annotation(self._annotation(name)) for name in names]
            for split, names in self._names.items()
        }
        listed = [picture for pictures in self._pictures.values() for picture in pictures]
        shown = {item.category for picture in listed for item in picture.objects}
        self.categories = tuple(sorted(shown))
        self.has_background = any(not picture.objects for picture in listed)
        for names in self._names.values():
            for name in names:
                self._check_there(self._picture(name))

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - told from all others
        """Return the lists, and the pictures and annotations on them."""
        listed = [(split, name) for split, names in self._names.items() for name in names]
        files = dict.fromkeys(
            file for _, name in listed for file in (self._picture(name), self._annotation(name))
        )
        return Fingerprint(("voc_detection", *listed), tuple(files))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return the pictures of a split in the order of its list."""
        return [
            Example(position, picture.shows, False)
            for position, picture in enumerate(self._pictures[split])
        ]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the picture's name in the list."""
        return self._names[split][example.position]

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,  # noqa: ARG002 - there are no masks
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures; there are no masks."""

        def picture(example: Example) -> Image:
            path = self._picture(self._names[split][example.position])
            size = self._pictures[split][example.position].size
            return sized_as_annotated(open_picture(path, str(path)), size, path)

        return read_all(examples, size, picture, None)

    def boxes(self, split: Split, examples: Sequence[Example]) -> list[NDArray[np.float32] | None]:
        """Return the boxes; where objects are difficult, answers are neither right nor wrong."""
        from legonet.goals.boxes import REGION

        numbers = {name: number for number, name in enumerate(self.categories)}
        return [
            rows_of(
                [
                    (item.edges, REGION if item.difficult else 1, numbers[item.category])
                    for item in self._pictures[split][example.position].objects
                ]
            )
            for example in examples
        ]

    def _listed(self, split: Split) -> list[str]:
        """Return the names on the list of a split."""
        lists = self.directory / "ImageSets" / "Main"
        for name in SPLITS[split]:
            file = lists / f"{name}.txt"
            if file.is_file():
                try:
                    return [line.split()[0] for line in lines_of(file)]
                except (OSError, UnicodeDecodeError) as error:
                    raise self._layout(
                        f"expected a list of names, found others: {error}"
                    ) from error
        if not self.directory.is_dir():
            raise DiagnosticError.of(
                "LEGO401",
                f"expected PASCAL VOC's layout, found no folder `{self.directory}`",
                label="no such folder",
                help=["a relative path is relative to the spec that contains it"],
            )
        expected = " or ".join(f"`{name}.txt`" for name in SPLITS[split])
        raise self._layout(f"expected {expected} in `{lists}` for the {split} split, found none")

    def _picture(self, name: str) -> Path:
        return self.directory / "JPEGImages" / f"{name}.jpg"

    def _annotation(self, name: str) -> Path:
        return self.directory / "Annotations" / f"{name}.xml"

    def _check_there(self, file: Path) -> None:
        if not file.is_file():
            raise DiagnosticError.of(
                "LEGO403",
                f"expected a file that a list names, found no file `{file}`",
                help=["restore the file, or remove it from the list"],
            )

    def _layout(self, message: str) -> DiagnosticError:
        return DiagnosticError.of(
            "LEGO406",
            message,
            label="not laid out as PASCAL VOC",
            help=[
                "it needs `Annotations/NAME.xml` and `JPEGImages/NAME.jpg`",
                "their names are in `ImageSets/Main/train.txt` and `val.txt`",
            ],
        )


class VocDetection(SourceForm):
    """Pictures with boxes in the layout of PASCAL VOC, its own or those of others.

    Names in ``ImageSets/Main/train.txt`` are for training, and those in ``test.txt``, or else in
    ``val.txt``, for tests. Categories are those that the annotations name; a picture without
    objects is background. There are no masks.

    Args:
        directory: The folder that holds ``Annotations``, ``JPEGImages`` and ``ImageSets``, such as
            ``VOCdevkit/VOC2012``.
    """

    call = "voc_detection"
    opens = VocDetectionSource
    directory: Path


@remembered
def read_annotation(file: Path) -> VocPicture:
    """Return what an XML file says of its picture.

    Raises:
        DiagnosticError: It is missing or malformed, or a box does not fit the picture.
    """
    try:
        root = ElementTree.fromstring(file.read_bytes())  # noqa: S314 - expat limits what entities become
    except FileNotFoundError as error:
        raise DiagnosticError.of(
            "LEGO403",
            f"expected a file that a list names, found no file `{file}`",
            help=["restore the file, or remove it from the list"],
        ) from error
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise _malformed(file, f"expected XML, found something else: {error}") from error
    width, height = (_number(file, root, f"size/{side}") for side in ("width", "height"))
    if width < 1 or height < 1:
        raise _malformed(file, f"expected the size of a picture, found {width:g}x{height:g}")
    size = int(width), int(height)
    return VocPicture(size, tuple(_object(file, item, size) for item in root.iterfind("object")))


def _object(file: Path, item: ElementTree.Element, size: tuple[int, int]) -> VocObject:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise _malformed(file, "expected a `name` in each `object`, found none")
    left, top, right, lower = (
        _number(file, item, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    box = (left - FIRST_PIXEL, top - FIRST_PIXEL, right, lower)
    edges = share_of_box(box, size, f"the {name} of `{file}`")
    return VocObject(name, edges, (item.findtext("difficult") or "").strip() == "1")


def _number(file: Path, item: ElementTree.Element, path: str) -> float:
    text = item.findtext(path)
    try:
        return float(text or "")
    except ValueError as error:
        found = "none" if text is None else f"`{text.strip()}`"
        raise _malformed(file, f"expected a number `{path}`, found {found}") from error


def _malformed(file: Path, message: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO409",
        message,
        label="its annotations are malformed",
        help=[
            "it needs `size` with `width` and `height`",
            "each `object` needs a `name`, and a `bndbox` with `xmin`, `ymin`, `xmax` and `ymax`",
            f"the file is `{file}`",
        ],
    )
