"""COCO's annotations, read and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from legonet.data.boxes import Corners, share_of_box, share_of_point
from legonet.data.remembered import remembered
from legonet.diagnostics import Diagnostic, DiagnosticError

KNOWN_POINT = 1
"""The smallest visibility of a key point whose place is known."""


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One object in a picture.

    Args:
        category: Its name.
        edges: Its box, as shares of the picture's width and height.
        area: Of the box, as a share of the picture.
        crowd: Whether it is a region with many objects that are not annotated one by one.
        segmentation: Polygons or run lengths as they are stored; None for none.
        points: Its known key points by name, as shares of height and width.
        name: What to call it in an error.
    """

    category: str
    edges: Corners
    area: float
    crowd: bool
    segmentation: Any
    points: Mapping[str, tuple[float, float]]
    name: str


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """One picture with its objects.

    Args:
        name: Its file, relative to the folder of pictures.
        size: Width and height.
        objects: In the order of the file.
        broken: What is wrong with objects that do not fit the picture, which are left out.
    """

    name: str
    size: tuple[int, int]
    objects: list[AnnotatedObject] = field(default_factory=list)
    broken: list[Diagnostic] = field(default_factory=list)

    @property
    def shows(self) -> tuple[str, ...]:
        """The categories of its objects, the one with the largest boxes first."""
        areas: dict[str, float] = {}
        for item in self.objects:
            areas[item.category] = areas.get(item.category, 0.0) + item.area
        return tuple(sorted(areas, key=lambda name: -areas[name]))

    @property
    def has_mask(self) -> bool:
        """Whether it is known what its pixels show, at least of one object if there are any."""
        return not self.objects or any(item.segmentation is not None for item in self.objects)


@dataclass(frozen=True)
class Annotations:
    """What a file of annotations says.

    Args:
        categories: In the order of their numbers.
        point_names: The names of the key points of all categories.
        pictures: In the order of the file.
    """

    categories: tuple[str, ...]
    point_names: tuple[str, ...]
    pictures: tuple[AnnotatedPicture, ...]

    @cached_property
    def has_masks(self) -> bool:
        """Whether any object has a mask."""
        objects = (item for picture in self.pictures for item in picture.objects)
        return any(item.segmentation is not None for item in objects)


