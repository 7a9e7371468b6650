"""One statement from Python: written as text, and read as that of a file is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from legonet.diagnostics import (
    Diagnostic,
    DiagnosticError,
    SourceText,
    Span,
    did_you_mean,
    shortened,
)
from legonet.spec import Key, Origin, Spec
from legonet.spec.base import Frozen
from legonet.spec.bind import BLOCKS, places_of, unknown
from legonet.spec.declarations import Adapter, noun_of
from legonet.spec.declarations import Path as Application
from legonet.spec.evaluate import Scope, body_of, name_of, target_of
from legonet.spec.fields import fields_of
from legonet.spec.reader import Reader
from legonet.spec.spec import PARTS, Declaration
from legonet.spec.values import Body, Located
from legonet.spec.writing import NAME, Writer, Written, laid_out
from legonet.syntax import ast, parse

Value: TypeAlias = (
    str | int | float | bool | Path | Frozen | Sequence["Value"] | Mapping[str, "Value"] | None
)
"""What a field may be given from Python."""

SHOWN_AS = "<edit>"
"""What the text of an edit is called in a diagnostic."""


class Statements:
    """Reads statements that come from Python.

    Args:
        spec: The statements that there are, whose names may be used.
        folder: The folder to which relative paths are relative.
    """

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._spec = spec
        self._writer = Writer(folder)
        self._scope = Scope(base=folder)

    def new(self, key: Key, fields: Mapping[str, Value]) -> tuple[Declaration, Origin]:
        """Return what a statement says, and its place in the text of the edit.

        Args:
            key: What the statement is to be known by.
            fields: Its fields; None stands for what holds unless said.

        Raises:
            DiagnosticError: Everything that is wrong with it, as of a file's statement.
        """
        if key[0] != "adapter" and "." in key[1]:
            raise DiagnosticError.of(
                "LEGO721",
                f"`{shortened(key[1])}` would stand in an imported file",
                help=["what is new stands in the spec's own file: give it a name without a dot"],
            )
        if key[0] == "path":
            return self._application(key, fields)
        if key[0] == "adapter" and not fields and self._is_direct(key):
            return self._read(key, None, key[1:])
        return self._read(key, self._merged({}, fields, BLOCKS[key[0]]), key[1:])

    def changed(self, key: Key, fields: Mapping[str, Value]) -> tuple[Declaration, Origin]:
        """Return what a statement says with some fields changed, as `new` does.

        A mapping for a block, such as ``train={"epochs": 9}``, changes the fields that it names.
        """
        old = self._spec.get(key)
        if key[0] != "adapter":
            key = (key[0], key[1].rpartition(".")[2])  # the text of an edit is in no imported file
        if isinstance(old, Application):
            return self._application(key, {"category": old.category, "task": old.task, **fields})
        block = old.learning if isinstance(old, Adapter) else old
        written = {} if block is None else self._writer.fields(block)
        return self._read(key, self._merged(written, fields, BLOCKS[key[0]]), key[1:])

    def check_name(self, key: Key, new: str) -> None:
        """Check that a statement can have another name.

        Args:
            key: What it is known by.
            new: The name; what an import brought keeps the alias in front.

        Raises:
            DiagnosticError: The name is taken, or it is no name.
        """
        kind, old = key
        if new in self._spec.of_kind(kind):
            raise DiagnosticError.of(
                "LEGO204",
                f"there is a {noun_of(kind)} `{new}` already",
                help=["choose another name, or remove that one first"],
            )
        prefix = old.rpartition(".")[0]
        if prefix and new.rpartition(".")[0] != prefix:
            raise DiagnosticError.of(
                "LEGO721",
                f"`{old}` comes from an import, and its name begins with `{prefix}.`",
                help=[f"write `{prefix}.NAME`"],
            )
        last = new.removeprefix(f"{prefix}.") if prefix else new
        text = f"path {last} = a -> b" if kind == "path" else f"{kind} {last} {{}}"
        self._parsed((kind, last), text, ("a", "b"))

    def _merged(
        self,
        written: Mapping[str, str | Written],
        fields: Mapping[str, Value],
        block: type[BaseModel] | None,
    ) -> Written:
        """Return written fields with others in their places."""
        merged = dict(written)
        types = {} if block is None else fields_of(block)
        names = {field.name: name for name, field in types.items()}
        for given, value in fields.items():
            name = names.get(given, given)
            inside = merged.get(name, {})
            if name not in types and NAME.fullmatch(name) is None:
                raise DiagnosticError(_unknown_field(name, types))
            if value is None and name in types:
                merged.pop(name, None)
            elif isinstance(value, Mapping) and isinstance(inside, Mapping):
                within = types[name].block if name in types else None
                merged[name] = self._merged(inside, value, within)
            else:
                merged |= self._writer.given(block, {name: "none" if value is None else value})
        return merged

    def _is_direct(self, key: Key) -> bool:
        """Whether the two sides of an edge are two halves of one network."""
        below = self._spec.categories.get(key[1])
        above = self._spec.tasks.get(key[2])
        if below is None or above is None:
            return False
        return (below.network, below.until) == (above.network, above.after)

    def _application(self, key: Key, fields: Mapping[str, Value]) -> tuple[Declaration, Origin]:
        """Read a path, whose two ends are no fields in a text."""
        types = fields_of(Application)
        found = [_unknown_field(name, types) for name in fields if name not in types]
        for name in types:
            if not isinstance(fields.get(name), str):
                message = f"`path` lacks the field `{name}`, the name of a {name}"
                found.append(Diagnostic("LEGO205", message))
        if found:
            raise DiagnosticError(*found)
        return self._read(key, None, tuple(str(fields[name]) for name in types))

    def _read(
        self, key: Key, written: Written | None, ends: tuple[str, ...]
    ) -> tuple[Declaration, Origin]:
        """Read a statement by its fields, and what it joins where it joins something."""
        node = self._parsed(key, laid_out(_head(key, ends), written), ends)
        found: list[Diagnostic] = []
        if isinstance(node, ast.Block):
            body: Body | None = body_of(node.fields, self._scope)
            span = node.name.span
        else:
            body = None
            span = node.category.span.to(node.task.span)
            for kind, place in (("category", node.category.span), ("task", node.task.span)):
                name = ends[kind == "task"]
                if name not in self._spec.of_kind(kind):
                    found.append(missing_name(self._spec, kind, name, place))
        if isinstance(node, ast.Adapter) and node.fields is not None:
            body = body_of(node.fields, self._scope)
        reader = Reader(self._resolve, found.append)
        made = None if body is None else reader.block(BLOCKS[key[0]], body, key[0])
        if found:
            raise DiagnosticError(*found)
        value: Any = made
        if key[0] == "path":
            value = Application(category=ends[0], task=ends[1])
        elif key[0] == "adapter":
            value = Adapter(category=ends[0], task=ends[1], learning=value)
        return value, Origin(span, places_of(body))

    def _parsed(
        self, key: Key, text: str, ends: tuple[str, ...]
    ) -> ast.Adapter | ast.Block | ast.Path:
        """Return the one statement of a text, if it is the one that was meant."""
        parsed = parse(SourceText(SHOWN_AS, text))
        if parsed.diagnostics:
            raise DiagnosticError(*parsed.diagnostics)
        node = parsed.ast.statements[0] if len(parsed.ast.statements) == 1 else None
        if isinstance(node, ast.Adapter | ast.Block | ast.Path):
            named = isinstance(node, ast.Adapter) or name_of(node.name, self._scope) == key[1]
            joined = isinstance(node, ast.Block) or ends == (
                target_of(node.category, self._scope).name,
                target_of(node.task, self._scope).name,
            )
            if named and joined:
                return node
        raise DiagnosticError.of(
            "LEGO211",
            f"expected the name of a {noun_of(key[0])}, found `{shortened(_head(key, ends))}`",
            help=["a name has letters, digits and `_` alone"],
        )

    def _resolve(self, kind: str, located: Located) -> str | Diagnostic:
        name = str(located.value)
        if kind in PARTS and name in self._spec.of_kind(kind):
            return name
        return missing_name(self._spec, kind, name, located.span)


def missing_name(spec: Spec, kind: str, name: str, span: Span | None = None) -> Diagnostic:
    """Return what to say of a name that no statement of its kind has.

    Args:
        spec: The statements that there are.
        kind: What the name should be the name of.
        name: The name.
        span: Its place in the text of the edit; it is the whole text unless given.
    """
    names = {part: spec.of_kind(part) for part in PARTS if part != "adapter"}
    return unknown(kind, name, span or Span(SourceText(SHOWN_AS, name), 0, len(name)), names)


def _head(key: Key, ends: tuple[str, ...]) -> str:
    if key[0] == "path":
        return f"path {key[1]} = {' -> '.join(ends)}"
    return f"adapter {' -> '.join(ends)}" if key[0] == "adapter" else " ".join(key)


def _unknown_field(name: str, types: Collection[str]) -> Diagnostic:
    return Diagnostic(
        "LEGO203",
        f"unknown field `{shortened(name)}`",
        help=did_you_mean(name, types, "field") or (f"fields: {', '.join(types)}",),
    )
