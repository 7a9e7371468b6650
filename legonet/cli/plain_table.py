"""Tables as plain lines; rich would take longer for them than a plan of a thousand edges does."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Container, Iterable, Iterator, Sequence

from legonet.cli.output import PIPE_WIDTH

NARROWEST = 24
"""Columns of text that the last cell has at least beside the others."""

INDENT = " " * 9
"""In front of a last cell that stands below the others."""


def width() -> int:
    """Return the columns of text of standard output."""
    # A file or a pipe has no edge at which lines would have to be folded.
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def lines(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int,
    *,
    right: Container[str] = (),
) -> Iterator[str]:
    """Give the lines of a table.

    Columns without any value are left out. The last cell of a row is folded where it is too long,
    or stands below the others where they leave it little room.

    Args:
        headings: Of the columns.
        rows: Their cells.
        width: Columns of text that there are.
        right: The headings of columns whose values stand at the right.
    """
    columns = [cells for cells in zip(headings, *rows, strict=True) if any(cells[1:])]
    *others, last = columns or [()]
    sizes = [max(map(len, cells)) for cells in others]
    for text, *cells in zip(last, *others, strict=True):
        head = "  ".join(
            cell.rjust(size) if column[0] in right else cell.ljust(size)
            for cell, size, column in zip(cells, sizes, others, strict=True)
        )
        room = width - len(head) - 2
        if room >= min(NARROWEST, len(text)):
            first, *more = textwrap.wrap(text, max(room, 1)) or [""]
            yield f"{head}  {first}".rstrip()
            yield from (" " * (len(head) + 2) + line for line in more)
        else:
            yield head.rstrip()
            yield from textwrap.wrap(text, width, initial_indent=INDENT, subsequent_indent=INDENT)
