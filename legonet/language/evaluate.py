"""Evaluates values as written: replaces lets and loop variables by their values."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from legonet.diagnostics import Diagnostic, DiagnosticError, Span, shortened
from legonet.language.growth import Growth
from legonet.language.values import (
    Argument,
    Body,
    Called,
    Located,
    PlacedField,
    Plain,
    Symbol,
    Target,
    Text,
    describe,
)
from legonet.syntax import ast
from legonet.syntax.limits import DEEPEST_NESTING, LONGEST_NAME, TOO_DEEP, too_long


@dataclass(frozen=True)
class Scope:
    """What a name may refer to at one place.

    Args:
        constants: The values of lets and loop variables, those of the innermost loop first.
        base: The folder of the file that is being read.
        growth: Counts the values that are created.
    """

    constants: ChainMap[str, Located] = field(default_factory=ChainMap)
    base: Path = Path()
    growth: Growth = field(default_factory=Growth)

    def inside(self) -> Scope:
        """Return the scope of one iteration of a loop, whose constants end with it."""
        return replace(self, constants=self.constants.new_child())


class UnknownConstantError(DiagnosticError):
    """An interpolation names an unknown constant.

    Attributes:
        name: The name.
    """

    def __init__(self, name: str, span: Span, scope: Scope) -> None:
        super().__init__(
            Diagnostic(
                "LEGO213",
                f"unknown constant `{name}`",
                span,
                "no `let` and no loop gives it a value",
                scope.growth.similar(name, scope.constants, "constant")
                or (f"write `let {name} = ..` above",),
            )
        )
        self.name = name


def value_of(node: ast.Value, scope: Scope) -> Located:
    """Return a value with every let and loop variable replaced by its value.

    Raises:
        UnknownConstantError: An interpolation names an unknown constant.
        TooLargeError: The spec has grown too large.
        DiagnosticError: An interpolated value is a list or a call, or lists are nested too deep.
    """
    match node:
        case ast.String():
            return Located(_string(node, scope), node.span)
        case ast.Reference():
            constant = _constant(node, scope)
            scope.growth.add(constant.size, node.span)
            return Located(constant.value, node.span, constant.size, constant.depth)
    scope.growth.add(1, node.span)
    match node:
        case ast.Constant():
            return Located(node.value, node.span)
        case ast.ListValue():
            items = tuple(value_of(item, scope) for item in node.items)
            return _holding(items, items, node.span)
        case ast.Call():
            arguments = tuple(_argument(argument, scope) for argument in node.arguments)
            name = target_of(node.function, scope)
            called = Called(name.name, name.span, arguments)
            return _holding(called, [argument.value for argument in arguments], node.span)


def _constant(node: ast.Reference, scope: Scope) -> Located:
    """Return what a name refers to; ``${name}`` alone is the constant, unless that is a string."""
    parts = node.words[0].parts
    if len(node.words) == len(parts) == 1 and isinstance(parts[0], ast.Interpolation):
        whole = scope.constants.get(parts[0].name)
        if whole is not None and not isinstance(whole.value, str):
            return whole
    name = target_of(node, scope).name
    return scope.constants.get(name, Located(Symbol(name), node.span))


def _holding(value: Plain, items: Sequence[Located], span: Span) -> Located:
    """Return a list or call with its size and depth."""
    depth = 1 + max((item.depth for item in items), default=0)
    if depth > DEEPEST_NESTING:
        message = f"brackets are nested deeper than {DEEPEST_NESTING}"
        label = "after its constants are filled in"
        raise DiagnosticError.of(TOO_DEEP, message, span=span, label=label)
    return Located(value, span, 1 + sum(item.size for item in items), depth)


def target_of(node: ast.Reference, scope: Scope) -> Target:
    """Return a dotted name with its interpolations filled in."""
    return Target(".".join(name_of(word, scope) for word in node.words), node.span)


def targets_of(node: ast.Reference | ast.ListValue, scope: Scope) -> tuple[Target, ...]:
    """Return the names on one side of a path, which a constant may list."""
    if isinstance(node, ast.Reference):
        listed = scope.constants.get(node.words[0].text) if len(node.words) == 1 else None
        names = listed.value if listed is not None and isinstance(listed.value, tuple) else ()
        if names and all(isinstance(item.value, Symbol) for item in names):
            scope.growth.add(len(names), node.span)
            return tuple(Target(str(item.value), node.span) for item in names)
    references = ast.references(node)
    scope.growth.add(len(references) - 1, node.span)
    return tuple(target_of(item, scope) for item in references)


def name_of(word: ast.Word, scope: Scope) -> str:
    """Return a name with its interpolations filled in; the result must still be a name."""
    if len(word.parts) == 1 and isinstance(word.parts[0], str):
        return word.parts[0]
    name = _joined(word, scope)
    if len(name) > LONGEST_NAME:
        raise DiagnosticError(too_long("name", len(name), LONGEST_NAME, word.span))
    if not name.replace("_", "a").isalnum() or not name.isascii():
        raise DiagnosticError.of(
            "LEGO211",
            f"`{word.text}` becomes `{shortened(name)}`, which is not a name",
            span=word.span,
            label="not a name",
            help=["a name has only letters, digits and `_`"],
        )
    return name


def body_of(node: ast.Fields, scope: Scope) -> Body:
    """Return a block's fields with their values."""
    fields = []
    for item in node.fields:
        value: Located | Body
        if isinstance(item.value, ast.Fields):
            value = body_of(item.value, scope)
        else:
            value = value_of(item.value, scope)
        fields.append(PlacedField(name_of(item.name, scope), item.name.span, value, item.span))
    return Body(tuple(fields), node.span)


def _argument(node: ast.Argument, scope: Scope) -> Argument:
    name = None if node.name is None else name_of(node.name, scope)
    span = node.value.span if node.name is None else node.name.span
    return Argument(name, span, value_of(node.value, scope))


def _string(node: ast.String, scope: Scope) -> Text:
    base = scope.base
    if node.parts and isinstance(node.parts[0], ast.Interpolation):
        first = scope.constants.get(node.parts[0].name)
        if first is not None and isinstance(first.value, Text):
            base = first.value.base
    return Text(_joined(node, scope), base)


def _joined(node: ast.String | ast.Word, scope: Scope) -> str:
    parts = [part if isinstance(part, str) else _text(part, scope) for part in node.parts]
    scope.growth.add_text(sum(map(len, parts)), node.span)
    return "".join(parts)


def _text(part: ast.Interpolation, scope: Scope) -> str:
    constant = scope.constants.get(part.name)
    if constant is None:
        raise UnknownConstantError(part.name, part.span, scope)
    if isinstance(constant.value, tuple | Called):
        raise DiagnosticError.of(
            "LEGO212",
            f"`{part.name}` is {describe(constant.value)} and cannot be part of a string or a name",
            span=part.span,
            label="expected a string or a number",
        )
    value = constant.value
    return str(value).lower() if isinstance(value, bool) else str(value)
