"""The tree of a spec as it was written, with a span on every node."""

from __future__ import annotations

from dataclasses import dataclass

from legonet.diagnostics import SourceText, Span


@dataclass(frozen=True, slots=True)
class Interpolation:
    """``${name}`` inside a string or a name."""

    name: str
    span: Span


Part = str | Interpolation


@dataclass(frozen=True, slots=True)
class Word:
    """A single name, possibly with interpolations."""

    parts: tuple[Part, ...]
    span: Span

    @property
    def text(self) -> str:
        """The name as it was written."""
        return self.span.source.text[self.span.start : self.span.end]


@dataclass(frozen=True, slots=True)
class String:
    """A string in quotes, possibly with interpolations."""

    parts: tuple[Part, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a truth value."""

    value: int | float | bool
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A name, possibly dotted."""

    words: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ListValue:
    """Values in brackets."""

    items: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; positional ones have no name."""

    name: Word | None
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A dotted name with arguments."""

    function: Reference
    arguments: tuple[Argument, ...]
    span: Span


Value = String | Constant | Reference | ListValue | Call


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields between a block's braces."""

    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Field:
    """A field with a value, or with fields of its own."""

    name: Word
    value: Value | Fields
    span: Span


@dataclass(frozen=True, slots=True)
class Import:
    """``import STRING [as NAME]``."""

    path: String
    alias: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """``let NAME = VALUE``."""

    name: Word
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    """``for NAME in LIST { .. }``."""

    variable: Word
    values: Value
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """A ``data``, ``network``, ``category`` or ``task`` with its fields."""

    keyword: str
    name: Word
    fields: Fields
    span: Span


@dataclass(frozen=True, slots=True)
class Adapter:
    """``adapter CATEGORY -> TASK [{ .. }]``."""

    category: Reference
    task: Reference
    fields: Fields | None
    span: Span


@dataclass(frozen=True, slots=True)
class Path:
    """``path NAME = CATEGORY -> TASK``, either of which may be a list of names in brackets."""

    name: Word
    category: Reference | ListValue
    task: Reference | ListValue
    span: Span

    @property
    def references(self) -> tuple[Reference, ...]:
        """The names of its categories and of its tasks, in the order of the text."""
        return (*references(self.category), *references(self.task))


def references(ends: Reference | ListValue) -> tuple[Reference, ...]:
    """Return the names on one side of a path."""
    items = ends.items if isinstance(ends, ListValue) else (ends,)
    return tuple(item for item in items if isinstance(item, Reference))


Statement = Import | Let | For | Block | Adapter | Path


@dataclass(frozen=True, slots=True)
class Ast:
    """A whole file."""

    source: SourceText
    statements: tuple[Statement, ...]
