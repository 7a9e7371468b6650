"""Numbers and tables as people read them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 200
"""Columns of tables that are written to a file or a pipe."""


KINDS = {"network": "network", "adapter": "edge", "joint": "path"}
"""What people call the things that a build builds, by the kinds of their artifacts."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 edge`` or ``2 edges``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """Return a time such as ``0.4 s``, ``12 s``, ``3 min`` or ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size(number: float) -> str:
    """Return a number of bytes such as ``12 MiB`` or ``1.2 GiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1023.5:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def console(*, error: bool = False) -> Console:
    """Return a console for tables and progress on one of the streams."""
    from rich.console import Console

    # Names of files, modules and labels are shown as they are, with their brackets and colons.
    found = Console(stderr=error, highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        # A file or a pipe has no edge where lines would have to wrap.
        found.width = PIPE_WIDTH
    return found


def table(*headings: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table without lines.

    Args:
        headings: The headings of the columns.
        right: The headings of the right-aligned columns.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent, such as ``4.2 %``."""
    return f"{100 * share:.1f} %"


def error(metrics: Mapping[str, float], of: str = "") -> str:
    """Return an error in percent, with half of its 95 % interval if that is known.

    It is the larger half, as the two differ near 0 and 100 %. ``px`` marks a share of pixels, and
    ``vs teacher`` an error for which the teacher's answers stand for the right ones.

    Args:
        metrics: The figures of an edge.
        of: ``teacher`` or ``donor`` for the error of these, without interval and mark.
    """
    from legonet.goals import goal_of, is_against_teacher

    goal = goal_of(metrics)
    found = None if goal is None else goal.error(metrics, of)
    if goal is None or found is None:
        return ""
    value, low, high = found
    if of:
        return goal.text(value)
    mark = f"{goal.mark}{AGAINST_TEACHER * is_against_teacher(metrics)}"
    if low is None or high is None:
        return f"{goal.text(value)}{mark}"
    # The unit, if there is one, follows the interval.
    number, *unit = goal.text(value).split(" ", 1)
    half = goal.text(max(high - value, value - low)).split(" ", 1)[0]
    return " ".join([f"{number} ± {half}", *unit]) + mark


AGAINST_TEACHER = " vs teacher"
"""Follows an error for which the teacher's answers stand for the right ones."""

NARROWEST = 24
"""The fewest columns of text for the last cell beside the others."""

INDENT = " " * 9
"""Precedes a last cell that is placed below the others."""


def width() -> int:
    """Return the width of standard output in columns of text."""
    # A file or a pipe has no edge where lines would have to wrap.
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH


def lines(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int,
    *,
    right: Container[str] = (),
) -> Iterator[str]:
    """Yield the lines of a table.

    Columns without any value are left out. The last cell of a row is wrapped if it is too long, or
    placed below the others if they leave it little room.

    Args:
        headings: The headings of the columns.
        rows: The cells of each row.
        width: The available columns of text.
        right: The headings of the right-aligned columns.
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
