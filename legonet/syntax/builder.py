"""Builds the nodes of the Ast from the grammar's rules.

Lark calls a method for each rule as soon as it is complete. The children include all tokens, so a
node's span runs from its first child to its last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from lark import Token, Transformer

from legonet.diagnostics import SourceText, Span
from legonet.syntax import ast
from legonet.syntax.strings import ESCAPES, PIECE

Node = TypeVar("Node")

_INTERPOLATION = re.compile(r"\$\{([A-Za-z0-9_.]*)\}")


class AstBuilder(Transformer[Token, ast.Ast]):
    """Builds the nodes of one text at a time; see `reading`."""

    def __init__(self) -> None:
        super().__init__()
        self._source = SourceText("", "")

    @contextmanager
    def reading(self, source: SourceText) -> Iterator[None]:
        """Build nodes whose spans lie in this text."""
        before, self._source = self._source, source
        try:
            yield
        finally:
            self._source = before

    def _span(self, children: Sequence[Any]) -> Span:
        first, last = children[0], children[-1]
        start = first.start_pos if isinstance(first, Token) else first.span.start
        end = last.end_pos if isinstance(last, Token) else last.span.end
        return Span(self._source, start or 0, end or 0)

    def spec(self, children: list[Any]) -> ast.Ast:
        statements = tuple(child for child in children if not isinstance(child, Token))
        return ast.Ast(self._source, statements)

    def import_statement(self, children: list[Any]) -> ast.Import:
        path = self.string([children[1]])
        alias = children[3] if len(children) > 2 else None
        return ast.Import(path, alias, self._span(children))

    def let(self, children: list[Any]) -> ast.Let:
        return ast.Let(children[1], children[3], self._span(children))

    def for_loop(self, children: list[Any]) -> ast.For:
        body = tuple(child for child in children[5:] if not isinstance(child, Token))
        return ast.For(children[1], children[3], body, self._span(children))

    def block(self, children: list[Any]) -> ast.Block:
        return ast.Block(str(children[0]), children[1], children[2], self._span(children))

    def adapter(self, children: list[Any]) -> ast.Adapter:
        fields = children[4] if len(children) > 4 else None
        return ast.Adapter(children[1], children[3], fields, self._span(children))

    def path(self, children: list[Any]) -> ast.Path:
        return ast.Path(children[1], children[3], children[5], self._span(children))

    def names(self, children: list[Any]) -> ast.ListValue:
        return ast.ListValue(_of(ast.Reference, children), self._span(children))

    def fields(self, children: list[Any]) -> ast.Fields:
        return ast.Fields(_of(ast.Field, children), self._span(children))

    def field(self, children: list[Any]) -> ast.Field:
        return ast.Field(children[0], children[-1], self._span(children))

    def list_value(self, children: list[Any]) -> ast.ListValue:
        items = tuple(child for child in children if not isinstance(child, Token))
        return ast.ListValue(items, self._span(children))

    def call(self, children: list[Any]) -> ast.Call:
        return ast.Call(children[0], _of(ast.Argument, children), self._span(children))

    def argument(self, children: list[Any]) -> ast.Argument:
        name = children[0] if len(children) > 1 else None
        return ast.Argument(name, children[-1], self._span(children))

    def reference(self, children: list[Any]) -> ast.Reference:
        words = tuple(self.word([child]) for child in children if child.type == "NAME")
        return ast.Reference(words, self._span(children))

    def word(self, children: list[Token]) -> ast.Word:
        (token,) = children
        start = token.start_pos or 0
        parts: list[ast.Part] = []
        end = 0
        for match in _INTERPOLATION.finditer(token):
            if match.start() > end:
                parts.append(token[end : match.start()])
            span = Span(self._source, start + match.start(), start + match.end())
            parts.append(ast.Interpolation(match[1], span))
            end = match.end()
        if end < len(token):
            parts.append(token[end:])
        return ast.Word(tuple(parts), self._span(children))

    name = word

    def string(self, children: list[Token]) -> ast.String:
        (token,) = children
        start = (token.start_pos or 0) + 1
        body = token[1:-1]
        parts: list[ast.Part] = []
        text = ""
        end = 0
        for match in PIECE.finditer(body):
            text += body[end : match.start()]
            end = match.end()
            if match[2] is None:
                text += ESCAPES.get(match[1], match[0])
                continue
            if text:
                parts.append(text)
                text = ""
            span = Span(self._source, start + match.start(), start + match.end())
            parts.append(ast.Interpolation(match[2], span))
        text += body[end:]
        if text:
            parts.append(text)
        return ast.String(tuple(parts), self._span(children))

    def integer(self, children: list[Token]) -> ast.Constant:
        return ast.Constant(int(children[0]), self._span(children))

    def decimal(self, children: list[Token]) -> ast.Constant:
        return ast.Constant(float(children[0]), self._span(children))

    def true(self, children: list[Token]) -> ast.Constant:
        return ast.Constant(True, self._span(children))

    def false(self, children: list[Token]) -> ast.Constant:
        return ast.Constant(False, self._span(children))


def _of(kind: type[Node], children: Sequence[Any]) -> tuple[Node, ...]:
    return tuple(child for child in children if isinstance(child, kind))
