"""The table of a manifest, read and checked line by line."""

from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

from legonet.data.boxes import Corners
from legonet.data.source import BACKGROUND
from legonet.data.sources.manifest_text import malformed, table_of
from legonet.diagnostics import did_you_mean

COLUMNS = ("path", "category", "split")
"""The columns that every manifest has; ``mask_path`` and ``source`` are optional."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a spec names.

    Args:
        targets: Those with a number in each row.
        boxes: The one with boxes; None for none.
        points: Those with a point in each row.
        depth: The one with files of depths; None for none.
    """

    targets: tuple[str, ...] = ()
    boxes: str | None = None
    points: tuple[str, ...] = ()
    depth: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        single = (name for name in (self.boxes, self.depth) if name is not None)
        return (*self.targets, *single, *self.points)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest.

    Args:
        path: The picture.
        mask: Empty for pictures without one.
        category: As it is written.
        split: ``train`` or ``test``.
        values: The numbers in the columns of targets.
        boxes: Boxes in pixels, each with its category; None where they are not known.
        points: The points from the left and from the top, in pixels; None where not known.
        depth: The file of depths; empty for pictures without one.
    """

    path: str
    mask: str
    category: str
    split: str
    values: tuple[float, ...] = ()
    boxes: tuple[tuple[Corners, str], ...] | None = None
    points: tuple[tuple[float, float] | None, ...] = ()
    depth: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """What the picture shows, the most prominent first; nothing for background."""
        named = _categories(self.category)
        boxed = dict.fromkeys(label for _, label in self.boxes or ())
        return (*named, *(label for label in boxed if label not in named))

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the row names."""
        return tuple(name for name in (self.path, self.mask, self.depth) if name)


def rows_of(file: Path, only: str | None, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a manifest.

    Args:
        file: The table.
        only: Keep the rows with this value in their ``source`` column; all rows when None.
        columns: The columns that a spec names.

    Raises:
        DiagnosticError: The table is missing or malformed.
    """
    needed: tuple[str, ...] = COLUMNS if only is None else (*COLUMNS, "source")
    if columns.names:
        needed = (*(column for column in needed if column != "category"), *columns.names)
    lines = table_of(file, needed)
    if not lines:
        raise malformed(file, "expected at least one row, found none")
    if only is not None:
        origins = {line["source"] for line in lines}
        if only not in origins:
            raise malformed(
                file,
                f"expected rows with the source `{only}`, found none",
                *did_you_mean(only, origins, "source"),
            )
    for number, line in enumerate(lines, start=2):
        if only is None or line["source"] == only:
            yield _row(file, number, line, columns)


def _row(file: Path, number: int, line: dict[str, str], columns: Columns) -> Row:
    values = tuple(_number(file, number, column, line[column]) for column in columns.targets)
    category = line.get("category", BACKGROUND if columns.names else "")
    row = Row(
        _portable(file, line["path"]),
        _portable(file, line.get("mask_path", "")),
        category,
        line["split"].lower(),
        values,
        _boxes(file, number, columns.boxes, line, _categories(category)),
        tuple(_point(file, number, column, line[column]) for column in columns.points),
        "" if columns.depth is None else _portable(file, line[columns.depth]),
    )
    if row.split not in ("train", "test"):
        raise malformed(
            file,
            f"expected the split `train` or `test` in row {number}, found `{row.split}`",
            *(["call pictures that are measured `test`"] if row.split.startswith("val") else []),
        )
    if not row.path or not row.category:
        empty = "path" if not row.path else "category"
        raise malformed(file, f"expected a {empty} in row {number}, found nothing")
    for name in row.files:
        # Thousands of rows, and Path is slow.
        if posixpath.isabs(name) or ntpath.splitdrive(name)[0]:
            raise malformed(
                file, f"expected a path relative to the folder in row {number}, found `{name}`"
            )
    return row


def _portable(file: Path, name: str) -> str:
    r"""Return a file's name with ``/``, where Windows wrote ``\`` and no file is called so."""
    if "\\" not in name or (os.sep == "/" and (file.parent / name).exists()):
        return name
    return name.replace("\\", "/")


def _categories(category: str) -> tuple[str, ...]:
    named = tuple(name.strip() for name in category.split("|"))
    return () if named == (BACKGROUND,) else named


def _number(file: Path, row: int, column: str, cell: str) -> float:
    found = _plain(cell)
    if isfinite(found):
        return found
    raise malformed(
        file, f"expected a number in the column `{column}` of row {row}, found `{cell}`"
    )


def _boxes(
    file: Path, number: int, column: str | None, line: dict[str, str], categories: tuple[str, ...]
) -> tuple[tuple[Corners, str], ...] | None:
    """Return the boxes in a cell, such as ``10 20 30 40; 5 5 9 9 dog``.

    An empty cell means no object where the picture shows no category, and otherwise that the boxes
    are not known.
    """
    if column is None:
        return None
    cell = line[column]
    if not cell:
        return None if categories or "category" not in line else ()
    found = []
    for part in cell.split(";"):
        words = part.split(maxsplit=4)
        edges = [_plain(word) for word in words[:4]]
        label = words[4].strip() if len(words) > 4 else next(iter(categories), "")
        if len(edges) < 4 or not all(map(isfinite, edges)) or not label:
            raise malformed(
                file,
                f"expected boxes in the column `{column}` of row {number}, found `{part.strip()}`",
                "a box has the pixels of its left, top, right and lower edge: `10 20 30 40`; "
                "`;` follows where there is another one",
                "a box of another category than the row's, or in a row of none, names it: "
                "`10 20 30 40 dog`",
            )
        left, top, right, lower = edges
        found.append(((left, top, right, lower), label))
    return tuple(found)


def _point(file: Path, number: int, column: str, cell: str) -> tuple[float, float] | None:
    """Return the point in a cell, such as ``10 20``; None for an empty one."""
    if not cell:
        return None
    places = [_plain(word) for word in cell.split()]
    if len(places) != 2 or not all(map(isfinite, places)):
        raise malformed(
            file,
            f"expected a point in the column `{column}` of row {number}, found `{cell}`",
            "a point has its pixels from the left and from the top: `10 20`",
        )
    return places[0], places[1]


def _plain(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return nan
