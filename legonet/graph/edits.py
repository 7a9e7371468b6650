"""Edits from Python: statements are read like those of a file, and specs derived from specs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel

from legonet.diagnostics import (
    Diagnostic,
    DiagnosticError,
    SourceText,
    Span,
    did_you_mean,
    shortened,
)
from legonet.language import Key, Origin, Spec
from legonet.language.base import Frozen
from legonet.language.bind import BLOCKS, places_of, unknown
from legonet.language.declarations import Adapter, noun_of
from legonet.language.declarations import Path as Application
from legonet.language.evaluate import Scope, body_of, name_of, target_of
from legonet.language.fields import fields_of
from legonet.language.markers import Named
from legonet.language.reader import Reader
from legonet.language.spec import PARTS, Declaration
from legonet.language.values import Body, Located
from legonet.language.writing import NAME, Writer, Written, laid_out
from legonet.syntax import ast, parse

Item = TypeVar("Item", bound=Frozen)


def put(spec: Spec, key: Key, value: Declaration, origin: Origin) -> Spec:
    """Return a spec with a statement added, or replaced if there is already one of its name."""
    parts: dict[str, Any] = {PARTS[key[0]]: {**spec.of_kind(key[0]), _inner(key): value}}
    origins = {**spec.origins, key: spec.origins.get(key, origin)}
    return replace(spec, **parts, origins=origins)


def without(spec: Spec, keys: Iterable[Key]) -> Spec:
    """Return a spec without some statements."""
    gone = set(keys)
    parts: dict[str, Any] = {
        PARTS[kind]: {
            name: value
            for name, value in spec.of_kind(kind).items()
            if (kind, *(name if kind == "adapter" else (name,))) not in gone
        }
        for kind in {key[0] for key in gone}
    }
    origins = {key: origin for key, origin in spec.origins.items() if key not in gone}
    return replace(spec, **parts, origins=origins)


def renamed(spec: Spec, kind: str, old: str, new: str) -> Spec:
    """Return a spec in which a statement is renamed, along with all references to it.

    Args:
        spec: The spec.
        kind: The statement's kind, which is not ``adapter``.
        old: Its name.
        new: Its new name, which no other statement of its kind has.
    """

    def follow(key: Key) -> Key:
        if key[0] == "adapter":
            ends = zip(("category", "task"), key[1:], strict=True)
            return ("adapter", *(new if end == (kind, old) else end[1] for end in ends))
        return (kind, new) if key == (kind, old) else key

    parts: dict[str, Any] = {part: {} for part in PARTS.values()}
    for key, value in spec.items():
        parts[PARTS[key[0]]][_inner(follow(key))] = with_name(value, kind, old, new)
    origins = {follow(key): origin for key, origin in spec.origins.items()}
    return replace(spec, **parts, origins=origins)


def with_name(value: Item, kind: str, old: str, new: str) -> Item:
    """Return a value that refers to ``new`` wherever it referred to the statement ``old``."""
    changes: dict[str, Any] = {}
    for field, found in _places(value, kind):
        if isinstance(found, Frozen):
            changes[field] = with_name(found, kind, old, new)
        elif isinstance(found, tuple):
            changes[field] = tuple(new if name == old else name for name in found)
        elif found == old:
            changes[field] = new
    return value.model_copy(update=changes) if changes else value


def names_in(value: Frozen, kind: str) -> Iterator[str]:
    """Yield the names of statements of a kind that a value refers to."""
    for _, found in _places(value, kind):
        if isinstance(found, Frozen):
            yield from names_in(found, kind)
        elif isinstance(found, tuple):
            yield from found
        elif found is not None:
            yield found


def dependents(spec: Spec, keys: Iterable[Key]) -> list[Key]:
    """Return everything that needs some statements, directly or indirectly.

    Args:
        spec: The spec.
        keys: The statements; they are not part of the result.
    """
    gone = set(keys)
    found: list[Key] = []
    grown = True
    while grown:
        grown = False
        kinds = {key[0] for key in gone}
        for key, value in spec.items():
            if key not in gone and any(map(gone.__contains__, _needed(value, kinds))):
                gone.add(key)
                found.append(key)
                grown = True
    return found


def _needed(value: Declaration, kinds: Iterable[str]) -> Iterator[Key]:
    """Yield the statements of some kinds that a statement needs."""
    for kind in kinds:
        if kind != "adapter":
            yield from ((kind, name) for name in names_in(value, kind))
        elif isinstance(value, Application):
            yield from (("adapter", *ends) for ends in value.edges)


def _places(value: Frozen, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the fields that may refer to a statement of a kind, or that contain such fields."""
    for name, field in fields_of(type(value)).items():
        found = getattr(value, field.name)
        joined = field.marker is None and name == kind and isinstance(value, Adapter | Application)
        named = isinstance(field.marker, Named) and field.marker.kind == kind
        if named or joined or (field.block is not None and isinstance(found, Frozen)):
            yield field.name, found


