"""The canonical layout of a spec.

It depends only on the Ast, the comments, and the blank lines between statements and fields. The
rest of the author's layout is discarded, so two layouts of the same spec come out identical.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from legonet.diagnostics import DiagnosticError, SourceText
from legonet.diagnostics.text import columns
from legonet.syntax import ast
from legonet.syntax.formatting.comments import Comments
from legonet.syntax.formatting.lines import Line, joined
from legonet.syntax.parse import parse

WIDTH = 100
"""Columns of a line, at most, if it has a bracket that can be split over several lines."""

INDENT = "  "

_COMPACT_BLOCKS = ("category", "task")
_COMMA_AND_BLANKS = re.compile(r"(?:\s*,)?[ \t\r\f]*")
_BLANKS_AND_COMMENTS = re.compile(r"(?:\s|#[^\n]*)*")

_Item = ast.Statement | ast.Field | ast.Argument | ast.Value


def format_text(source: SourceText) -> str:
    """Return a spec in the canonical layout: the same tree and the same comments.

    Args:
        source: The spec.

    Raises:
        DiagnosticError: All the syntax errors of the spec.
    """
    parsed = parse(source)
    if parsed.diagnostics:
        raise DiagnosticError(*parsed.diagnostics)
    return _Layout(source.text).of(parsed.ast)


class _Bracket(NamedTuple):
    """A list or a call.

    Args:
        opening: Everything before the items, such as ``conv(``.
        start: Where the text after the opening begins.
        items: What the bracket contains.
        closing: What closes it.
    """

    opening: str
    start: int
    items: Sequence[ast.Argument | ast.Value]
    closing: str


class _Layout:
    """Lays out one text, line by line, in the order of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._comments = Comments(text)
        self._lines: list[Line] = []
        self._depth = 0

    def of(self, tree: ast.Ast) -> str:
        self._sequence(tree.statements, len(self._text), blank_lines=True)
        return joined(self._lines)

    # Items on lines of their own.

    def _sequence(self, items: Iterable[_Item], end: int, *, blank_lines: bool) -> None:
        """Lay out items and the comments around them, up to the offset where they end."""
        previous: int | None = None
        for item in items:
            previous = self._comments_before(self._head_end(item), previous, blank_lines)
            self._blank_line(previous, item.span.start, blank_lines)
            self._item(item)
            previous = item.span.end
            self._comment_after(previous)
        self._comments_before(end, previous, blank_lines)

    def _comments_before(self, end: int, previous: int | None, blank_lines: bool) -> int | None:
        """Lay out the comments before ``end``, each on its own line."""
        for start, comment in self._comments.take_before(end):
            self._blank_line(previous, start, blank_lines)
            self._line(comment)
            previous = start
        return previous

    def _blank_line(self, previous: int | None, start: int, wanted: bool) -> None:
        """Keep one of the blank lines between what was laid out last and what starts next."""
        if wanted and previous is not None and self._text.count("\n", previous, start) > 1:
            self._lines.append(Line(""))

    def _comment_after(self, end: int) -> None:
        """Lay out the comment that follows on the same line, if there is one."""
        gap = _COMMA_AND_BLANKS.match(self._text, end)
        if gap and self._comments.next_at(gap.end()):
            _, comment = self._comments.take()
            self._lines[-1] = Line(self._lines[-1].code, comment)

    def _head_end(self, item: _Item) -> int:
        """Return the offset before which an item's inner comments must be moved above it."""
        if isinstance(item, ast.Argument):
            item = item.value
        if not isinstance(item, ast.Value):
            return item.span.start
        bracket = self._bracket(item)
        return bracket.start if bracket else item.span.end

    def _inside(
        self, start: int, items: Iterable[_Item], end: int, closing: str, *, blank_lines: bool
    ) -> None:
        """Lay out what follows an opening bracket, whose line is the last one so far."""
        self._comment_after(start)
        self._depth += 1
        self._sequence(items, end, blank_lines=blank_lines)
        self._depth -= 1
        self._line(closing)

    def _line(self, code: str) -> None:
        self._lines.append(Line(INDENT * self._depth + code))

    def _fits(self, code: str) -> bool:
        return len(INDENT) * self._depth + columns(code) <= WIDTH

    # Statements and fields.

    def _item(self, item: _Item) -> None:
        match item:
            case ast.Import():
                alias = f" as {item.alias.text}" if item.alias else ""
                self._line(f"import {self._written(item.path)}{alias}")
            case ast.Let():
                self._value(f"let {item.name.text} = ", item.value, "")
            case ast.For():
                self._loop(item)
            case ast.Block():
                compact = item.keyword in _COMPACT_BLOCKS
                self._block(f"{item.keyword} {item.name.text}", item.fields, compact=compact)
            case ast.Adapter():
                head = f"adapter {_dotted(item.category)} -> {_dotted(item.task)}"
                if item.fields is None:
                    self._line(head)
                else:
                    self._block(head, item.fields)
            case ast.Path():
                self._path(item)
            case ast.Field():
                self._named(item, "")
            case ast.Argument():
                self._named(item, ",")
            case _:
                self._value("", item, ",")

    def _named(self, item: ast.Field | ast.Argument, tail: str) -> None:
        name = item.name.text if item.name else ""
        if isinstance(item.value, ast.Fields):
            self._block(name, item.value, compact=True)
        else:
            self._value(f"{name}: " if name else "", item.value, tail)

    def _path(self, path: ast.Path) -> None:
        head = f"path {path.name.text} = "
        if isinstance(path.category, ast.Reference):
            self._value(f"{head}{_dotted(path.category)} -> ", path.task, "")
            return
        task = self._on_one_line(path.task)
        if task is None or self._comments.within(path.task.span.start, path.task.span.end):
            self._value(head, path.category, " -> [")
            start, end = path.task.span.start, path.task.span.end
            self._inside(start + 1, ast.references(path.task), end, "]", blank_lines=False)
        else:
            self._value(head, path.category, f" -> {task}")

    def _loop(self, loop: ast.For) -> None:
        brace = self._text.index("{", loop.values.span.end)
        head = f"for {loop.variable.text} in "
        if not loop.body and not self._comments.within(brace, loop.span.end):
            self._value(head, loop.values, " {}")
        else:
            self._value(head, loop.values, " {")
            self._inside(brace + 1, loop.body, loop.span.end, "}", blank_lines=True)

    def _block(self, head: str, block: ast.Fields, *, compact: bool = False) -> None:
        body = self._block_on_one_line(block, compact)
        if body is not None and (not block.fields or self._fits(f"{head} {body}")):
            self._line(f"{head} {body}")
            return
        start, end = block.span.start, block.span.end
        self._line(f"{head} {{")
        self._inside(start + 1, block.fields, end, "}", blank_lines=True)

    def _block_on_one_line(self, block: ast.Fields, compact: bool) -> str | None:
        if self._comments.within(block.span.start, block.span.end):
            return None
        if not block.fields:
            return "{}"
        fields = self._joined(block.fields) if compact or len(block.fields) == 1 else None
        return None if fields is None else f"{{ {fields} }}"

    # Values.

    def _value(self, head: str, value: ast.Value, tail: str) -> None:
        """Lay out a value on one line, or else with its bracket split over several lines."""
        bracket = self._bracket(value)
        if bracket is None:
            self._line(head + self._written(value) + tail)
            return
        end = value.span.end
        if not self._comments.within(bracket.start, end):
            line = self._on_one_line(value)
            if line is not None and (not bracket.items or self._fits(head + line + tail)):
                self._line(head + line + tail)
                return
        self._line(head + bracket.opening)
        self._inside(bracket.start, bracket.items, end, bracket.closing + tail, blank_lines=False)

    def _bracket(self, value: ast.Value) -> _Bracket | None:
        match value:
            case ast.ListValue():
                return _Bracket("[", value.span.start + 1, value.items, "]")
            case ast.Call():
                gap = _BLANKS_AND_COMMENTS.match(self._text, value.function.span.end)
                start = (gap.end() if gap else value.function.span.end) + 1
                return _Bracket(f"{_dotted(value.function)}(", start, value.arguments, ")")
            case _:
                return None

    def _on_one_line(self, item: ast.Value | ast.Argument | ast.Field) -> str | None:
        """Return an item on one line; None if it needs several.

        Does not look for comments inside the item. Gives up early on a long item, so that the time
        taken does not grow with the contents of a bracket.
        """
        if isinstance(item, ast.Argument | ast.Field):
            if isinstance(item.value, ast.Fields):
                return None
            value = self._on_one_line(item.value)
            name = f"{item.name.text}: " if item.name else ""
            return None if value is None else name + value
        bracket = self._bracket(item)
        if bracket is None:
            return self._written(item)
        items = self._joined(bracket.items)
        return None if items is None else bracket.opening + items + bracket.closing

    def _joined(self, items: Iterable[ast.Value | ast.Argument | ast.Field]) -> str | None:
        """Return items on one line with commas between them, as `_on_one_line` does."""
        lines: list[str] = []
        room = WIDTH
        for item in items:
            line = self._on_one_line(item)
            if line is None or columns(line) > room:
                return None
            lines.append(line)
            room -= columns(line) + len(", ")
        return ", ".join(lines)

    def _written(self, value: ast.Value) -> str:
        """Return a name, string or number as it was written."""
        if isinstance(value, ast.Reference):
            return _dotted(value)
        return self._text[value.span.start : value.span.end]


def _dotted(reference: ast.Reference) -> str:
    return ".".join(word.text for word in reference.words)
