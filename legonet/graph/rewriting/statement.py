"""What changes in the text of one statement when it says something else."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from legonet.graph.rewriting.items import block_changes
from legonet.graph.rewriting.places import Change, begins_line, indentation, newline
from legonet.spec import Key
from legonet.spec.declarations import Adapter, Path
from legonet.spec.fields import fields_of
from legonet.spec.spec import Declaration
from legonet.spec.writing import Writer, field_text
from legonet.syntax import ast
from legonet.syntax.formatting.comments import Comments

Node = ast.Block | ast.Adapter | ast.Path


def statement_changes(
    node: Node, writer: Writer, old: tuple[Key, Declaration], new: tuple[Key, Declaration]
) -> Iterator[Change]:
    """Give the changes of a statement's text.

    Args:
        node: How it was written.
        writer: Writes values as they stand in its file.
        old: What it is known by and says.
        new: What it shall be known by and say; the kind is the same.
    """
    text = node.span.source.text
    before, after = old[1], new[1]
    if not isinstance(node, ast.Adapter) and old[0] != new[0]:
        yield Change(node.name.span.start, node.name.span.end, writer.name(new[0][1]))
    if isinstance(node, ast.Block):
        yield from _block(text, node.fields, writer, before, after)
        return
    if isinstance(before, Adapter | Path) and isinstance(after, Adapter | Path):
        for place, was, name in (
            (node.category.span, before.category, after.category),
            (node.task.span, before.task, after.task),
        ):
            if was != name:
                yield Change(place.start, place.end, writer.name(name))
    if isinstance(node, ast.Adapter) and isinstance(before, Adapter) and isinstance(after, Adapter):
        yield from _learning(text, node, writer, before, after)


def _learning(
    text: str, node: ast.Adapter, writer: Writer, before: Adapter, after: Adapter
) -> Iterator[Change]:
    """Give the changes of an adapter's body, which a direct edge does not have."""
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
    """Give the changes of a block's fields."""
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
    """Give the changes that put another value into a field; comments in the old one go above."""
    start, end = value.span.start, value.span.end
    inside = text[start:end]
    comments = [comment for _, comment in Comments(inside).take_before(len(inside))]
    if comments:
        line, indent = newline(text), indentation(text, item.span.start)
        above = "".join(comment + line + indent for comment in comments)
        alone = begins_line(text, item.span.start)
        yield Change(item.span.start, item.span.start, above if alone else line + indent + above)
    yield Change(start, end, written)
