"""Evaluated values, without lets and loop variables, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from legonet.diagnostics import Span, Trace, shortened
from legonet.syntax import ast


class Text(str):
    """A string in quotes.

    Attributes:
        base: The folder of the file that contains the string's first part; a relative path is
            relative to it.
    """

    __slots__ = ("base",)
    base: Path

    def __new__(cls, text: str, base: Path) -> Text:
        """Make a string that knows its folder."""
        self = super().__new__(cls, text)
        self.base = base
        return self


class Symbol(str):
    """A bare name that is not a ``let``: the name of a statement, or a word such as ``dog``."""

    __slots__ = ()


class Bare(Symbol):
    """A bare word from the command line, whose quotes the shell removed: a name or a string.

    Attributes:
        base: The folder to which a relative path is relative.
    """

    __slots__ = ("base",)
    base: Path

    def __new__(cls, text: str, base: Path) -> Bare:
        """Make a word that knows its folder."""
        self = super().__new__(cls, text)
        self.base = base
        return self


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; positional ones have no name."""

    name: str | None
    name_span: Span
    value: Located


@dataclass(frozen=True, slots=True)
class Called:
    """A form with its arguments."""

    name: str
    name_span: Span
    arguments: tuple[Argument, ...]


Plain = int | float | bool | Text | Symbol | Called | tuple["Located", ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A value and its place.

    Args:
        value: The value.
        span: Its place.
        size: How many values it holds, including itself.
        depth: How deep lists and calls are nested in it.
    """

    value: Plain
    span: Span
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True)
class PlacedField:
    """A field with its value, or with fields of its own."""

    name: str
    name_span: Span
    value: Located | Body
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """The fields between a block's braces."""

    fields: tuple[PlacedField, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """A name that a statement refers to."""

    name: str
    span: Span


Ends = tuple[tuple[Target, ...], tuple[Target, ...]]
"""What an adapter or a path joins: categories and tasks, of which an adapter has one each."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One iteration of a loop.

    Args:
        loop: The loop as it was written.
        number: The index of the value that this iteration is for, from 0.
        constants: The loop's variable and the lets in its body, with their values in this
            iteration.
    """

    loop: ast.For
    number: int
    constants: Mapping[str, Located]


@dataclass(frozen=True)
class Statement:
    """One named statement or adapter, with imports, lets and loops expanded.

    Args:
        kind: ``data``, ``network``, ``category``, ``task``, ``adapter`` or ``path``.
        name: Its full name, which begins with the aliases of imports; empty for an adapter.
        span: The place of its name, or of an adapter's two names.
        prefix: Only the aliases, for the names that it refers to.
        body: Its fields; None for a path and for a direct edge.
        ends: What an adapter or a path joins: categories and tasks.
        trace: The loops and imports that it comes from, innermost first.
        node: The statement as it was written.
        turns: The iterations of the loops in its file that it comes from, innermost first.
    """

    kind: str
    name: str
    span: Span
    prefix: str
    body: Body | None
    ends: Ends | None = None
    trace: tuple[Trace, ...] = field(default=(), compare=False)
    node: ast.Block | ast.Adapter | ast.Path | None = field(default=None, compare=False, repr=False)
    turns: tuple[Turn, ...] = field(default=(), compare=False, repr=False)


def as_text(located: Located) -> Located:
    """Return a bare word from the command line as a string, and any other value unchanged."""
    value = located.value
    if isinstance(value, Bare):
        return replace(located, value=Text(value, value.base))
    return located


def describe(value: Plain | Body) -> str:
    """Return how messages describe a value, such as ``the string "a"``."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number {value}"
        case Text():
            return f'the string "{shortened(value)}"'
        case Symbol():
            return f"the name `{value}`"
        case Called():
            return f"`{value.name}(..)`"
        case tuple():
            return "a list" if value else "an empty list"
        case _:
            return "a block"
