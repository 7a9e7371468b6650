"""What changes in the text of one statement when its contents change, and the text of new ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel

from legonet.diagnostics import SourceText
from legonet.graph.rewriting.places import (
    Change,
    begins_line,
    block_changes,
    code_end,
    indentation,
    newline,
)
from legonet.language import Key
from legonet.language.declarations import STATEMENTS, Adapter, Path
from legonet.language.fields import fields_of
from legonet.language.spec import Declaration
from legonet.language.writing import Writer, field_text, laid_out
from legonet.syntax import ast, format_text
from legonet.syntax.formatting.comments import Comments

Node = ast.Block | ast.Adapter | ast.Path


def statement_changes(
    node: Node, writer: Writer, old: tuple[Key, Declaration], new: tuple[Key, Declaration]
) -> Iterator[Change]:
    """Yield the changes in a statement's text.

    Args:
        node: The statement as it was written.
        writer: Writes values as they appear in its file.
        old: Its old key and contents.
        new: Its new key and contents; the kind is the same.
    """
    text = node.span.source.text
    before, after = old[1], new[1]
    if not isinstance(node, ast.Adapter) and old[0] != new[0]:
        yield Change(node.name.span.start, node.name.span.end, writer.name(new[0][1]))
    if isinstance(node, ast.Block):
        yield from _block(text, node.fields, writer, before, after)
        return
    if isinstance(before, Adapter | Path) and isinstance(after, Adapter | Path):
        for side, was, names in zip(
            (node.category, node.task), _sides(before), _sides(after), strict=True
        ):
            yield from _names(side, was, names, writer)
    if isinstance(node, ast.Adapter) and isinstance(before, Adapter) and isinstance(after, Adapter):
        yield from _learning(text, node, writer, before, after)


def _sides(joined: Adapter | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the categories and the tasks that a statement joins."""
    if isinstance(joined, Path):
        return joined.categories, joined.tasks
    return (joined.category,), (joined.task,)


def _names(
    side: ast.Reference | ast.ListValue,
    before: tuple[str, ...],
    after: tuple[str, ...],
    writer: Writer,
) -> Iterator[Change]:
    """Yield the changes in one side of what a statement joins; names that stay are untouched."""
    places = ast.references(side)
    if len(places) == len(before) == len(after):
        for place, was, name in zip(places, before, after, strict=True):
            if was != name:
                yield Change(place.span.start, place.span.end, writer.name(name))
    elif before != after:
        yield Change(side.span.start, side.span.end, names_text(after, writer))


def names_text(names: Sequence[str], writer: Writer) -> str:
    """Return the names on one side of a path: one by itself, several in brackets."""
    written = [writer.name(name) for name in names]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _learning(
    text: str, node: ast.Adapter, writer: Writer, before: Adapter, after: Adapter
) -> Iterator[Change]:
    """Yield the changes in an adapter's body, which a direct edge does not have."""
    if node.fields is not None and after.learning is None:
        yield Change(node.task.span.end, node.span.end, "")
    elif node.fields is not None and before.learning is not None and after.learning is not None:
        yield from _block(text, node.fields, writer, before.learning, after.learning)
    elif node.fields is None and after.learning is not None:
        line = newline(text)
        outside = indentation(text, node.span.start)
        fields = [field_text(*item) for item in writer.fields(after.learning).items()]
        inside = "".join(f"{line}{outside}  {field}" for field in fields)
        if len(fields) < 2:
            body = f"{{ {fields[0]} }}" if fields else "{}"
        else:
            body = f"{{{inside}{line}{outside}}}"
        yield Change(node.span.end, node.span.end, f" {body}")


def _block(
    text: str, block: ast.Fields, writer: Writer, before: BaseModel, after: BaseModel
) -> Iterator[Change]:
    """Yield the changes in a block's fields."""
    places = {item.name.text: position for position, item in enumerate(block.fields)}
    gone: list[int] = []
    added: list[str] = []
    for name, field in fields_of(type(after)).items():
        was, value = getattr(before, field.name), getattr(after, field.name)
        if was == value:
            continue
        if name not in places:
            added += [] if value is None else [field_text(name, writer.field(value, field))]
        elif value is None:
            gone.append(places[name])
        else:
            item = block.fields[places[name]]
            if isinstance(item.value, ast.Fields):
                yield from _block(text, item.value, writer, was, value)
            else:
                yield from _value(text, item, item.value, writer.value(value, field))
    if gone or added:
        yield from block_changes(text, block, gone, added)


def _value(text: str, item: ast.Field, value: ast.Value, written: str) -> Iterator[Change]:
    """Yield the changes that replace a field's value; comments in the old value move above it."""
    start, end = value.span.start, value.span.end
    inside = text[start:end]
    comments = [comment for _, comment in Comments(inside).take_before(len(inside))]
    if comments:
        line, indent = newline(text), indentation(text, item.span.start)
        above = "".join(comment + line + indent for comment in comments)
        alone = begins_line(text, item.span.start)
        yield Change(item.span.start, item.span.start, above if alone else line + indent + above)
    yield Change(start, end, written)


ORDER = ("import", "let", *STATEMENTS)
"""The kinds of statements, in the order that a spec has them."""


def inserted(
    text: str,
    statements: Sequence[ast.Statement],
    added: Iterable[tuple[Key, Declaration]],
    writer: Writer,
) -> Iterator[Change]:
    """Yield the changes that insert new statements into a text.

    A statement goes after the last one of its kind, or else of the kinds before it in `ORDER`, or
    else at the end.

    Args:
        text: The text.
        statements: The statements outside loops that stay.
        added: The new ones, with their keys.
        writer: Writes values as they appear in the file.
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
        previous = before.get(place)
        parts = ""
        for item in items:
            parts += "" if previous is None else line * _lines_between(previous, item)
            parts += item[1].replace("\n", line)
            previous = item
        parts += line if not text[place:].strip(" \t\r\f") else ""
        yield Change(place, place, parts)


def new_statement(key: Key, value: Declaration, writer: Writer) -> str:
    """Return a statement in canonical layout, without the end of its last line."""
    if isinstance(value, Path):
        sides = (names_text(names, writer) for names in _sides(value))
        path = f"path {key[1]} = {' -> '.join(sides)}"
        return format_text(SourceText("", path)).rstrip("\n")
    if isinstance(value, Adapter):
        head = f"adapter {writer.name(value.category)} -> {writer.name(value.task)}"
        fields = None if value.learning is None else writer.fields(value.learning)
    else:
        head, fields = " ".join(key), writer.fields(value)
    return format_text(SourceText("", laid_out(head, fields))).rstrip("\n")


def _anchor(statements: Sequence[ast.Statement], kind: str) -> ast.Statement | None:
    """Return the statement after which a new one of a kind goes."""
    for earlier in reversed(ORDER[: ORDER.index(kind) + 1]):
        for node in reversed(statements):
            if earlier in _kinds(node):
                return node
    return None


def _kinds(node: ast.Statement) -> Iterator[str]:
    """Yield the kinds of everything that a statement declares."""
    if isinstance(node, ast.For):
        for item in node.body:
            if not isinstance(item, ast.Let):
                yield from _kinds(item)
    else:
        yield _kind(node)


def _kind(node: ast.Statement) -> str:
    return node.keyword if isinstance(node, ast.Block) else type(node).__name__.lower()


def _lines_between(first: tuple[str, str], second: tuple[str, str]) -> int:
    """Return how many line ends go between two statements, each a kind and a text."""
    together = first[0] == second[0] and "\n" not in first[1] + second[1]
    return 1 if together else 2
