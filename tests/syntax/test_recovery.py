"""Behind a mistake everything is read that was meant: no neighbour is lost, no error follows."""

from __future__ import annotations

import pytest

from legonet.diagnostics import Diagnostic, SourceText
from legonet.syntax import Parsed, ast, parse

LOOP = """\
for digit in [one, two] {
  network ${digit}_net {
    model: legonet.small_vgg(classes: 1)
    train { data: pictures, category: ${digit} }
  }
  category ${digit} { from: ${digit}_net, until: cut }
  adapter ${digit} -> classify {
    layers: [conv(1)]
    samples: 20
  }
}
let behind = 1
"""


def parsed(old: str, new: str) -> Parsed:
    assert old in LOOP
    return parse(SourceText("spec.lego", LOOP.replace(old, new, 1)))


def only(found: Parsed) -> Diagnostic:
    (diagnostic,) = found.diagnostics
    return diagnostic


def body(found: Parsed) -> tuple[ast.Statement, ...]:
    loop, behind = found.ast.statements
    assert isinstance(loop, ast.For)
    assert isinstance(behind, ast.Let)
    return loop.body


def marked(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    assert span is not None
    return span.source.text[span.start : span.end]


# Braces: the indentation tells which one it is.


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("  }\n  category", "  }\n  }\n  category", 6),
        ("  }\n  category", "  }}\n  category", 5),
        ("    samples: 20\n  }", "    samples: 20\n  }\n  }", 11),
    ],
)
def test_a_brace_too_many_is_left_out(old: str, new: str, line: int) -> None:
    found = parsed(old, new)
    span = only(found).span
    assert span is not None
    assert (span.line, marked(only(found))) == (line, "}")
    assert [type(item).__name__ for item in body(found)] == ["Block", "Block", "Adapter"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("${digit} }\n  }", "${digit} }", 2),
        ("${digit} }\n  }", "${digit}\n  }", 4),
        ("until: cut }", "until: cut", 6),
        ("samples: 20\n  }", "samples: 20", 7),
        ("samples: 20\n  }\n}", "samples: 20\n  }", 1),
    ],
)
def test_a_missing_brace_is_put_in(old: str, new: str, line: int) -> None:
    found = parsed(old, new)
    span = only(found).span
    assert span is not None
    assert (span.line, only(found).code, marked(only(found))) == (line, "LEGO108", "{")
    assert [type(item).__name__ for item in body(found)] == ["Block", "Block", "Adapter"]


@pytest.mark.parametrize("brace", ["", "\n  {"])
def test_an_adapter_gets_the_body_below_it(brace: str) -> None:
    found = parsed("classify {", f"classify{brace}")
    only(found)
    adapter = body(found)[-1]
    assert isinstance(adapter, ast.Adapter)
    assert adapter.fields is not None
    assert [item.name.text for item in adapter.fields.fields] == ["layers", "samples"]


def test_where_the_lines_are_not_indented_nothing_is_guessed() -> None:
    text = "\n".join(line.strip() for line in LOOP.replace("  }\n  category", "  category").split())
    assert parse(SourceText("spec.lego", text)).diagnostics


def test_a_statement_inside_of_a_block_is_passed_over() -> None:
    found = parsed("    train", "    data inner { source: digits() }\n    train")
    assert "found the statement `data`" in only(found).message
    network = body(found)[0]
    assert isinstance(network, ast.Block)
    assert [item.name.text for item in network.fields.fields] == ["model", "train"]
    assert "inner" in found.lost


# Signs: what was surely meant is read.


