"""Formatting keeps the tree and the comments, and forgets everything else of an author's layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.golden import PAGES, cases_of

from legonet.diagnostics import DiagnosticError, SourceText, Span
from legonet.diagnostics.text import columns
from legonet.syntax import ast, format_text, parse
from legonet.syntax.formatting.format import WIDTH

MANY = settings(max_examples=300, deadline=None, derandomize=True, database=None)


# Specs without a layout: words, and between them places where a layout may differ.


@dataclass(frozen=True)
class Comment:
    """A comment, on its own line or after something else."""

    text: str
    alone: bool
    blank_line: bool


@dataclass(frozen=True)
class Place:
    """A place between two words.

    Args:
        kind: ``tight`` or ``apart`` on one line; ``free`` inside of brackets, ``last`` in front of
            one that closes; ``field`` and ``line`` between fields and statements; ``open``,
            ``close`` and ``shut`` at the braces of fields and loops; ``edge`` of the text.
        comments: The comments between them.
        blank_line: Whether there is one before what follows.
    """

    kind: str
    comments: tuple[Comment, ...] = ()
    blank_line: bool = False


Pieces = list[str | Place]

TIGHT, APART = Place("tight"), Place("apart")
NAMES = ["a", "dog_net", "x1", "${kind}", "${kind}_net", "n_${i}_${j}", "network_of", "w" * 40]
FIELD_NAMES = [*NAMES, "data", "in", "as", "from", "for", "path", "import", "train"]
STRINGS = ['""', '"../data"', '"写真 # {["', r'"\"#\\"', '"\t${kind}"', '"' + "s" * 70 + '"']
NUMBERS = ["0", "007", "-12", "1e-3", "-0.250", "2.5E+2", "true", "false"]
COMMENTS = ["", " words", "# #", ' "quoted', " 写真 ([{", "\tx", " a, b: c"]

comments = st.builds(Comment, st.sampled_from(COMMENTS), st.booleans(), st.booleans())
some_comments = st.one_of(st.just(()), st.just(()), st.lists(comments, max_size=3).map(tuple))


@st.composite
def place(draw: st.DrawFn, kind: str) -> Place:
    return Place(kind, draw(some_comments), draw(st.booleans()))


@st.composite
def reference(draw: st.DrawFn, bracketed: bool) -> Pieces:
    pieces: Pieces = [draw(st.sampled_from(NAMES))]
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        gaps = [draw(place("free")) if bracketed else TIGHT for _ in range(2)]
        pieces += [gaps[0], ".", gaps[1], name]
    return pieces


@st.composite
def value(draw: st.DrawFn, bracketed: bool = False, depth: int = 3) -> Pieces:
    kinds = ["leaf", "reference", *(["list", "call"] if depth else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "leaf":
        return [draw(st.sampled_from(STRINGS + NUMBERS))]
    if kind == "reference":
        return draw(reference(bracketed))
    pieces: Pieces = []
    if kind == "call":
        pieces += [*draw(reference(bracketed)), draw(place("free")) if bracketed else TIGHT]
    inside = [draw(value(True, depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    named = draw(st.integers(0, len(inside))) if kind == "call" else len(inside)
    pieces += ["(" if kind == "call" else "[", draw(place("free"))]
    for number, item in enumerate(inside):
        if number:
            pieces += [draw(place("free")), ",", draw(place("free"))]
        if number >= named:
            name = draw(st.sampled_from(FIELD_NAMES))
            pieces += [name, draw(place("free")), ":", draw(place("free"))]
        pieces += item
    if inside:
        pieces.append(draw(place("last")))
    return [*pieces, ")" if kind == "call" else "]"]


@st.composite
def block(draw: st.DrawFn, depth: int = 2) -> Pieces:
    pieces: Pieces = ["{", draw(place("open"))]
    for number in range(draw(st.integers(0, 3))):
        if number:
            pieces.append(draw(place("field")))
        pieces.append(draw(st.sampled_from(FIELD_NAMES)))
        if depth and draw(st.integers(0, 3)) == 0:
            pieces += [TIGHT, *draw(block(depth - 1))]
        else:
            pieces += [TIGHT, ":", TIGHT, *draw(value())]
    if len(pieces) > 2:
        pieces.append(draw(place("close")))
    return [*pieces, "}"]


@st.composite
def statement(draw: st.DrawFn, depth: int = 2) -> Pieces:
    name = draw(st.sampled_from(NAMES))
    kinds = ["import", "let", "data", "network", "category", "task", "adapter", "path"]
    kind = draw(st.sampled_from([*kinds, *(["for"] if depth else [])]))
    edge = [*draw(reference(False)), TIGHT, "->", TIGHT, *draw(reference(False))]
    match kind:
        case "import":
            alias = [APART, "as", APART, name] if draw(st.booleans()) else []
            return ["import", TIGHT, draw(st.sampled_from(STRINGS)), *alias]
        case "let":
            return ["let", APART, name, TIGHT, "=", TIGHT, *draw(value())]
        case "for":
            head = ["for", APART, name, APART, "in", APART, *draw(value()), TIGHT, "{"]
            return [*head, *draw(body(depth - 1)), "}"]
        case "adapter":
            fields = [TIGHT, *draw(block())] if draw(st.booleans()) else []
            return ["adapter", APART, *edge, *fields]
        case "path":
            return ["path", APART, name, TIGHT, "=", TIGHT, *edge]
    return [kind, APART, name, TIGHT, *draw(block())]


@st.composite
def body(draw: st.DrawFn, depth: int) -> Pieces:
    pieces: Pieces = [draw(place("open"))]
    for number in range(draw(st.integers(0, 3))):
        if number:
            pieces.append(draw(place("line")))
        pieces += draw(statement(depth))
    return [*pieces, draw(place("shut"))] if len(pieces) > 1 else pieces


@st.composite
def spec(draw: st.DrawFn) -> Pieces:
    pieces: Pieces = [draw(place("edge"))]
    for number in range(draw(st.integers(0, 4))):
        if number:
            pieces.append(draw(place("line")))
        pieces += draw(statement())
    return [*pieces, draw(place("edge"))] if len(pieces) > 1 else pieces


# A layout of such a spec, by chance.


def laid_out(pieces: Pieces, chance: Random) -> str:
    """Write the pieces down; places differ as much as they may without another meaning."""
    line_end = chance.choice(["\n", "\r\n"])
    return "".join(
        piece if isinstance(piece, str) else written(piece, line_end, chance) for piece in pieces
    )


def written(place: Place, line_end: str, chance: Random) -> str:
    def blanks(least: int = 0) -> str:
        return "".join(chance.choices([" ", "  ", "\t", "\f"], k=chance.randint(least, 2)))

    def line_ends(least: int, most: int) -> str:
        return "".join(line_end + blanks() for _ in range(chance.randint(least, most)))

    def parted(blank_line: bool) -> str:
        """Inside of brackets any number of line ends means the same, but not around fields."""
        if place.kind in ("free", "last"):
            return line_ends(1, 3)
        return line_ends(2, 4) if blank_line else line_ends(1, 1)

    if place.kind in ("tight", "apart"):
        return blanks(least=int(place.kind == "apart"))
    comma = place.kind in ("field", "close", "last") and chance.random() < 0.5
    text = blanks() + ("," + blanks() if comma else "")
    for number, comment in enumerate(place.comments):
        if number or comment.alone:
            text += parted(comment.blank_line)
        text += f"#{comment.text}{blanks()}"
    if place.comments or place.kind == "line" or (place.kind == "field" and not comma):
        return text + parted(place.blank_line)
    if place.kind == "field":
        return text + (line_ends(2, 4) if place.blank_line else line_ends(0, 1))
    return text + line_ends(0, 2)


layouts = st.integers(0, 2**32).map(Random)


@MANY
@given(pieces=spec(), one=layouts, other=layouts)
def test_two_layouts_of_a_spec_come_out_the_same(
    pieces: Pieces, one: Random, other: Random
) -> None:
    first, second = (SourceText("any.lego", laid_out(pieces, chance)) for chance in (one, other))
    assert format_text(first) == format_text(second)


@MANY
@given(pieces=spec(), chance=layouts)
def test_a_spec_keeps_its_tree_and_its_comments(pieces: Pieces, chance: Random) -> None:
    text = laid_out(pieces, chance)
    assert_canonical(text)
    places = [piece for piece in pieces if isinstance(piece, Place)]
    given_comments = [comment.text for place in places for comment in place.comments]
    assert comments_of(text) == [f"#{comment}".rstrip() for comment in given_comments]


# Specs that people wrote, with changes by chance.

REPOSITORY = Path(__file__).resolve().parents[2]
SPECS = {path.name: path.read_bytes() for path in sorted(REPOSITORY.glob("specs/*.lego"))}
SPECS |= {case.spec: case.files[case.spec] for page in PAGES for case in cases_of(page)}
TEXTS = {name: content.decode("utf-8-sig", errors="replace") for name, content in SPECS.items()}
INSERTIONS = ["\n", "\n\n", " ", "\t", "\r\n", " # comment\n", "\n# comment\n", ",", ",\n", "写"]


@pytest.mark.parametrize("name", TEXTS)
def test_the_specs_of_this_repository(name: str) -> None:
    assert_canonical(TEXTS[name])


@MANY
@given(text=st.sampled_from([TEXTS["animals.lego"], TEXTS["quickstart.lego"]]), data=st.data())
def test_changed_specs(text: str, data: st.DataObject) -> None:
    words = re.findall(r'"[^"]*"|#[^\n]*|\s+|[\w${}]+|->|.', text)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(words)))
        words.insert(position, data.draw(st.sampled_from(INSERTIONS)))
    assert_canonical("".join(words))


# What always holds.


def assert_canonical(text: str) -> None:
    """The formatted text means the same and is as it should be; or all mistakes are told."""
    source = SourceText("any.lego", text)
    parsed = parse(source)
    if parsed.diagnostics:
        with pytest.raises(DiagnosticError) as caught:
            format_text(source)
        assert caught.value.diagnostics == parsed.diagnostics
        return
    found = format_text(source)
    again = SourceText("any.lego", found)
    assert list(without_spans(parse(again).ast)) == list(without_spans(parsed.ast))
    assert parse(again).diagnostics == ()
    assert comments_of(found) == comments_of(text)
    assert format_text(again) == found
    assert_tidy(found)


def without_spans(node: Any) -> Iterator[Any]:
    """The nodes of a tree in order, with what was written where it is a leaf."""
    if isinstance(node, tuple):
        yield len(node)
        for item in node:
            yield from without_spans(item)
    elif is_dataclass(node):
        yield type(node)
        if isinstance(node, ast.Word | ast.String | ast.Constant | ast.Interpolation):
            yield node.span.source.text[node.span.start : node.span.end]
        for field in fields(node):
            if field.name not in ("span", "source"):
                yield from without_spans(getattr(node, field.name))
    else:
        assert not isinstance(node, Span)
        yield node


def comments_of(text: str) -> list[str]:
    found = []
    for line in text.split("\n"):
        quoted = escaped = False
        for position, letter in enumerate(line):
            if letter == "#" and not quoted:
                found.append(line[position:].rstrip())
                break
            if letter == '"' and not escaped:
                quoted = not quoted
            escaped = quoted and letter == "\\" and not escaped
    return found


def assert_tidy(text: str) -> None:
    lines = text.split("\n")
    assert lines[-1] == ""
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in text
    assert not text.startswith("\n")
    assert not text.endswith("\n\n")
    for line, following in pairwise(lines):
        code = code_of(line)
        assert not (code.endswith("{") and following == "")
        assert not (line == "" and code_of(following).strip() == "}")
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|\$\{\w+\}', lambda leaf: "x" * columns(leaf[0]), code)
        assert "\t" not in bare
        assert columns(code) <= WIDTH or not re.search(r"[\[({](?! *[\])}]).", bare)


def code_of(line: str) -> str:
    return line.removesuffix((comments_of(line) or [""])[0]).rstrip()
