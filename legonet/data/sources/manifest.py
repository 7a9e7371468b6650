"""A folder with a ``manifest.csv``."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.decode import fitting, open_mask, open_picture, read_all, renumber
from legonet.data.source import BACKGROUND, Example, Fingerprint, Source, Split
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.goals import VOID
from legonet.language.markers import CategoryLabel
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS = ("path", "category", "split")
"""The columns that every manifest has; ``mask_path`` and ``source`` are optional."""

NOTHING, BORDER, CATEGORY = 0, 128, 255
"""The numbers in a mask file."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest; ``mask`` is empty for pictures without one."""

    path: str
    mask: str
    category: str
    split: str
    values: tuple[float, ...] = ()

    @property
    def categories(self) -> tuple[str, ...]:
        """What the picture shows, the most prominent first; nothing for background."""
        named = tuple(name.strip() for name in self.category.split("|"))
        return () if named == (BACKGROUND,) else named


class ManifestSource(Source):
    """Pictures as a ``manifest.csv`` lists them.

    Its columns ``path`` and ``mask_path`` are relative to the folder, ``split`` is ``train`` or
    ``test``, and ``category`` may be ``background`` or several, such as ``dog | cat``, the most
    prominent first, to which a mask belongs. A mask has the size of its picture and holds
    0 for anything else, 255 for the category and 128 where it is unknown.

    Args:
        directory: The folder.
        only: Keep the rows with this value in their ``source`` column; all rows when None.
        targets: Columns with a number in each row.

    Raises:
        DiagnosticError: The manifest is missing or malformed, or a file that it lists is missing.
    """

    default_size = 64

    def __init__(
        self, directory: Path, only: str | None = None, targets: tuple[str, ...] = ()
    ) -> None:
        self.directory = directory
        self.targets = targets
        self.rows = tuple(_rows(directory / "manifest.csv", only, targets))
        self.categories = tuple(sorted({name for row in self.rows for name in row.categories}))
        self.has_background = any(not row.categories for row in self.rows)
        self.has_masks = any(row.mask and row.categories for row in self.rows)
        self._check_files()

    def fingerprint(self, category: str | None) -> Fingerprint:
        """Return the rows of the category and of what it is told apart from, and their files."""
        rows = self.rows
        if category is not None and self.has_background:
            rows = tuple(row for row in rows if not row.categories or category in row.categories)
        values: tuple[object, ...]
        values = tuple((row.path, row.mask, row.category, row.split) for row in rows)
        if self.targets:
            numbers = tuple(tuple(map(repr, row.values)) for row in rows)
            values = (*values, self.targets, *numbers)
        names = [name for row in rows for name in (row.path, row.mask) if name]
        files = tuple(self._files[name] for name in dict.fromkeys(names))
        return Fingerprint(("manifest", *values), files)

    def examples(self, split: Split) -> Sequence[Example]:
        """Return the rows of a split in the order of the manifest."""
        return [
            Example(
                position,
                shows=row.categories,
                has_mask=bool(row.mask) or not row.categories,
            )
            for position, row in enumerate(self._splits[split])
        ]

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode rows; the masks of background pictures are all 0."""
        from PIL import Image

        rows = self._splits[split]

        def picture(example: Example) -> Image.Image:
            name = rows[example.position].path
            return open_picture(self.directory / name, name)

        def mask(example: Example, picture_size: tuple[int, int]) -> Image.Image:
            row = rows[example.position]
            if not row.categories or row.categories[0] not in (categories or ()):
                return Image.new("L", picture_size, 0)
            mask = open_mask(self.directory / row.mask, row.mask)
            stored = fitting(mask, picture_size, row.mask)
            number = 1 + list(categories or ()).index(row.categories[0])
            return renumber(stored, {NOTHING: 0, BORDER: VOID, CATEGORY: number}, row.mask)

        return read_all(examples, size, picture, None if categories is None else mask)

    def values(self, split: Split, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return the numbers of rows."""
        import numpy as np

        rows = self._splits[split]
        found = [rows[example.position].values for example in examples]
        return np.array(found, np.float32).reshape(len(found), len(self.targets))

    @cached_property
    def _splits(self) -> dict[str, list[Row]]:
        return {
            split: [row for row in self.rows if row.split == split] for split in ("train", "test")
        }

    @cached_property
    def _files(self) -> dict[str, Path]:
        names = dict.fromkeys(name for row in self.rows for name in (row.path, row.mask) if name)
        return {name: self.directory / name for name in names}

    def _check_files(self) -> None:
        missing = [name for name, file in self._files.items() if not file.is_file()]
        if missing:
            raise DiagnosticError.of(
                "LEGO403",
                f"expected {len(self._files)} files that the manifest lists, {len(missing)} of "
                f"them are missing, the first is `{missing[0]}`",
                help=[
                    f"`path` and `mask_path` are relative to the folder `{self.directory}`",
                    "restore the files, or remove their rows from the manifest",
                ],
            )