@pytest.mark.parametrize("arrow", ["=>", "-->", "→", "to", ""])
def test_an_adapter_is_read_without_its_arrow(arrow: str) -> None:
    found = parsed("->", arrow)
    assert only(found).message.startswith("expected `->`, found ")
    adapter = body(found)[-1]
    assert isinstance(adapter, ast.Adapter)
    assert (adapter.category.words[0].text, adapter.task.words[0].text) == ("${digit}", "classify")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("samples: 20", "samples = 20"),
        ("samples: 20", "samples: 20;"),
        ("samples: 20", '"samples": 20'),
        ("conv(1)]\n    samples", "conv(1)] samples"),
        ("classes: 1", "classes=1"),
        ("[one, two]", "[one two]"),
        ("train {", "train: {"),
        ("network ${digit}_net {", "network ${digit}_net: {"),
        ("network ${digit}_net {", "network ${digit}_net\n  {"),
        ("digit in", "digit"),
        ("let behind =", "let behind:"),
        ("let behind = 1", "let behind =\n  1"),
    ],
)
def test_a_sign_that_is_wrong_costs_nothing_else(old: str, new: str) -> None:
    found = parsed(old, new)
    assert len(found.diagnostics) == 1
    right = parse(SourceText("spec.lego", LOOP))
    assert shape(found.ast) == shape(right.ast)


def shape(tree: ast.Ast) -> list[object]:
    """Return the kinds and names of all statements and fields."""
    shapes: list[object] = []
    for item in tree.statements:
        shapes.append(type(item).__name__)
        for inner in item.body if isinstance(item, ast.For) else ():
            fields = inner.fields if isinstance(inner, ast.Block | ast.Adapter) else None
            shapes.append([field.name.parts for field in fields.fields] if fields else None)
    return shapes


# Words.


@pytest.mark.parametrize(
    "word",
    ["${digit_net", "$digit_net", "${digit-net}", "${}_net", "${ digit }_net", "{digit}_net",
     "$(digit)_net", "${{digit}}_net", "net_$digit"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["network ${digit}_net", "from: ${digit}_net"])
def test_a_broken_interpolation_is_marked_whole(word: str, place: str) -> None:
    found = parsed(place, place.replace("${digit}_net", word))
    assert marked(only(found)) == word
    assert only(found).message == f"expected `${{name}}`, found `{word}`"
    assert len(body(found)) >= 2


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        ("1_000", "`1000`"),
        ("1,000", "`1000`"),
        (".5", "`0.5`"),
        ("5.", "`5.0`"),
        ("1e", "`1e-3`"),
        ("1e-", "`1e-3`"),
        ("0x10", "decimal"),
        ("+20", "`20`"),
        ("--20", "`20`"),
        ("20px", "no unit"),
        ("20%", "`0.2`"),
        ("1.2.3", '`"1.2.3"`'),
        ("1..3", "no ranges"),
    ],
)
def test_a_broken_number_is_marked_whole(number: str, advice: str) -> None:
    found = parsed("samples: 20", f"samples: {number}")
    assert marked(only(found)) == number
    assert only(found).message == f"`{number}` is not a number"
    assert advice in only(found).help[0]


def test_a_name_with_a_dash_is_read_with_an_underscore() -> None:
    found = parsed("let behind", "let not-behind")
    assert marked(only(found)) == "not-behind"
    assert "write `not_behind`" in only(found).help[0]
    let = found.ast.statements[-1]
    assert isinstance(let, ast.Let)
    assert let.name.parts == ("not_behind",)


def test_characters_that_cannot_be_seen_are_told_once() -> None:
    found = parse(SourceText("spec.lego", LOOP.replace("  ", "\N{NO-BREAK SPACE}" * 2)))
    assert only(found).message.endswith("found U+00A0")
    assert "wherever else it occurs" in only(found).help[0]
    assert len(body(found)) == 3


def test_the_second_side_of_a_merge_conflict_is_left_out() -> None:
    found = parse(
        SourceText("s", "<<<<<<< HEAD\nlet a = 1\n=======\nlet a = 2\n>>>>>>> b\nlet c = 1\n")
    )
    assert "merge conflict" in only(found).help[0]
    assert [item.name.text for item in found.ast.statements if isinstance(item, ast.Let)] == [
        "a",
        "c",
    ]


def test_a_string_over_several_lines_makes_one_error() -> None:
    found = parse(SourceText("s", 'let a = "one\ntwo three\nfour"\nlet b = 1\n'))
    assert only(found).code == "LEGO105"
    assert len(found.ast.statements) == 1


def test_two_strings_that_are_not_closed_make_two_errors() -> None:
    found = parse(SourceText("s", 'let a = "one\nlet b = "two\n'))
    assert [item.code for item in found.diagnostics] == ["LEGO105", "LEGO105"]