def _inner(key: Key) -> Any:
    return key[1:] if key[0] == "adapter" else key[1]


Value: TypeAlias = (
    str | int | float | bool | Path | Frozen | Sequence["Value"] | Mapping[str, "Value"] | None
)
"""The values that a field may be given from Python."""

Ends = tuple[tuple[str, ...], ...]
"""The names of categories and of tasks that a statement joins; empty for one that joins nothing."""

SHOWN_AS = "<edit>"
"""The name of an edit's text in diagnostics."""


class Statements:
    """Reads statements that come from Python.

    Args:
        spec: The existing statements, whose names may be used.
        folder: The folder that relative paths are relative to.
    """

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._spec = spec
        self._writer = Writer(folder)
        self._scope = Scope(base=folder)

    def new(self, key: Key, fields: Mapping[str, Value]) -> tuple[Declaration, Origin]:
        """Return what a statement says, and its place in the text of the edit.

        Args:
            key: The statement's key.
            fields: Its fields; None means the default.

        Raises:
            DiagnosticError: Everything that is wrong with it, as for a statement in a file.
        """
        if key[0] != "adapter" and "." in key[1]:
            raise DiagnosticError.of(
                "LEGO721",
                f"`{shortened(key[1])}` would belong to an imported file",
                help=["new statements go into the spec's own file: use a name without a dot"],
            )
        if key[0] == "path":
            return self._application(key, fields)
        if key[0] == "adapter" and not fields and self._is_direct(key):
            return self._read(key, None, ((key[1],), (key[2],)))
        return self._read(key, self._merged({}, fields, BLOCKS[key[0]]), _ends_of(key))

    def changed(self, key: Key, fields: Mapping[str, Value]) -> tuple[Declaration, Origin]:
        """Return what a statement says with some fields changed, as `new` does.

        A mapping for a block, such as ``train={"epochs": 9}``, changes the fields that it names.
        """
        old = self._spec.get(key)
        if key[0] != "adapter":
            key = (key[0], key[1].rpartition(".")[2])  # an edit's text is not in an imported file
        if isinstance(old, Application):
            before = {"category": list(old.categories), "task": list(old.tasks)}
            return self._application(key, {**before, **fields})
        block = old.learning if isinstance(old, Adapter) else old
        written = {} if block is None else self._writer.fields(block)
        return self._read(key, self._merged(written, fields, BLOCKS[key[0]]), _ends_of(key))

    def check_name(self, key: Key, new: str) -> None:
        """Check that a statement can be renamed.

        Args:
            key: Its key.
            new: The new name; that of an imported statement keeps its alias.

        Raises:
            DiagnosticError: The name is taken or not a valid name.
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
        self._parsed((kind, last), text, (("a",), ("b",)))

    def _merged(
        self,
        written: Mapping[str, str | Written],
        fields: Mapping[str, Value],
        block: type[BaseModel] | None,
    ) -> Written:
        """Return written fields with others replacing or extending them."""
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
        """Read a path, whose two ends are not fields in a file."""
        types = fields_of(Application)
        found = [_unknown_field(name, types) for name in fields if name not in types]
        ends = {name: _listed(fields.get(name)) for name in types}
        for name, names in ends.items():
            if not names:
                message = f"`path` lacks the field `{name}`, the name of a {name}, or several names"
                found.append(Diagnostic("LEGO205", message))
        if found:
            raise DiagnosticError(*found)
        return self._read(key, None, tuple(ends.values()))

    def _read(self, key: Key, written: Written | None, ends: Ends) -> tuple[Declaration, Origin]:
        """Read a statement from its fields, and from the two sides that it joins, if any."""
        node = self._parsed(key, laid_out(_head(key, ends), written), ends)
        found: list[Diagnostic] = []
        if isinstance(node, ast.Block):
            body: Body | None = body_of(node.fields, self._scope)
            span = node.name.span
        else:
            body = None
            span = node.category.span.to(node.task.span)
            sides = ast.references(node.category), ast.references(node.task)
            for kind, names, places in zip(("category", "task"), ends, sides, strict=True):
                for name, place in zip(names, places, strict=True):
                    if name not in self._spec.of_kind(kind):
                        found.append(missing_name(self._spec, kind, name, place.span))
        if isinstance(node, ast.Adapter) and node.fields is not None:
            body = body_of(node.fields, self._scope)
        reader = Reader(self._resolve, found.append)
        made = None if body is None else reader.block(BLOCKS[key[0]], body, key[0])
        if found:
            raise DiagnosticError(*found)
        value: Any = made
        if key[0] == "path":
            value = Application(categories=ends[0], tasks=ends[1])
        elif key[0] == "adapter":
            value = Adapter(category=key[1], task=key[2], learning=value)
        return value, Origin(span, places_of(body))

    def _parsed(self, key: Key, text: str, ends: Ends) -> ast.Adapter | ast.Block | ast.Path:
        """Return the single statement of a text, if it is the intended one."""
        parsed = parse(SourceText(SHOWN_AS, text))
        if parsed.diagnostics:
            raise DiagnosticError(*parsed.diagnostics)
        node = parsed.ast.statements[0] if len(parsed.ast.statements) == 1 else None
        if isinstance(node, ast.Adapter | ast.Block | ast.Path):
            named = isinstance(node, ast.Adapter) or name_of(node.name, self._scope) == key[1]
            joined = isinstance(node, ast.Block) or ends == tuple(
                tuple(target_of(name, self._scope).name for name in ast.references(side))
                for side in (node.category, node.task)
            )
            if named and joined:
                return node
        raise DiagnosticError.of(
            "LEGO211",
            f"expected the name of a {noun_of(key[0])}, found `{shortened(_head(key, ends))}`",
            help=["a name has only letters, digits and `_`"],
        )

    def _resolve(self, kind: str, located: Located) -> str | Diagnostic:
        name = str(located.value)
        if kind in PARTS and name in self._spec.of_kind(kind):
            return name
        return missing_name(self._spec, kind, name, located.span)


def missing_name(spec: Spec, kind: str, name: str, span: Span | None = None) -> Diagnostic:
    """Return the diagnostic for a name that no statement of its kind has.

    Args:
        spec: The existing statements.
        kind: The kind of statement that the name should refer to.
        name: The name.
        span: Its place in the text of the edit. Default: the name is the whole text.
    """
    names = {part: spec.of_kind(part) for part in PARTS if part != "adapter"}
    return unknown(kind, name, span or Span(SourceText(SHOWN_AS, name), 0, len(name)), names)


def _head(key: Key, ends: Ends) -> str:
    sides = (names[0] if len(names) == 1 else f"[{', '.join(names)}]" for names in ends)
    if key[0] == "path":
        return f"path {key[1]} = {' -> '.join(sides)}"
    return f"adapter {' -> '.join(sides)}" if key[0] == "adapter" else " ".join(key)


def _ends_of(key: Key) -> Ends:
    """Return what a statement joins by its key: the two names of an adapter, or nothing."""
    return tuple((name,) for name in key[1:]) if key[0] == "adapter" else ()


def _listed(given: Value) -> tuple[str, ...]:
    """Return a name, or several; none if anything else was given."""
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return ()
    return tuple(map(str, names))


def _unknown_field(name: str, types: Collection[str]) -> Diagnostic:
    return Diagnostic(
        "LEGO203",
        f"unknown field `{shortened(name)}`",
        help=did_you_mean(name, types, "field") or (f"fields: {', '.join(types)}",),
    )
