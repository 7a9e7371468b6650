"""Lines of code with trailing comments, and the columns that they take."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from legonet.diagnostics.text import columns

GAP = 2
"""Blanks between code and its trailing comment, at least."""


class Line(NamedTuple):
    """One line of a text.

    Args:
        code: The code with its indentation; empty for a blank line.
        comment: The comment after the code; empty if there is none.
    """

    code: str
    comment: str = ""


def joined(lines: Iterable[Line]) -> str:
    """Return the text of some lines; comments on consecutive lines are aligned."""
    text: list[str] = []
    for commented, group in groupby(lines, key=lambda line: bool(line.comment)):
        run = list(group)
        if not commented:
            text += (line.code for line in run)
            continue
        widths = [columns(line.code) for line in run]
        comments_begin = max(widths) + GAP
        for line, width in zip(run, widths, strict=True):
            text.append(line.code + " " * (comments_begin - width) + line.comment)
    return "".join(f"{line}\n" for line in text)
