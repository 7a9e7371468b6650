"""New statements: each in canonical layout, behind the last of its kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from legonet.diagnostics import SourceText
from legonet.graph.rewriting.places import Change, code_end, newline
from legonet.spec import Key
from legonet.spec.declarations import Adapter, Path
from legonet.spec.spec import Declaration
from legonet.spec.writing import Writer, laid_out
from legonet.syntax import ast, format_text

ORDER = ("import", "let", "data", "network", "category", "task", "adapter", "path")
"""The kinds of statements in the order in which a spec has them."""


def inserted(
    text: str,
    statements: Sequence[ast.Statement],
    added: Iterable[tuple[Key, Declaration]],
    writer: Writer,
) -> Iterator[Change]:
    """Give the changes that put new statements into a text.

    A statement stands behind the last one of its kind, or of the kinds in front of it in `ORDER`;
    where there is none, at the end.

    Args:
        text: The text.
        statements: Those that stand outside of loops and stay.
        added: The new ones, by what they are known by.
        writer: Writes values as they stand in the file.
    """
    places: dict[int, list[tuple[str, str]]] = defaultdict(list)
    before: dict[int, tuple[str, str]] = {}
    for key, value in sorted(added, key=lambda item: ORDER.index(item[0][0])):
        anchor = _anchor(statements, key[0])
        place = len(text.rstrip()) if anchor is None else code_end(text, anchor.span.end)
        if anchor is not None:
            before[place] = (_kind(anchor), text[anchor.span.start : anchor.span.end])
        elif text.strip():
            before[place] = ("", "")
        places[place].append((key[0], new_statement(key, value, writer)))
    line = newline(text)
    for place, items in places.items():
        behind = before.get(place)
        parts = ""
        for item in items:
            parts += "" if behind is None else line * _lines_between(behind, item)
            parts += item[1].replace("\n", line)
            behind = item
        parts += line if not text[place:].strip(" \t\r\f") else ""
        yield Change(place, place, parts)


def new_statement(key: Key, value: Declaration, writer: Writer) -> str:
    """Return a statement in canonical layout, without the end of its last line."""
    if isinstance(value, Path):
        ends = f"{writer.name(value.category)} -> {writer.name(value.task)}"
        return f"path {key[1]} = {ends}"
    if isinstance(value, Adapter):
        head = f"adapter {writer.name(value.category)} -> {writer.name(value.task)}"
        fields = None if value.learning is None else writer.fields(value.learning)
    else:
        head, fields = " ".join(key), writer.fields(value)
    return format_text(SourceText("", laid_out(head, fields))).rstrip("\n")


def _anchor(statements: Sequence[ast.Statement], kind: str) -> ast.Statement | None:
    """Return the statement behind which a new one of a kind stands."""
    for earlier in reversed(ORDER[: ORDER.index(kind) + 1]):
        for node in reversed(statements):
            if earlier in _kinds(node):
                return node
    return None


def _kinds(node: ast.Statement) -> Iterator[str]:
    """Give the kinds of all that a statement declares."""
    if isinstance(node, ast.For):
        for item in node.body:
            if not isinstance(item, ast.Let):
                yield from _kinds(item)
    else:
        yield _kind(node)


def _kind(node: ast.Statement) -> str:
    return node.keyword if isinstance(node, ast.Block) else type(node).__name__.lower()


def _lines_between(first: tuple[str, str], second: tuple[str, str]) -> int:
    """Return how many line ends stand between two statements, each a kind and a text."""
    together = first[0] == second[0] and "\n" not in first[1] + second[1]
    return 1 if together else 2
