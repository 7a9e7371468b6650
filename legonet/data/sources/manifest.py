"""A folder with a ``manifest.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from legonet.data.boxes import rows_of as box_rows
from legonet.data.boxes import share_of_box, share_of_point, size_of_picture
from legonet.data.decode import fitting, open_mask, open_picture, read_all, renumber
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.data.sources.manifest_table import Columns, Row, rows_of
from legonet.diagnostics import DiagnosticError
from legonet.goals import VOID
from legonet.language.markers import CategoryLabel
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING, BORDER, CATEGORY = 0, 128, 255
"""The numbers in a mask file."""


class ManifestSource(Source):
    """Pictures as a ``manifest.csv`` lists them.

    Its columns ``path`` and ``mask_path`` are relative to the folder, ``split`` is ``train`` or
    ``test``, and ``category`` may be ``background`` or several, such as ``dog | cat``, the most
    prominent first, to which a mask belongs. A mask has the size of its picture and holds
    0 for anything else, 255 for the category and 128 where it is unknown.

    Args:
        directory: The folder of a ``manifest.csv``, or the file itself.
        only: Keep the rows with this value in their ``source`` column; all rows when None.
        targets: The columns with numbers.
        boxes: The column with boxes.
        points: The columns with points.
        depth: The column with files of depths.
        depth_unit: What a 1 in a file of depths stands for.

    Raises:
        DiagnosticError: The manifest is missing or malformed, or a file that it lists is missing.
    """

    default_size = 64

    def __init__(
        self,
        directory: Path,
        only: str | None = None,
        targets: tuple[str, ...] = (),
        boxes: str | None = None,
        points: tuple[str, ...] = (),
        depth: str | None = None,
        depth_unit: float = 1.0,
    ) -> None:
        file = directory / "manifest.csv"
        if directory.is_file():
            file, directory = directory, directory.parent
        self.directory = directory
        self.depth_unit = depth_unit
        self.targets = targets
        self.has_boxes = boxes is not None
        self.has_depth = depth is not None
        self.point_names = points
        columns = Columns(targets, boxes, points, depth)
        self.rows = tuple(rows_of(file, only, columns))
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
        if self.has_boxes or self.point_names or self.has_depth:
            answers = tuple(repr((row.boxes, row.points, row.depth)) for row in rows)
            values = (*values, self.point_names, repr(self.depth_unit), *answers)
        names = [name for row in rows for name in row.files]
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

    def name_of(self, split: Split, example: Example) -> str:
        """Return the file as the manifest has it."""
        return self._splits[split][example.position].path

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

    def boxes(self, split: Split, examples: Sequence[Example]) -> list[NDArray[np.float32] | None]:
        """Return the boxes of rows."""
        numbers = {name: number for number, name in enumerate(self.categories)}

        def of(row: Row) -> NDArray[np.float32] | None:
            if row.boxes is None:
                return None
            size = self._size(row) if row.boxes else (1, 1)
            name = f"the row of `{row.path}`"
            return box_rows(
                [(share_of_box(box, size, name), 1.0, numbers[label]) for box, label in row.boxes]
            )

        return [of(row) for row in self._chosen(split, examples)]

    def points(self, split: Split, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return the points of rows."""
        import numpy as np

        found = np.full((len(examples), len(self.point_names), 2), nan, np.float32)
        for place, row in enumerate(self._chosen(split, examples)):
            size = self._size(row) if any(row.points) else (1, 1)
            for number, point in enumerate(row.points):
                if point is not None:
                    name = f"the row of `{row.path}`"
                    found[place, number] = share_of_point(point, size, name)
        return found

    def depth(self, split: Split, examples: Sequence[Example], size: int) -> NDArray[np.float32]:
        """Return the depths in the files of rows."""
        import numpy as np

        from legonet.data.depths import read_depth

        found = np.full((len(examples), size, size), nan, np.float32)
        for place, row in enumerate(self._chosen(split, examples)):
            if row.depth:
                file = self.directory / row.depth
                found[place] = read_depth(file, row.depth, self._size(row), size, self.depth_unit)
        return found

    def _chosen(self, split: Split, examples: Sequence[Example]) -> list[Row]:
        return [self._splits[split][example.position] for example in examples]

    def _size(self, row: Row) -> tuple[int, int]:
        return size_of_picture(self.directory / row.path, row.path)

    @cached_property
    def _splits(self) -> dict[str, list[Row]]:
        return {
            split: [row for row in self.rows if row.split == split] for split in ("train", "test")
        }

    @cached_property
    def _files(self) -> dict[str, Path]:
        names = dict.fromkeys(name for row in self.rows for name in row.files)
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

    With a column of ``targets``, ``boxes``, ``points`` or ``depth``, the column ``category`` may be
    left out.

    Args:
        directory: The folder, or the file itself if it has another name.
        only: Keeps only the rows with this value in the ``source`` column. Default: all rows.
        targets: The columns with the numbers that regression asks for.
        boxes: The column with the boxes around objects, ``10 20 30 40; 5 5 9 9 dog``: the pixels of
            the left, top, right and lower edge, and the category if it is not the row's first.
        points: The columns with key points, ``10 20``: pixels from the left and from the top.
        depth: The column with the file of each picture's depths: a grey PNG of 8 or 16 bits or a
            ``.npy`` array, of the size of the picture, 0 or not a number where it is unknown.
        depth_unit: What a 1 in these files stands for, such as 0.001 for millimetres.
    """

    call = "manifest"
    opens = ManifestSource
    directory: Path
    only: str | None = None
    targets: tuple[CategoryLabel, ...] = ()
    boxes: CategoryLabel | None = None
    points: tuple[CategoryLabel, ...] = ()
    depth: CategoryLabel | None = None
    depth_unit: Annotated[float, Field(gt=0)] = 1.0
