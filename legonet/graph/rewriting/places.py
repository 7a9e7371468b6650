"""Stretches of a text: lines, the comments that belong to them, items, and what replaces them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from legonet.syntax import ast

_REST = re.compile(r"[ \t\r\f]*,?[ \t\r\f]*(?:#[^\n]*)?")
_BLANKS = re.compile(r"[ \t\f]*")


class Change(NamedTuple):
    """A stretch of a text, and what replaces it."""

    start: int
    end: int
    text: str


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return a text with some stretches replaced; adjacent ones keep their order."""
    parts: list[str] = []
    copied = 0
    for start, end, replacement in sorted(dict.fromkeys(changes), key=lambda item: item[:2]):
        parts += (text[copied:start], replacement)
        copied = end
    return "".join([*parts, text[copied:]])


def line_start(text: str, offset: int) -> int:
    """Return where the line that contains an offset begins."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Return where the line that contains an offset ends, before its line end."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return end - 1 if end > offset and text[end - 1] == "\r" else end


def indentation(text: str, offset: int) -> str:
    """Return the blanks at the beginning of the line that contains an offset."""
    found = _BLANKS.match(text, line_start(text, offset))
    return found[0] if found else ""


def newline(text: str) -> str:
    """Return the line end that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def code_end(text: str, end: int) -> int:
    """Return the end of what ends at an offset, including its comma and trailing comment."""
    found = _REST.match(text, end)
    return end if found is None else end + len(found[0].rstrip())


def begins_line(text: str, start: int) -> bool:
    """Whether only blanks come before it on the same line."""
    return not text[line_start(text, start) : start].strip()


def ends_line(text: str, end: int) -> bool:
    """Whether only a comma and a comment come after it on the same line."""
    return code_end(text, end) >= len(text[: line_end(text, end)].rstrip())


def removal(text: str, start: int, end: int, *, with_comments: bool) -> Change:
    """Return the change that removes what has its lines to itself.

    The blank lines before it go too, so that they do not join up with those after it.

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

    Comments at the very beginning of a text are about the whole text, and belong to no line.
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


Item = ast.Field | ast.Value

STEP = "  "
"""The indentation of a block's contents."""


def taken_out(text: str, items: Sequence[Item], gone: Collection[int]) -> Iterator[Change]:
    """Yield the changes that remove some items, with the commas that they would leave behind.

    Args:
        text: The text.
        items: All items of a block or a list.
        gone: The positions of those to remove.
    """
    for line in _lines(text, items):
        kept = [position for position in line if position not in gone]
        first, last = items[line[0]].span, items[line[-1]].span
        alone = begins_line(text, first.start) and ends_line(text, last.end)
        if not kept and alone:
            stays = line[-1] + 1 < len(items) and line[-1] + 1 not in gone
            follows = stays and text.count("\n", last.end, items[line[-1] + 1].span.start) == 1
            yield removal(text, first.start, last.end, with_comments=not follows)
        elif not kept:
            yield Change(first.start, _after_comma(text, last.end), "")
        else:
            yield from _within_line(items, line, kept)


def _within_line(items: Sequence[Item], line: range, kept: Sequence[int]) -> Iterator[Change]:
    """Yield the changes for a line on which some items stay."""
    begin = line[0]
    for position in kept:
        if begin < position:
            yield Change(items[begin].span.start, items[position].span.start, "")
        begin = position + 1
    if begin <= line[-1]:
        yield Change(items[kept[-1]].span.end, items[line[-1]].span.end, "")


def _lines(text: str, items: Sequence[Item]) -> Iterator[range]:
    """Yield the positions of items on the same line, line by line."""
    begin = 0
    for position in range(1, len(items) + 1):
        if (
            position == len(items)
            or "\n" in text[items[position - 1].span.end : items[position].span.start]
        ):
            yield range(begin, position)
            begin = position


def _after_comma(text: str, end: int) -> int:
    comma = len(text[end:]) - len(text[end:].lstrip(" \t\r\f"))
    return end + comma + 1 if text[end + comma : end + comma + 1] == "," else end


def block_changes(
    text: str, block: ast.Fields, gone: Collection[int], added: Sequence[str]
) -> Iterator[Change]:
    """Yield the changes that remove fields from a block and add others.

    Args:
        text: The text.
        block: The block.
        gone: The positions of the fields to remove.
        added: Fields to add after the last one.
    """
    start, end = block.span.start + 1, block.span.end - 1
    kept = [item for position, item in enumerate(block.fields) if position not in gone]
    if not kept and "#" not in text[start:end]:
        yield Change(start, end, _inside(text, block, added) if added else "")
        return
    yield from taken_out(text, block.fields, gone)
    if not added:
        return
    line = newline(text)
    indent = indentation(text, block.span.start) + STEP
    if not kept:
        place = code_end(text, start)
        yield Change(place, place, "".join(f"{line}{indent}{item}" for item in added))
        return
    last = kept[-1].span
    if begins_line(text, last.start):
        indent = indentation(text, last.start)
        (line_of_last,) = (
            found for found in _lines(text, block.fields) if block.fields.index(kept[-1]) in found
        )
        place = code_end(text, block.fields[line_of_last[-1]].span.end)
        yield Change(place, place, "".join(f"{line}{indent}{item}" for item in added))
    else:
        yield Change(last.end, last.end, "".join(f", {item}" for item in added))


def _inside(text: str, block: ast.Fields, added: Sequence[str]) -> str:
    """Return the new contents between the braces of an empty block."""
    if len(added) == 1 and "\n" not in text[block.span.start : block.span.end]:
        return f" {added[0]} "
    line, outside = newline(text), indentation(text, block.span.start)
    return "".join(f"{line}{outside}{STEP}{item}" for item in added) + line + outside
