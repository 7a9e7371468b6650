"""Moves iterations out of a loop: the same statements, written without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from legonet.graph.rewriting.places import (
    Change,
    changed,
    code_end,
    indentation,
    newline,
    removal,
    taken_out,
)
from legonet.language.values import Located
from legonet.language.writing import located_text, quoted
from legonet.syntax import ast

Constants = Mapping[str, Located]
"""The values of names in one iteration."""


def without_turns(
    text: str,
    loop: ast.For,
    turns: Mapping[int, Constants],
    taken: Collection[int],
    gone: Collection[int],
) -> Iterator[Change]:
    """Yield the changes that write some iterations of a loop after it, and keep the others in it.

    Args:
        text: The text.
        loop: A loop that is not inside another loop.
        turns: All of its iterations, by number.
        taken: The numbers of those to move out.
        gone: The numbers of those that are removed entirely.
    """
    line = newline(text)
    copies = [_turn(text, loop, turns[number]) for number in sorted(taken) if number not in gone]
    if len(taken) == len(turns):
        yield Change(loop.span.start, loop.span.end, (line + line).join(copies).lstrip())
        return
    if isinstance(loop.values, ast.ListValue):
        yield from taken_out(text, loop.values.items, taken)
    else:
        left = (turns[number][loop.variable.text] for number in turns if number not in taken)
        values = f"[{', '.join(map(located_text, left))}]"
        yield Change(loop.values.span.start, loop.values.span.end, values)
    end = code_end(text, loop.span.end)
    yield Change(end, end, "".join(line + line + copy for copy in copies))


def _turn(text: str, loop: ast.For, constants: Constants) -> str:
    """Return the text of a loop's body for one iteration, as written outside the loop."""
    start = text.index("{", loop.values.span.end) + 1
    end = loop.span.end - 1
    changes = list(chain.from_iterable(_written_out(node, constants) for node in loop.body))
    for node in loop.body:
        if isinstance(node, ast.Let):
            change = removal(text, node.span.start, node.span.end, with_comments=False)
            changes = [item for item in changes if not change.start <= item.start < change.end]
            changes.append(Change(max(start, change.start), min(end, change.end), ""))
    shifted = (Change(item.start - start, item.end - start, item.text) for item in changes)
    inside = changed(text[start:end], shifted)
    within = indentation(text, loop.body[0].span.start)
    outside = indentation(text, loop.span.start)
    first, *others = (item.rstrip() for item in inside.rstrip().split("\n"))
    lines = [outside + first.strip()] if first.strip() else []
    for item in others:
        code = item[len(within) :] if item.startswith(within) else item.lstrip()
        lines.append(outside + code if code.strip() else "")
    return newline(text).join(lines)


def _written_out(node: ast.Statement, constants: Constants) -> Iterator[Change]:
    """Yield the changes that replace an iteration's constants by their values."""
    match node:
        case ast.Let():
            yield from _in_value(node.value, constants)
        case ast.For():
            yield from _in_value(node.values, constants)
            for item in node.body:
                yield from _written_out(item, constants)
        case ast.Block():
            yield from _in_word(node.name, constants)
            yield from _in_fields(node.fields, constants)
        case ast.Adapter() | ast.Path():
            if isinstance(node, ast.Path):
                yield from _in_word(node.name, constants)
            for side in (node.category, node.task):
                listed = isinstance(node, ast.Path) and _is_listed(side, constants)
                if listed and isinstance(side, ast.Reference):
                    yield from _in_value(side, constants)
                    continue
                for reference in ast.references(side):
                    for word in reference.words:
                        yield from _in_word(word, constants)
            if isinstance(node, ast.Adapter) and node.fields is not None:
                yield from _in_fields(node.fields, constants)
        case ast.Import():
            yield from _in_string(node.path, constants)


def _is_listed(side: ast.Reference | ast.ListValue, constants: Constants) -> bool:
    """Whether a constant lists the names on one side of a path."""
    whole = _stands_for(side, constants) if isinstance(side, ast.Reference) else None
    return whole is not None and isinstance(whole.value, tuple)


def _in_fields(fields: ast.Fields, constants: Constants) -> Iterator[Change]:
    for item in fields.fields:
        yield from _in_word(item.name, constants)
        if isinstance(item.value, ast.Fields):
            yield from _in_fields(item.value, constants)
        else:
            yield from _in_value(item.value, constants)


def _in_value(value: ast.Value, constants: Constants) -> Iterator[Change]:
    match value:
        case ast.String():
            yield from _in_string(value, constants)
        case ast.Reference():
            whole = _stands_for(value, constants)
            if whole is not None:
                yield Change(value.span.start, value.span.end, located_text(whole))
            else:
                for word in value.words:
                    yield from _in_word(word, constants)
        case ast.ListValue():
            for item in value.items:
                yield from _in_value(item, constants)
        case ast.Call():
            for word in value.function.words:
                yield from _in_word(word, constants)
            for argument in value.arguments:
                if argument.name is not None:
                    yield from _in_word(argument.name, constants)
                yield from _in_value(argument.value, constants)


def _stands_for(value: ast.Reference, constants: Constants) -> Located | None:
    """Return the value of a lone constant: ``name``, or ``${name}`` if it is not a string."""
    if len(value.words) != 1:
        return None
    parts = value.words[0].parts
    if len(parts) == 1 and isinstance(parts[0], ast.Interpolation):
        found = constants.get(parts[0].name)
        return None if found is None or isinstance(found.value, str) else found
    return constants.get(value.words[0].text)


def _in_word(word: ast.Word, constants: Constants) -> Iterator[Change]:
    for part in word.parts:
        if isinstance(part, ast.Interpolation) and part.name in constants:
            yield Change(part.span.start, part.span.end, _shown(constants[part.name]))


def _in_string(string: ast.String, constants: Constants) -> Iterator[Change]:
    for part in string.parts:
        if isinstance(part, ast.Interpolation) and part.name in constants:
            inside = quoted(_shown(constants[part.name]))[1:-1]
            yield Change(part.span.start, part.span.end, inside)


def _shown(constant: Located) -> str:
    """Return a constant as it appears inside a string."""
    value = constant.value
    return str(value).lower() if isinstance(value, bool) else str(value)
