"""The text of a spec's statements, each as it stands in its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import dedent
from typing import TYPE_CHECKING

from legonet.syntax import parse

if TYPE_CHECKING:
    from legonet.diagnostics import SourceText, Span
    from legonet.spec.spec import Origin
    from legonet.syntax.ast import Statement


class Statements:
    """Finds the statements that things in a graph come from; each file is parsed once."""

    def __init__(self) -> None:
        self._files: dict[str, dict[int, Span]] = {}

    def text(self, origin: Origin) -> str:
        """Return the whole statement, without the indentation that all its lines share."""
        source = origin.span.source
        if source.path not in self._files:
            self._files[source.path] = _by_place(source)
        span = self._files[source.path].get(origin.span.start, origin.span)
        start = source.position(span.start)[1] - 1
        return dedent(" " * start + source.text[span.start : span.end]).rstrip()


def _by_place(source: SourceText) -> dict[int, Span]:
    """Return the spans of a file's statements, by where their names begin."""
    return dict(_places(parse(source).ast.statements))


def _places(statements: Iterable[Statement]) -> Iterator[tuple[int, Span]]:
    from legonet.syntax import ast

    for statement in statements:
        match statement:
            case ast.For():
                yield from _places(statement.body)
            case ast.Block() | ast.Path():
                yield statement.name.span.start, statement.span
            case ast.Adapter():
                yield statement.category.span.start, statement.span
