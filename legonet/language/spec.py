"""A whole spec, bound and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from legonet.diagnostics import Diagnostic, Span, Trace
from legonet.language.declarations import STATEMENTS, Adapter, Category, Data, Network, Path, Task

Key = tuple[str, ...]
"""What identifies a statement: ``("network", "dog_net")`` or ``("adapter", "cat", "task")``."""


Declaration = Data | Network | Category | Task | Adapter | Path
"""What a statement says."""

PARTS: Mapping[str, str] = {kind: row.part for kind, row in STATEMENTS.items()}
"""The attribute of a `Spec` that holds each kind of statement."""


@dataclass(frozen=True)
class Origin:
    """Where a statement was written.

    Args:
        span: The place of its name, or of an adapter's two names.
        fields: The places of its fields' values; nested ones have keys such as
            ``("train", "epochs")``.
        trace: The loops and imports that it comes from, innermost first.
    """

    span: Span
    fields: Mapping[tuple[str, ...], Span]
    trace: tuple[Trace, ...] = ()

    def of(self, *path: str) -> Span:
        """Return the place of a field's value, or of the statement if it has no such field."""
        return self.fields.get(path, self.span)


@dataclass(frozen=True)
class Spec:
    """What the files say; every name that it refers to is the name of one of its statements.

    Positions in the files do not count: two specs that differ only in their ``origins`` are equal.
    A spec is ``whole`` if no passage of the files had to be skipped, so that every statement is
    known.
    """

    data: Mapping[str, Data] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    adapters: Mapping[tuple[str, str], Adapter] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)
    origins: Mapping[Key, Origin] = field(default_factory=dict, compare=False, repr=False)
    whole: bool = field(default=True, compare=False, repr=False)

    def of_kind(self, kind: str) -> Mapping[Any, Declaration]:
        """Return the statements of a kind, by name; adapters by their two names."""
        found: Mapping[Any, Declaration] = getattr(self, PARTS[kind])
        return found

    def items(self) -> Iterator[tuple[Key, Declaration]]:
        """Yield all statements with their keys, kind by kind."""
        for kind in PARTS:
            for name, value in self.of_kind(kind).items():
                yield (kind, *(name if kind == "adapter" else (name,))), value

    def get(self, key: Key) -> Declaration | None:
        """Return a statement by its key; None if there is none."""
        return self.of_kind(key[0]).get(key[1:] if key[0] == "adapter" else key[1])

    def locate(self, diagnostic: Diagnostic, key: Key, *path: str) -> Diagnostic:
        """Return the diagnostic with the place of a statement or of one of its fields."""
        origin = self.origins.get(key)
        if origin is None:
            return diagnostic
        return diagnostic.at(origin.of(*path), origin.trace)
