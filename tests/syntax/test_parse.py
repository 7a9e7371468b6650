"""Texts to trees, with a place on every node; and trees in spite of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest

from legonet.diagnostics import SourceText, Span
from legonet.syntax import ast, parse, parse_value


def tree(text: str) -> ast.Ast:
    parsed = parse(SourceText("spec.lego", text))
    assert [item.message for item in parsed.diagnostics] == []
    return parsed.ast


def value(text: str) -> ast.Value:
    (let,) = tree(f"let a = {text}\n").statements
    assert isinstance(let, ast.Let)
    return let.value


def codes(text: str) -> list[str]:
    return [item.code for item in parse(SourceText("spec.lego", text)).diagnostics]


def written(span: Span) -> str:
    return span.source.text[span.start : span.end]


# Values.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-12", -12),
        ("007", 7),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1e-3", 1e-3),
        ("2.5E+2", 250.0),
        ("true", True),
        ("false", False),
    ],
)
def test_numbers_and_truth_values(text: str, expected: float) -> None:
    found = value(text)
    assert isinstance(found, ast.Constant)
    assert found.value == expected
    assert type(found.value) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('""', ()),
        ('"plain"', ("plain",)),
        ('"# no comment { } ["', ("# no comment { } [",)),
        (r'"a\"b\\c\nd\te\$f"', ('a"b\\c\nd\te$f',)),
        (r'"\${a}"', ("${a}",)),
        ('"写真 e\u0301"', ("写真 e\u0301",)),
        ('"$a {b} $"', ("$a {b} $",)),
    ],
)
def test_strings(text: str, expected: tuple[str, ...]) -> None:
    found = value(text)
    assert isinstance(found, ast.String)
    assert found.parts == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (r'"C:\\data"', []),
        (r'"C:\data\t"', [r"\d"]),
        ('"${}"', ["${}"]),
        ('"${a b}/${c}"', ["${a b}"]),
        ('"${root/x"', ["${root/x"]),
        ('"${zoo.}${.a}"', ["${zoo.}", "${.a}"]),
        ('"写真${}"', ["${}"]),
    ],
)
def test_escapes_and_constants_in_a_string_that_are_none(text: str, wrong: list[str]) -> None:
    found = parse(SourceText("spec.lego", f"let a = {text}\nlet b = 1\n"))
    assert [item.code for item in found.diagnostics] == ["LEGO110"] * len(wrong)
    assert [written(item.span) for item in found.diagnostics if item.span] == wrong
    assert len(found.ast.statements) == 2


def test_interpolations_know_their_place() -> None:
    found = value('"x${one}\\"${two}"')
    assert isinstance(found, ast.String)
    first, one, quote, two = found.parts
    assert (first, quote) == ("x", '"')
    assert isinstance(one, ast.Interpolation)
    assert isinstance(two, ast.Interpolation)
    assert (one.name, written(one.span)) == ("one", "${one}")
    assert (two.name, written(two.span)) == ("two", "${two}")


def test_lists_and_calls_may_run_over_lines_and_end_in_a_comma() -> None:
    found = value("[\n  conv(1),\n  conv(\n    kernel: 3,\n  ),\n  [],\n]")
    assert isinstance(found, ast.ListValue)
    first, second, empty = found.items
    assert isinstance(first, ast.Call)
    assert isinstance(second, ast.Call)
    assert isinstance(empty, ast.ListValue)
    assert first.arguments[0].name is None
    assert second.arguments[0].name is not None
    assert second.arguments[0].name.text == "kernel"


def test_dotted_names_and_names_with_interpolations() -> None:
    found = value("legonet.${kind}_net.x1")
    assert isinstance(found, ast.Reference)
    assert [word.text for word in found.words] == ["legonet", "${kind}_net", "x1"]
    assert isinstance(found.words[1].parts[0], ast.Interpolation)
    assert found.words[1].parts[1] == "_net"


def test_names_may_begin_with_a_word_of_the_language() -> None:
    (block,) = tree("network network_of_data { importance: forest, inn: lettuce }\n").statements
    assert isinstance(block, ast.Block)
    assert block.name.text == "network_of_data"


def test_fields_may_be_called_like_words_of_the_language() -> None:
    words = ["data", "from", "in", "as", "for", "let", "path", "import", "category", "task"]
    (block,) = tree("network n {" + ", ".join(f"{word}: 1" for word in words) + "}").statements
    assert isinstance(block, ast.Block)
    assert [item.name.text for item in block.fields.fields] == words


# Layout.


@pytest.mark.parametrize(
    "text",
    [
        "data d { source: digits(), size: 16 }",
        "data d { source: digits(), size: 16, }\n",
        "data d {\n  source: digits()\n  size: 16\n}\n",
        "data d {\n  source: digits(),\n  size: 16,\n}\n",
        "\n\n# c\ndata d { # c\n\n  source: digits() # c\n\n  # c\n  size: 16\n\n} # c\n# c",
        "data\td\t{\r\n\tsource:digits()\r\n\tsize :16\r\n}\r\n",
        "data d { source: digits(\n), size:\t16 }",
    ],
)
def test_layout_means_nothing(text: str) -> None:
    (block,) = tree(text).statements
    assert isinstance(block, ast.Block)
    assert (block.keyword, block.name.text) == ("data", "d")
    assert [item.name.text for item in block.fields.fields] == ["source", "size"]


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n", "# a comment", "# a comment\n\n"])
def test_a_text_without_statements_is_fine(text: str) -> None:
    assert tree(text).statements == ()


@pytest.mark.parametrize("body", ["{}", "{ }", "{\n}", "{\n\n# c\n}"])
def test_empty_bodies(body: str) -> None:
    block, adapter, loop = tree(
        f"data d {body}\nadapter a -> b {body}\nfor a in [] {body}"
    ).statements
    assert isinstance(block, ast.Block)
    assert isinstance(adapter, ast.Adapter)
    assert isinstance(loop, ast.For)
    assert block.fields.fields == ()
    assert adapter.fields is not None
    assert loop.body == ()


def test_all_statements() -> None:
    found = tree(
        'import "a.lego"\nimport "b.lego" as b\nlet c = 1\nfor d in [1] { let e = 2\n let f = 3 }\n'
        "data g { }\nnetwork h { train { epochs: 1 } }\ncategory i { }\ntask j { }\n"
        "adapter i -> b.j\nadapter i -> j { samples: 1 }\npath k = i -> b.j\n"
    ).statements
    assert [type(item).__name__ for item in found] == (
        ["Import"] * 2 + ["Let", "For"] + ["Block"] * 4 + ["Adapter"] * 2 + ["Path"]
    )
    plain, aliased = found[0], found[1]
    assert isinstance(plain, ast.Import)
    assert isinstance(aliased, ast.Import)
    assert plain.alias is None
    assert aliased.alias is not None
    assert aliased.alias.text == "b"
    loop = found[3]
    assert isinstance(loop, ast.For)
    assert len(loop.body) == 2


# Places.


def nodes(item: object) -> Iterator[object]:
    if isinstance(item, tuple):
        for part in item:
            yield from nodes(part)
    elif is_dataclass(item) and not isinstance(item, Span | SourceText):
        yield item
        for part in fields(item):
            yield from nodes(getattr(item, part.name))


def test_every_node_stands_inside_of_the_one_around_it() -> None:
    text = (
        'import "a.lego" as b\nlet c = [1, "x${c}"]\n\nfor d in [one, two] {\n'
        "  network ${d}_net { model: b.model(1, two: [2]), train { epochs: 3 } }\n"
        "  adapter ${d} -> b.t { layers: [conv(1)] }\n}\npath p = one -> b.t"
    )

    def check(item: object, around: Span) -> None:
        span: Span = item.span  # type: ignore[attr-defined]
        assert around.start <= span.start < span.end <= around.end
        assert written(span) == written(span).strip()
        for part in fields(item):  # type: ignore[arg-type]
            for node in nodes(getattr(item, part.name)):
                if hasattr(node, "span"):
                    check(node, span)

    parsed = tree(text)
    for statement in parsed.statements:
        check(statement, Span(parsed.source, 0, len(text)))
    assert [written(item.span).split()[0] for item in parsed.statements] == [
        "import",
        "let",
        "for",
        "path",
    ]


# A single value, as after --set.


def test_a_single_value() -> None:
    assert isinstance(parse_value(SourceText("--set", "[conv(1), conv(3)]")), ast.ListValue)
    assert isinstance(parse_value(SourceText("--set", "a.b")), ast.Reference)


@pytest.mark.parametrize(
    "text", ["", "../data", "a b", "[1", "1 2", '"a', "let a = 1", "?", "[" * 99]
)
def test_what_is_no_value(text: str) -> None:
    assert parse_value(SourceText("--set", text)) is None


# Mistakes stay small: what is around them is read.


GOOD = "data before { source: digits() }\n"


@pytest.mark.parametrize(
    "mistaken",
    [
        "dataset x { source: digits() }",
        "data { source: digits() }",
        "data x source: digits() }",
        "data x { source digits() }",
        "data x { source: }",
        "data x { source: digits(, size: 1 }",
        "data x { source: [1, 2 }",
        "data x { source: digits() size: 1 }",
        "data x {\n  source = digits()\n  size: 1\n}",
        "data x {\n  source: digits(\n  size: 1\n}",
        'data x { source: manifest("a) }',
        'data x {\n  source: manifest("a)\n  size: 1\n}',
        'let x = ["a, "b"]',
        "let x = ",
        "let x 1",
        "let x = [1, 2",
        "let x = f(1, 2",
        "adapter a b",
        "adapter a -> ",
        "adapter a -> b { samples 3 }",
        "path p a -> b",
        "import x.lego",
        'import "x.lego" as',
        "for x [1] { let y = 1 }",
        "for x in [1] { let y 1 }",
        "data x { source: digits() } }",
        "}",
        "let a = 1 let b = 2",
        "let a = 'x'",
        "data x {{ source: digits() }",
        "data x\n  source: digits()\n  size: 16\n}",
        "data x { source source: digits() }",
        "network x { train data: a, epochs: 3 }, init: b }",
        "network x { model: m(1, , a: 2), weights: w(b: 1) }",
        "network x { model: m(1 2, a: 3), weights: w }",
        "network x {\n  model: m(\n    1,\n    a 2,\n    b: 3,\n  )\n  weights: w\n}",
        "for a in [1]\n  data ${a} { source: digits() }\n}",
        "for a in 1, 2] {\n  data ${a} { source: digits() }\n}",
        "data ${a { source: digits() }",
        "  size: 16",
        "  size: 16\n  source: digits()\n}",
    ],
)
def test_one_mistake_makes_one_error_and_spoils_no_neighbour(mistaken: str) -> None:
    parsed = parse(SourceText("spec.lego", f"{GOOD}{mistaken}\n{GOOD.replace('before', 'behind')}"))
    assert len(parsed.diagnostics) == 1
    names = [item.name.text for item in parsed.ast.statements if isinstance(item, ast.Block)]
    assert names[0] == "before"
    assert names[-1] == "behind"


def test_a_mistake_in_a_field_keeps_the_other_fields() -> None:
    parsed = parse(SourceText("spec.lego", "data d {\n  one: 1\n  two 2\n  three: 3\n}\n"))
    (block,) = parsed.ast.statements
    assert isinstance(block, ast.Block)
    assert [item.name.text for item in block.fields.fields] == ["one", "three"]


def test_every_mistake_of_a_text_is_found() -> None:
    text = "data { }\nlet = 1\nlet good = 1\nadapter a\n?\ndata d { x 1, y: 2, z 3 }\n"
    assert codes(text) == ["LEGO104"] * 6


def test_words_of_what_could_not_be_read_are_kept() -> None:
    parsed = parse(
        SourceText("spec.lego", "network dog_net model: x\ndata crops { source digits() }")
    )
    assert {"dog_net"} <= parsed.lost


def test_blocks_that_are_not_closed() -> None:
    assert codes("data d {") == ["LEGO108"]
    assert codes("network d { train { epochs: 1 }\n") == ["LEGO108"]
    assert codes("data d {\n  source: digits()\ndata e { source: digits() }\n") == ["LEGO108"]
    assert codes("for a in [1] {\n  data d {\n    source: digits()\n  }\n") == ["LEGO108"]