@remembered
def read_annotations(file: Path) -> Annotations:
    """Return what a file of annotations says.

    Raises:
        DiagnosticError: It is missing, or is not what COCO describes.
    """
    try:
        with file.open("rb") as stream:
            found = json.load(stream)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DiagnosticError.of(
            "LEGO401",
            f"expected annotations, found no file `{file}`",
            label="no such file",
            help=["a relative path is relative to the spec that contains it"],
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _malformed(file, f"expected JSON, found something else: {error}") from error
    return _Reader(file).read(found)


class _Reader:
    """Reads one file of annotations, and names it in errors."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, found: Any) -> Annotations:
        categories, points = self._categories(found)
        pictures: dict[Any, AnnotatedPicture] = {}
        for number, item in enumerate(self._list(found, "images")):
            place = f"`images[{number}]`"
            known = self._id(item, "id", place)
            if known in pictures:
                raise self._wrong(f"expected each `id` of a picture once, found {known} again")
            pictures[known] = self._picture(item, place)
        for number, item in enumerate(self._list(found, "annotations")):
            place = f"`annotations[{number}]`"
            shown = self._id(item, "image_id", place)
            if shown not in pictures:
                raise self._wrong(f"expected the `id` of a picture in {place}, found {shown}")
            category = self._id(item, "category_id", place)
            if category not in categories:
                raise self._wrong(f"expected the `id` of a category in {place}, found {category}")
            picture = pictures[shown]
            try:
                read = self._object(item, picture, categories[category], points[category], place)
            except DiagnosticError as error:
                if any(wrong.code != "LEGO410" for wrong in error.diagnostics):
                    raise
                picture.broken.extend(error.diagnostics)
            else:
                picture.objects.append(read)
        names = dict.fromkeys(name for listed in points.values() for name in listed)
        order = dict.fromkeys(categories[known] for known in sorted(categories))
        return Annotations(tuple(order), tuple(names), tuple(pictures.values()))

    def _categories(self, found: Any) -> tuple[dict[int, str], dict[int, list[str]]]:
        """Return the names of categories, and those of their key points, by their numbers."""
        categories: dict[int, str] = {}
        points: dict[int, list[str]] = {}
        for number, item in enumerate(self._list(found, "categories")):
            place = f"`categories[{number}]`"
            known = self._id(item, "id", place)
            name = self._of(item, "name", place)
            named = item.get("keypoints") or []
            if not isinstance(name, str) or not name:
                raise self._wrong(f"expected a name in {place}, found {_shown(name)}")
            if not isinstance(named, list) or not all(isinstance(point, str) for point in named):
                raise self._wrong(f"expected names of key points in {place}, found {_shown(named)}")
            categories[known], points[known] = name, named
        if not categories:
            raise self._wrong("expected at least one category, found none")
        return categories, points

    def _picture(self, item: Any, place: str) -> AnnotatedPicture:
        name = self._of(item, "file_name", place)
        if not isinstance(name, str) or not name or os.path.isabs(name):  # noqa: PTH117 - slow
            raise self._wrong(
                f"expected a file relative to the folder of pictures in {place}, "
                f"found {_shown(name)}"
            )
        size = tuple(self._of(item, side, place) for side in ("width", "height"))
        width, height = (side if _is_number(side) and side >= 1 else 0 for side in size)
        if not (width and height):
            raise self._wrong(
                f"expected the width and the height of the picture in {place}, "
                f"found {_shown(size[0])} and {_shown(size[1])}"
            )
        return AnnotatedPicture(name, (int(width), int(height)))

    def _object(
        self, item: Any, picture: AnnotatedPicture, category: str, points: list[str], place: str
    ) -> AnnotatedObject:
        box = self._of(item, "bbox", place)
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
            raise self._wrong(
                f"expected `bbox` with left, top, width and height in {place}, found {_shown(box)}"
            )
        name = f"{place} of `{picture.name}`"
        left, top, width, height = map(float, box)
        edges = share_of_box((left, top, left + width, top + height), picture.size, name)
        area = (edges[2] - edges[0]) * (edges[3] - edges[1])
        crowd = bool(item.get("iscrowd", 0))
        known = {} if crowd else dict(self._points(item, picture, points, place, name))
        found = item.get("segmentation") or None
        return AnnotatedObject(category, edges, area, crowd, found, known, name)

    def _points(
        self, item: Any, picture: AnnotatedPicture, names: list[str], place: str, name: str
    ) -> Iterator[tuple[str, tuple[float, float]]]:
        stored = item.get("keypoints")
        if not stored or not names:
            return
        expected = 3 * len(names)
        if not isinstance(stored, list) or len(stored) != expected:
            raise self._wrong(f"expected {expected} numbers in `keypoints` of {place}")
        if not all(map(_is_number, stored)):
            raise self._wrong(f"expected numbers in `keypoints` of {place}")
        for at, point in enumerate(names):
            left, top, visibility = stored[3 * at : 3 * at + 3]
            if visibility >= KNOWN_POINT:
                yield point, share_of_point((left, top), picture.size, name)

    def _list(self, found: Any, key: str) -> list[Any]:
        items = self._of(found, key, "the file")
        if not isinstance(items, list):
            raise self._wrong(f"expected a list `{key}`, found {_shown(items)}")
        return items

    def _id(self, item: Any, key: str, place: str) -> int:
        found = self._of(item, key, place)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self._wrong(f"expected a whole number `{key}` in {place}, found {_shown(found)}")
        return found

    def _of(self, item: Any, key: str, place: str) -> Any:
        if not isinstance(item, dict) or key not in item:
            raise self._wrong(f"expected `{key}` in {place}, found none")
        return item[key]

    def _wrong(self, message: str) -> DiagnosticError:
        return _malformed(self._file, message)


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and isfinite(item)


def _shown(item: object) -> str:
    text = json.dumps(item, default=str)
    return f"`{text if len(text) <= 40 else f'{text[:40]}..'}`"


def _malformed(file: Path, message: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO409",
        message,
        label="its annotations are malformed",
        help=[
            "it needs COCO's lists `images`, `categories` and `annotations`",
            f"the file is `{file}`",
        ],
    )
