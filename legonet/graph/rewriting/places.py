"""Stretches of a text: lines, the comments that belong to them, and what replaces them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_REST = re.compile(r"[ \t\r\f]*,?[ \t\r\f]*(?:#[^\n]*)?")
_BLANKS = re.compile(r"[ \t\f]*")


class Change(NamedTuple):
    """A stretch of a text, and what stands there instead."""

    start: int
    end: int
    text: str


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return a text with some stretches replaced; those that touch stand in their order."""
    parts: list[str] = []
    behind = 0
    for start, end, replacement in sorted(dict.fromkeys(changes), key=lambda item: item[:2]):
        parts += (text[behind:start], replacement)
        behind = end
    return "".join([*parts, text[behind:]])


def line_start(text: str, offset: int) -> int:
    """Return where the line begins on which an offset lies."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Return where the line ends on which an offset lies, in front of its line end."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return end - 1 if end > offset and text[end - 1] == "\r" else end


def indentation(text: str, offset: int) -> str:
    """Return the blanks at the beginning of the line on which an offset lies."""
    found = _BLANKS.match(text, line_start(text, offset))
    return found[0] if found else ""


def newline(text: str) -> str:
    """Return the line end that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def code_end(text: str, end: int) -> int:
    """Return where what ends at an offset ends with its comma and the comment behind it."""
    found = _REST.match(text, end)
    return end if found is None else end + len(found[0].rstrip())


def begins_line(text: str, start: int) -> bool:
    """Whether nothing but blanks stands in front on the same line."""
    return not text[line_start(text, start) : start].strip()


def ends_line(text: str, end: int) -> bool:
    """Whether nothing but a comma and a comment stands behind on the same line."""
    return code_end(text, end) >= len(text[: line_end(text, end)].rstrip())


def removal(text: str, start: int, end: int, *, with_comments: bool) -> Change:
    """Return the change that takes out what has its lines for itself.

    Of the blank lines in front and behind those in front go too, so that no two sets of them meet.

    Args:
        text: The text.
        start: Where it begins.
        end: Where it ends.
        with_comments: Whether the comment lines directly above go too.
    """
    first = line_start(text, start)
    if with_comments:
        first = comments_above(text, first)
    last = min(len(text), text.find("\n", line_end(text, end)) + 1 or len(text))
    above, below = first, last
    while above and not _line_before(text, above).strip():
        above = line_start(text, above - 1)
    while below < len(text) and not text[below : line_end(text, below)].strip():
        below = text.find("\n", below) + 1 or len(text)
    closes = text[below : below + 1 + len(_blanks(text, below))].strip() == "}"
    opens = not above or _line_before(text, above).split("#")[0].rstrip().endswith("{")
    if opens and above == first:
        return Change(first, below, "")
    return Change(above if below > last or below == len(text) or closes else first, last, "")


def comments_above(text: str, start: int) -> int:
    """Return where the comment lines directly above a line begin, or the line if it has none.

    Comments at the very beginning of a text are about all of it, and belong to no line.
    """
    first = start
    while first and _line_before(text, first).lstrip().startswith("#"):
        first = line_start(text, first - 1)
    return first if first else start


def _line_before(text: str, start: int) -> str:
    return text[line_start(text, start - 1) : start - 1]


def _blanks(text: str, offset: int) -> str:
    found = _BLANKS.match(text, offset)
    return found[0] if found else ""
