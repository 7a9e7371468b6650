"""``--set``: gives one field or constant a value other than the one in the text."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from legonet.diagnostics import DiagnosticError, SourceText, Span, did_you_mean
from legonet.language.bind import BLOCKS
from legonet.language.evaluate import Scope, value_of
from legonet.language.expand import Expanded
from legonet.language.values import (
    Bare,
    Body,
    Located,
    PlacedField,
    Statement,
    Symbol,
    Text,
    as_text,
)
from legonet.syntax import parse_value


@dataclass(frozen=True)
class Override:
    """``NAME=VALUE``, ``BLOCK.FIELD=VALUE`` or ``CATEGORY->TASK.FIELD=VALUE``.

    Args:
        source: The text from the command line.
        target: What comes before the ``=``.
        value: What comes after it.
    """

    source: SourceText
    target: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Override:
        """Read an override as written on the command line.

        Raises:
            DiagnosticError: It has no name or no ``=``.
        """
        target, equals, value = text.partition("=")
        source = SourceText("--set", text)
        if not equals or not target.strip():
            raise DiagnosticError.of(
                "LEGO216",
                f"expected NAME=VALUE after --set, found `{text}`",
                span=Span(source, 0, len(text)),
                label="expected NAME=VALUE",
                help=["for example `--set root=../data` or `--set cat->classify.samples=10`"],
            )
        return cls(source, target.replace(" ", ""), value.strip())

    @property
    def target_span(self) -> Span:
        """The place of the target on the command line."""
        return Span(self.source, 0, self.source.text.index("="))

    def part_span(self, part: str) -> Span:
        """The place of a part of the target, the last one if it occurs twice."""
        start = self.source.text.rfind(part, 0, self.target_span.end)
        return self.target_span if start < 0 else Span(self.source, start, start + len(part))

    def located(self, scope: Scope) -> Located:
        """Return the value; anything that is not a value of the language is taken as a string.

        Raises:
            DiagnosticError: It names an unknown constant.
        """
        start = self.source.text.index("=") + 1
        span = Span(self.source, start, len(self.source.text))
        node = parse_value(SourceText("--set", self.value))
        if node is None or node.span.end < len(self.value):  # `#` does not begin a comment here
            return Located(Text(self.value, scope.base), span)
        read = replace(value_of(node, scope), span=span)
        if isinstance(read.value, Symbol):
            return replace(read, value=Bare(read.value, scope.base))
        return read


def for_constants(overrides: Iterable[Override]) -> dict[str, Callable[[Located], Located]]:
    """Return, by target, functions that give an overridden value, given the one in the text.

    A relative path is relative to the folder in which the command runs.
    """

    def value(override: Override) -> Callable[[Located], Located]:
        def located(written: Located) -> Located:
            read = override.located(Scope(base=Path.cwd()))
            return read if isinstance(written.value, Symbol) else as_text(read)

        return located

    return {override.target: value(override) for override in overrides}


def apply(expanded: Expanded, overrides: Iterable[Override]) -> None:
    """Put the values into the fields of the statements that they name.

    Values for constants have already been applied, while the text was expanded.
    """
    for override in overrides:
        if override.target not in expanded.constants:
            try:
                _apply(expanded, override)
            except DiagnosticError as error:
                expanded.diagnostics += error.diagnostics


def _apply(expanded: Expanded, override: Override) -> None:
    statements = expanded.statements
    named = [
        (position, override.target.removeprefix(f"{name}.").split("."))
        for position, statement in enumerate(statements)
        for name in _names(statement)
        if override.target.startswith(f"{name}.")
    ]
    # Statements of different kinds may share a name; the field tells which of them is meant.
    meant = [item for item in named if _has_field(statements[item[0]], item[1][0])] or named[:1]
    kinds = sorted({statements[position].kind for position, _ in meant})
    if len(kinds) > 1:
        raise _ambiguous(override, kinds)
    known = expanded.unread or expanded.damaged or override.target in expanded.lost
    if not meant and not known:
        raise _unknown(override, expanded)
    value = override.located(Scope(ChainMap(expanded.constants), Path.cwd()))
    for position, path in meant:
        statement = statements[position]
        body = statement.body or Body((), override.target_span)
        statements[position] = replace(statement, body=_with(body, path, override, value))


def _names(statement: Statement) -> tuple[str, ...]:
    if statement.kind == "adapter" and statement.ends is not None:
        prefix = f"{statement.prefix}." if statement.prefix else ""
        category, task = (prefix + end.name for side in statement.ends for end in side)
        return (f"{category}->{task}", f"{category}.{task}")
    return (statement.name,) if statement.body is not None else ()


def _has_field(statement: Statement, name: str) -> bool:
    fields = BLOCKS[statement.kind].model_fields
    return name in {info.alias or own for own, info in fields.items()}


def _with(body: Body, path: list[str], override: Override, value: Located) -> Body:
    """Return the fields with one of them replaced or added."""
    name, *rest = path
    span = override.part_span(name)
    old = next((item.value for item in body.fields if item.name == name), None)
    new: Located | Body = value
    if rest:
        new = _with(old if isinstance(old, Body) else Body((), span), rest, override, value)
    placed = PlacedField(name, span, new, span)
    if old is None:
        return Body((*body.fields, placed), body.span)
    fields = (placed if item.name == name else item for item in body.fields)
    return Body(tuple(fields), body.span)


def _ambiguous(override: Override, kinds: list[str]) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO217",
        f"--set names `{override.target}`, which could be a " + " or a ".join(kinds),
        span=override.target_span,
        label="more than one block has this name and field",
        help=["give the blocks different names"],
    )


def _unknown(override: Override, expanded: Expanded) -> DiagnosticError:
    names = {name: statement for statement in expanded.statements for name in _names(statement)}
    if override.target in names:
        block = BLOCKS[names[override.target].kind]
        first = next(info.alias or own for own, info in block.model_fields.items())
        helps: tuple[str, ...] = (f"name one of its fields, such as `{override.target}.{first}`",)
    else:
        head = override.target.rpartition(".")[0] or override.target
        helps = did_you_mean(head, [*names, *expanded.constants], "block, edge or constant")
    return DiagnosticError.of(
        "LEGO217",
        f"--set names `{override.target}`, but the spec has no such field or constant",
        span=override.target_span,
        label="no such field or constant",
        help=helps or ["name a `let`, `BLOCK.FIELD` or `CATEGORY->TASK.FIELD`"],
    )
