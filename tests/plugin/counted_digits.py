"""A source of another package that notes each time pictures are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from legonet.data.source import Example, Fingerprint, Split
from legonet.data.sources.digits import DigitsSource
from legonet.language.sources import SourceForm


class CountedSource(DigitsSource):
    """Digits; each decoding adds a line to a file.

    Args:
        log: The file.
        shift: Brightness that is added to each pixel.
    """

    def __init__(self, log: Path, shift: int) -> None:
        self._log = log
        self._shift = shift

    def fingerprint(self, category: str | None) -> Fingerprint:
        """Return that of the digits, and the shift."""
        digits = super().fingerprint(category)
        return Fingerprint((*digits.values, self._shift), digits.files)

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> Any:
        """Note what is decoded, and decode it."""
        shown = sorted({name for example in examples for name in example.shows})
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{split} {size} {shown} {categories}\n")
        images, masks = super().read(split, examples, size, categories)
        return images + self._shift, masks


class CountedDigits(SourceForm):
    """Digits whose decodings are counted.

    Args:
        log: The file to which each decoding adds a line.
        shift: Brightness that is added to each pixel, which may overflow.
    """

    call = "counted"
    opens = CountedSource
    log: Path
    shift: int = Field(default=0, ge=0, le=255)


def fail(log: Path) -> object:
    """Fail, as a package may."""
    raise ArithmeticError(f"nothing in {log}")


class Failing(SourceForm):
    """A source that cannot be opened.

    Args:
        log: Any path.
    """

    call = "fails"
    opens = fail
    log: Path
