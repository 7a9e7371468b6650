"""Writing to the two streams, and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NoReturn

from legonet.diagnostics import Diagnostic, in_order
from legonet.diagnostics.json import to_json
from legonet.diagnostics.text import summary, to_text, wants_colour
from legonet.text_bytes import json_text


class Exit(IntEnum):
    """What a command's exit code means; 2 is wrong usage, which click itself reports."""

    GOOD = 0
    MISTAKES = 1
    FAILED = 3
    BUG = 70
    OUTSIDE = 74
    INTERRUPTED = 130
    UNREAD = 141


def note(text: str) -> None:
    """Write a line to standard error for as long as it has a reader."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # The reader is gone, such as a `tee` that Ctrl-C ended first; the work does not depend
        # on it, and the rest is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def show(diagnostics: Iterable[Diagnostic], most: int | None = None) -> None:
    """Write diagnostics to standard error, with a line that counts them.

    Args:
        diagnostics: The diagnostics.
        most: How many of them, the first ones, are written in full; default: all.
    """
    found = list(diagnostics)
    colour = wants_colour(sys.stderr.isatty())
    for diagnostic in found[:most]:
        note(f"{to_text(diagnostic, colour=colour)}\n")
    if found:
        hidden = len(found[most:]) if most is not None else 0
        note(summary(found) + (f"; {hidden} of them are not shown here" if hidden else ""))


def tell(diagnostics: Iterable[Diagnostic], *, as_json: bool, as_line: bool = False) -> None:
    """Show what went wrong, instead of a command's output.

    Args:
        diagnostics: What went wrong.
        as_json: Also write them to standard output, as the document that is expected there.
        as_line: Write that document on one line.
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
        as_json: Also write them to standard output, as the document that is expected there.
    """
    tell(diagnostics, as_json=as_json)
    sys.exit(code)


def document(contents: Any, *, as_line: bool = False) -> None:
    """Write a JSON document to standard output.

    Args:
        contents: JSON values.
        as_line: Write it on one line, as one of several documents.
    """
    indent = None if as_line else 2
    # A terminal of another encoding gets escapes, so that the document is always UTF-8.
    ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    print(json_text(contents, indent=indent, ascii_only=ascii_only), flush=as_line)
