"""Writing to the two streams."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from legonet.cli.exits import Exit
from legonet.diagnostics import Diagnostic, in_order
from legonet.diagnostics.json import to_json
from legonet.diagnostics.text import summary, to_text, wants_colour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 200
"""Columns of tables that go into a file or a pipe."""


def note(text: str) -> None:
    """Write a line to standard error as long as somebody reads it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # Who read it is gone, such as a `tee` that Ctrl-C ended first; the work does not depend
        # on it, and the rest goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def show(diagnostics: Iterable[Diagnostic], most: int | None = None) -> None:
    """Write diagnostics to standard error, with a line that counts them.

    Args:
        diagnostics: The diagnostics.
        most: How many are written as a whole, the first ones; all of them unless given.
    """
    found = list(diagnostics)
    colour = wants_colour(sys.stderr.isatty())
    for diagnostic in found[:most]:
        note(f"{to_text(diagnostic, colour=colour)}\n")
    if found:
        hidden = len(found[most:]) if most is not None else 0
        note(summary(found) + (f"; {hidden} of them are not shown here" if hidden else ""))


def tell(diagnostics: Iterable[Diagnostic], *, as_json: bool, as_line: bool = False) -> None:
    """Show what went wrong, instead of what a command was to give.

    Args:
        diagnostics: What went wrong.
        as_json: Also write them as the document that standard output then owes.
        as_line: Write that document in one line.
    """
    found = in_order(diagnostics)
    show(found)
    if as_json:
        document({"diagnostics": [to_json(item) for item in found]}, as_line=as_line)


def fail(diagnostics: Iterable[Diagnostic], code: Exit, *, as_json: bool) -> NoReturn:
    """Show what went wrong and leave.

    Args:
        diagnostics: What went wrong.
        code: The exit code.
        as_json: Also write them as the one document that standard output then owes.
    """
    tell(diagnostics, as_json=as_json)
    sys.exit(code)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 edge`` or ``2 edges``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def document(contents: Any, *, as_line: bool = False) -> None:
    """Write a JSON document to standard output.

    Args:
        contents: Values of JSON.
        as_line: Write it in one line, as one of several documents.
    """
    indent = None if as_line else 2
    print(json.dumps(contents, indent=indent, ensure_ascii=False), flush=as_line)


def console(*, error: bool = False) -> Console:
    """Return a console for tables and progress on one of the streams."""
    from rich.console import Console

    found = Console(stderr=error, highlight=False)
    if not found.is_terminal:
        # A file or a pipe has no edge at which lines would have to be folded.
        found.width = PIPE_WIDTH
    return found


def table(*headings: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table without lines.

    Args:
        headings: Of the columns.
        right: Those whose values stand at the right.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent, such as ``4.2 %``."""
    return f"{100 * share:.1f} %"


def error(metrics: Mapping[str, float], *, teacher: bool = False) -> str:
    """Return an edge's error in percent, or its teacher's; ``px`` marks a share of pixels."""
    prefix = "teacher_" if teacher else ""
    if f"{prefix}error_rate" in metrics:
        return percent(metrics[f"{prefix}error_rate"])
    if f"{prefix}pixel_accuracy" in metrics:
        return f"{percent(1 - metrics[f'{prefix}pixel_accuracy'])} px"
    return ""
