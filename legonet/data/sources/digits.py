"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.decode import read_all
from legonet.data.source import Example, Fingerprint, Source, Split
from legonet.diagnostics import DiagnosticError
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
"""Raised whenever the same file would give different pictures."""

SIDE = 16
"""Height and width of a digit in pixels, twice that of the file."""

BLOCK = 4
"""Height and width of the blocks that are shuffled."""

INK = 96
"""Pixels at least as bright as this are ink."""

SEED = 1804
"""The seed for shuffling blocks."""

TEST_EVERY = 4
"""Every fourth picture of a digit, in the file's order, is a test picture."""


class DigitsSource(Source):
    """Digits against digits whose 4x4 blocks are shuffled, so that each asks the same question.

    A split's background pictures are made from its own digits alone, one from each. The masks are
    the ink, even of shuffled digits: they have the same ink as digits, only elsewhere.
    """

    categories = tuple("0123456789")
    has_background = True
    has_masks = True
    default_size = SIDE

    def fingerprint(self, category: str | None) -> Fingerprint:  # noqa: ARG002 - one file has all
        """Return the version of the pictures and scikit-learn's file, without importing it."""
        return Fingerprint(("digits", VERSION), (_bundled_file(),))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return the digits of a split, then a shuffled copy of each."""
        digits = [str(digit) for digit in self._numbers[self._positions(split)]]
        shows: list[tuple[str, ...]] = [(digit,) for digit in digits]
        shows += [()] * len(digits)
        return [Example(position, names, True) for position, names in enumerate(shows)]

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Return digits and shuffled digits, and their ink.

        For masks of one category, the ink of shuffled digits counts as that category's ink;
        for masks of several, it is background.
        """
        import numpy as np
        from PIL import Image

        positions = self._positions(split)
        digits = self._digits[positions]
        shuffled = [_shuffled(self._digits[position], position) for position in positions.tolist()]
        pictures = np.concatenate([digits, shuffled])

        def picture(example: Example) -> Image.Image:
            return Image.fromarray(pictures[example.position]).convert("RGB")

        def mask(example: Example, _: tuple[int, int]) -> Image.Image:
            number = _number(example, categories or ())
            ink = pictures[example.position] >= INK
            return Image.fromarray(np.where(ink, number, 0).astype(np.uint8))

        return read_all(examples, size, picture, None if categories is None else mask)

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """A row for each digit: 64 pixels from 0 to 16, and the number that it shows."""
        import numpy as np

        with gzip.open(_bundled_file(), "rt", encoding="ascii") as lines:
            return np.loadtxt(lines, delimiter=",").astype(np.int64)

    @property
    def _numbers(self) -> NDArray[np.int64]:
        return self._table[:, -1]

    @cached_property
    def _digits(self) -> NDArray[np.uint8]:
        """All digits of the file, ``(N, 16, 16)``, uint8."""
        import numpy as np
        from PIL import Image

        small = np.rint(self._table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
        large = [
            Image.fromarray(digit).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            for digit in small
        ]
        return np.stack([np.asarray(digit) for digit in large])

    def _positions(self, split: Split) -> NDArray[np.int64]:
        """Return the positions in the file of the pictures of a split."""
        import numpy as np

        is_test = np.zeros(len(self._numbers), bool)
        for number in range(10):
            places = np.flatnonzero(self._numbers == number)
            is_test[places[TEST_EVERY - 1 :: TEST_EVERY]] = True
        return np.flatnonzero(is_test if split == "test" else ~is_test)


class Digits(SourceForm):
    """The handwritten digits that come with scikit-learn: 16x16 pictures, ``"0"`` to ``"9"``.

    Needs no files. Background pictures are digits with their 4x4 blocks shuffled; the masks are
    the ink.
    """

    call = "digits"
    opens = DigitsSource


def _bundled_file() -> Path:
    package = find_spec("sklearn")
    if package is not None and package.submodule_search_locations:
        file = Path(package.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")
        if file.is_file():
            return file
    raise DiagnosticError.of(
        "LEGO401",
        "expected the digits that come with scikit-learn, found no `digits.csv.gz` in it",
        help=["install scikit-learn again: `pip install --force-reinstall scikit-learn`"],
    )


def _number(example: Example, categories: Sequence[str]) -> int:
    if not example.shows:
        return 1 if len(categories) == 1 else 0
    name = example.shows[0]
    return 1 + list(categories).index(name) if name in categories else 0


def _shuffled(digit: NDArray[np.uint8], position: int) -> NDArray[np.uint8]:
    """Return the digit with every block in a different place than before."""
    import numpy as np

    across = SIDE // BLOCK
    blocks = digit.reshape(across, BLOCK, across, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    stream = np.random.PCG64([SEED, position])
    order = np.arange(across * across)
    while (order == np.arange(across * across)).any():
        order = np.argsort(stream.random_raw(across * across), kind="stable")
    shuffled = blocks[order].reshape(across, across, BLOCK, BLOCK)
    return shuffled.swapaxes(1, 2).reshape(SIDE, SIDE)
