"""Specs out of specs: statements put in, renamed and removed. A spec itself never changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from legonet.spec import Key, Origin, Spec
from legonet.spec.base import Frozen
from legonet.spec.declarations import Adapter, Path
from legonet.spec.fields import fields_of
from legonet.spec.markers import Named
from legonet.spec.spec import PARTS, Declaration

Item = TypeVar("Item", bound=Frozen)


def put(spec: Spec, key: Key, value: Declaration, origin: Origin) -> Spec:
    """Return a spec with a statement, in the place of the one of its name if there is one."""
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
    """Return a spec in which a statement, and all that refers to it, has another name.

    Args:
        spec: The spec.
        kind: The statement's kind, which is not ``adapter``.
        old: Its name.
        new: Its name from now on, which no other of its kind has.
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
    """Return a value that names ``new`` wherever it named the statement ``old`` of a kind."""
    changes = {
        field: with_name(found, kind, old, new) if isinstance(found, Frozen) else new
        for field, found in _places(value, kind)
        if isinstance(found, Frozen) or found == old
    }
    return value.model_copy(update=changes) if changes else value


def names_in(value: Frozen, kind: str) -> Iterator[str]:
    """Give the names of statements of a kind that a value refers to."""
    for _, found in _places(value, kind):
        if isinstance(found, Frozen):
            yield from names_in(found, kind)
        elif found is not None:
            yield found


def dependents(spec: Spec, keys: Iterable[Key]) -> list[Key]:
    """Return what cannot stand without some statements, those that need it in turn among it.

    Args:
        spec: The spec.
        keys: The statements; they are not among the answer.
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
    """Give the statements of some kinds that a statement cannot stand without."""
    for kind in kinds:
        if kind != "adapter":
            yield from ((kind, name) for name in names_in(value, kind))
        elif isinstance(value, Path):
            yield ("adapter", value.category, value.task)


def _places(value: Frozen, kind: str) -> Iterator[tuple[str, Any]]:
    """Give the fields that may refer to a statement of a kind, or hold ones that may."""
    for field in fields_of(type(value)).values():
        found = getattr(value, field.name)
        joined = field.marker is None and field.name == kind and isinstance(value, Adapter | Path)
        named = isinstance(field.marker, Named) and field.marker.kind == kind
        if named or joined or (field.block is not None and isinstance(found, Frozen)):
            yield field.name, found


def _inner(key: Key) -> Any:
    return key[1:] if key[0] == "adapter" else key[1]