class Manifest(SourceForm):
    """A folder with a ``manifest.csv`` that lists pictures, masks, categories and splits.

    Args:
        directory: The folder.
        only: Keeps only the rows with this value in the ``source`` column. Default: all rows.
        targets: The columns with the numbers that regression asks for. With these, the column
            ``category`` may be left out.
    """

    call = "manifest"
    opens = ManifestSource
    directory: Path
    only: str | None = None
    targets: tuple[CategoryLabel, ...] = ()


def _rows(file: Path, only: str | None, targets: tuple[str, ...]) -> Iterator[Row]:
    """Read and check a manifest line by line."""
    lines = _lines(file)
    needed: tuple[str, ...] = COLUMNS if only is None else (*COLUMNS, "source")
    if targets:
        needed = (*(column for column in needed if column != "category"), *targets)
    if not lines:
        raise _malformed(file, "expected at least one row, found none")
    absent = [column for column in needed if column not in lines[0]]
    if absent:
        found = ", ".join(f"`{column}`" for column in lines[0] if column)
        raise _malformed(file, f"expected a column `{absent[0]}`, found {found}")
    if only is not None:
        origins = {line["source"] for line in lines}
        if only not in origins:
            raise _malformed(
                file,
                f"expected rows with the source `{only}`, found none",
                *did_you_mean(only, origins, "source"),
            )
    for number, line in enumerate(lines, start=2):
        if only is None or line["source"] == only:
            yield _row(file, number, line, targets)


def _row(file: Path, number: int, line: dict[str, str], targets: tuple[str, ...]) -> Row:
    values = tuple(_number(file, number, column, line[column]) for column in targets)
    category = line.get("category", BACKGROUND if targets else "")
    row = Row(line["path"], line.get("mask_path", ""), category, line["split"], values)
    if row.split not in ("train", "test"):
        raise _malformed(
            file, f"expected the split `train` or `test` in row {number}, found `{row.split}`"
        )
    if not row.path or not row.category:
        empty = "path" if not row.path else "category"
        raise _malformed(file, f"expected a {empty} in row {number}, found nothing")
    for name in (row.path, row.mask):
        if os.path.isabs(name):  # noqa: PTH117 - thousands of rows, and Path is slow
            raise _malformed(
                file, f"expected a path relative to the folder in row {number}, found `{name}`"
            )
    return row


def _number(file: Path, row: int, column: str, cell: str) -> float:
    try:
        found = float(cell)
    except ValueError:
        found = nan
    if isfinite(found):
        return found
    raise _malformed(
        file, f"expected a number in the column `{column}` of row {row}, found `{cell}`"
    )


def _lines(file: Path) -> list[dict[str, str]]:
    """Read a table as text; cells that a short line lacks are empty."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return [
                {column: (cell or "").strip() for column, cell in line.items() if column}
                for line in csv.DictReader(stream)
            ]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DiagnosticError.of(
            "LEGO401",
            f"expected a manifest, found no file `{file}`",
            label="no `manifest.csv` there",
            help=["a relative path is relative to the spec that contains it"],
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _malformed(
            file, f"expected a CSV table in UTF-8, found something else: {error}"
        ) from error


def _malformed(file: Path, message: str, *help_lines: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO402",
        message,
        label="its manifest is malformed",
        help=[*help_lines, f"the manifest is `{file}`"],
    )
