"""Fields of a block, and values of a list: some taken out, others put behind the last."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from legonet.graph.rewriting.places import (
    Change,
    begins_line,
    code_end,
    ends_line,
    indentation,
    newline,
    removal,
)
from legonet.syntax import ast

Item = ast.Field | ast.Value

STEP = "  "
"""Blanks by which what stands in a block is moved in."""


def taken_out(text: str, items: Sequence[Item], gone: Collection[int]) -> Iterator[Change]:
    """Give the changes that take some items out, with the commas that they leave behind.

    Args:
        text: The text.
        items: All of a block or a list.
        gone: The positions of those to take out.
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
            yield Change(first.start, _behind_comma(text, last.end), "")
        else:
            yield from _within_line(items, line, kept)


def _within_line(items: Sequence[Item], line: range, kept: Sequence[int]) -> Iterator[Change]:
    """Give the changes for a line of which some items stay."""
    begin = line[0]
    for position in kept:
        if begin < position:
            yield Change(items[begin].span.start, items[position].span.start, "")
        begin = position + 1
    if begin <= line[-1]:
        yield Change(items[kept[-1]].span.end, items[line[-1]].span.end, "")


def _lines(text: str, items: Sequence[Item]) -> Iterator[range]:
    """Give the positions of items that stand on the same line, line by line."""
    begin = 0
    for position in range(1, len(items) + 1):
        if (
            position == len(items)
            or "\n" in text[items[position - 1].span.end : items[position].span.start]
        ):
            yield range(begin, position)
            begin = position


def _behind_comma(text: str, end: int) -> int:
    comma = len(text[end:]) - len(text[end:].lstrip(" \t\r\f"))
    return end + comma + 1 if text[end + comma : end + comma + 1] == "," else end


def block_changes(
    text: str, block: ast.Fields, gone: Collection[int], added: Sequence[str]
) -> Iterator[Change]:
    """Give the changes that take fields out of a block and put others in.

    Args:
        text: The text.
        block: The block.
        gone: The positions of the fields to take out.
        added: Fields to put behind the last.
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
    """Return what stands between the braces of a block that was empty."""
    if len(added) == 1 and "\n" not in text[block.span.start : block.span.end]:
        return f" {added[0]} "
    line, outside = newline(text), indentation(text, block.span.start)
    return "".join(f"{line}{outside}{STEP}{item}" for item in added) + line + outside
