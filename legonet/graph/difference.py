"""The difference between two graphs, as data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from legonet.graph.edits import renamed
from legonet.language import Key, Spec
from legonet.language.declarations import Adapter, Learning, Path, Recipe, noun_of
from legonet.language.fields import FieldType, fields_of
from legonet.language.spec import Declaration
from legonet.language.writing import Writer, field_text


@dataclass(frozen=True)
class FieldChange:
    """A field whose value changed.

    Args:
        field: Its name in a spec, such as ``train.epochs`` for a field of a nested block; ``body``
            for an adapter that became a direct edge or was one.
        before: The old value: a number, a string or a form of ``legonet.language``; None if there
            was none.
        after: The new value.
    """

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class GraphDifference:
    """The changes that turn one graph into another; false if there are none.

    Statements are identified by their keys, such as ``("adapter", "cat", "classify")``.

    Args:
        added: Statements that only the second graph has.
        removed: Statements that only the first graph has.
        changed: Statements that both have, by their keys in the second graph, with the fields that
            differ.
        renamed: Statements whose names differ, as keys in the first graph mapped to keys in the
            second. They are known to be the same because they come from the same place in the same
            file, or because no other statement of their kind says the same.
    """

    added: tuple[Key, ...] = ()
    removed: tuple[Key, ...] = ()
    changed: Mapping[Key, tuple[FieldChange, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    renamed: Mapping[Key, Key] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def between(cls, before: Spec, after: Spec) -> GraphDifference:
        """Return the difference between two specs.

        Args:
            before: The first.
            after: The second.
        """
        names: dict[Key, Key] = {}
        moved = before
        for kind in ("data", "network", "category", "task", "path"):
            # A network whose ancestor was renamed can only be recognised after that ancestor.
            while found := _renames(moved, after, kind):
                for old, new in found.items():
                    moved = renamed(moved, kind, old, new)
                    names[kind, old] = (kind, new)
        first, second = dict(moved.items()), dict(after.items())
        earlier = {new: old[1] for old, new in names.items()}
        return cls(
            tuple(key for key in second if key not in first),
            tuple(_with_names(key, earlier) for key in first if key not in second),
            {
                key: tuple(_changes(first[key], second[key]))
                for key in second
                if key in first and first[key] != second[key]
            },
            names,
        )

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)

    def __str__(self) -> str:
        """Return a line for each statement and each field, or ``no difference``."""
        return "\n".join(self._lines()) or "no difference"

    def _lines(self) -> Iterator[str]:
        for old, new in self.renamed.items():
            yield f"= {_named(old)} is now called {new[1]}"
        for key in self.removed:
            yield f"- {_named(key)}"
        for key in self.added:
            yield f"+ {_named(key)}"
        for key, changes in self.changed.items():
            yield f"~ {_named(key)}"
            for change in changes:
                yield f"    {change.field}: {_shown(change.before)} -> {_shown(change.after)}"


def _renames(before: Spec, after: Spec, kind: str) -> dict[str, str]:
    """Return the old and new names of statements of a kind that were certainly renamed."""
    first, second = before.of_kind(kind), after.of_kind(kind)
    gone = [name for name in first if name not in second]
    come = [name for name in second if name not in first]
    places = {id(after.origins.get((kind, name))): name for name in come}
    found = {
        name: places[id(origin)]
        for name in gone
        if (origin := before.origins.get((kind, name))) is not None and id(origin) in places
    }
    if found:
        return found
    alike: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, names, values in ((0, gone, first), (1, come, second)):
        for name in names:
            alike[repr(values[name])][side].append(name)
    return {old[0]: new[0] for old, new in alike.values() if len(old) == len(new) == 1}


def _with_names(key: Key, names: Mapping[Key, str]) -> Key:
    """Return a key with the names of an adapter's two sides replaced."""
    if key[0] != "adapter":
        return key
    ends = zip(("category", "task"), key[1:], strict=True)
    return ("adapter", *(names.get(end, end[1]) for end in ends))


def _changes(before: Declaration, after: Declaration) -> Iterator[FieldChange]:
    if isinstance(before, Adapter) and isinstance(after, Adapter):
        if before.learning is None or after.learning is None:
            yield FieldChange("body", before.learning, after.learning)
        else:
            yield from _fields(before.learning, after.learning, "")
    else:
        yield from _fields(before, after, "")


def _fields(before: BaseModel, after: BaseModel, within: str) -> Iterator[FieldChange]:
    for name, kind in fields_of(type(after)).items():
        was, value = getattr(before, kind.name), getattr(after, kind.name)
        if isinstance(after, Path):  # a single name is shown by itself
            was, value = (side[0] if len(side) == 1 else side for side in (was, value))
        if was == value:
            continue
        if kind.block is not None and was is not None and value is not None:
            yield from _fields(was, value, f"{within}{name}.")
        else:
            yield FieldChange(within + name, was, value)


def _named(key: Key) -> str:
    return f"{noun_of(key[0])} {' -> '.join(key[1:])}"


_PLAIN = FieldType("", False, None, None, True, False, "")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    writer = Writer(FilePath())
    if isinstance(value, Recipe | Learning):
        return field_text("", writer.fields(value)).strip()
    return writer.value(value, _PLAIN)
