"""Places in a source text."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class SourceText:
    """A text and its name, with positions by line and column.

    Args:
        path: The name by which users know the text, usually its path as they wrote it.
        text: The whole text.
    """

    path: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        starts.extend(index + 1 for index, letter in enumerate(self.text) if letter == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of a character offset, both counted from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return a line by its number, counted from 1, without its line ending."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].removesuffix("\n").removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source text, from ``start`` up to but not including ``end``."""

    source: SourceText
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line on which the span begins, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column at which the span begins, from 1, in characters."""
        return self.source.position(self.start)[1]

    @property
    def end_line(self) -> int:
        """The line on which the span ends, from 1."""
        return self.source.position(self.end)[0]

    @property
    def end_column(self) -> int:
        """The column after the span's last character, from 1."""
        return self.source.position(self.end)[1]

    def to(self, other: Span) -> Span:
        """Return the span from the beginning of this one to the end of another."""
        return Span(self.source, self.start, other.end)
