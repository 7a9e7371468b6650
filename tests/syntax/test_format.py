"""The canonical layout, rule by rule."""

from __future__ import annotations

import pytest

from legonet.diagnostics import DiagnosticError, SourceText
from legonet.syntax import format_text


def formatted(text: str) -> str:
    found = format_text(SourceText("spec.lego", text))
    assert format_text(SourceText("spec.lego", found)) == found
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('import   "x.lego"', 'import "x.lego"\n'),
        ('import "x.lego"as y', 'import "x.lego" as y\n'),
        ("let x=y . z", "let x = y.z\n"),
        ("let x = f ( a , b:2 )", "let x = f(a, b: 2)\n"),
        ("let x=[1,[ ],f( ),]", "let x = [1, [], f()]\n"),
        ("adapter a->zoo . b", "adapter a -> zoo.b\n"),
        ("adapter a->b{}", "adapter a -> b {}\n"),
        ("path p=a->b", "path p = a -> b\n"),
        ("data d{\n\n}", "data d {}\n"),
        ("for x in[1]{}", "for x in [1] {}\n"),
        ("\tlet  ${a}_b\t=  ${a}_c", "let ${a}_b = ${a}_c\n"),
    ],
)
def test_what_belongs_together_stands_together(before: str, after: str) -> None:
    assert formatted(before) == after


@pytest.mark.parametrize(
    "leaf", ["007", "-0.250", "1e-03", "2.5E+2", "true", '"写 \\n\\$ # {"', '"\t"', "a.${b}_c"]
)
def test_names_strings_and_numbers_stay_as_they_were_written(leaf: str) -> None:
    assert formatted(f"let x = {leaf}") == f"let x = {leaf}\n"


# Blocks.


def test_fields_stand_one_a_line_and_without_commas() -> None:
    text = "data d { source: digits(), size: 16, }"
    assert formatted(text) == "data d {\n  source: digits()\n  size: 16\n}\n"


@pytest.mark.parametrize(
    "text",
    [
        "category a { from: n, until: cut }\n",
        "task a { from: n, after: cut }\n",
        "data d { source: digits() }\n",
        "adapter a -> b { teacher: n }\n",
        "network n {\n  train { data: d, epochs: 1 }\n}\n",
        "network n {\n  train { data: d, epochs: 1 }\n  init: base\n}\n",
        "network n {\n  train {\n    data: d\n    more { epochs: 1 }\n  }\n}\n",
    ],
)
def test_blocks_that_stand_on_one_line(text: str) -> None:
    assert formatted(text) == text
    assert formatted(text.replace("{ ", "{\n").replace(", ", "\n").replace(" }", "\n}")) == text
    assert formatted(text.replace("{\n", "{ ").replace("\n}", " }")) == text


def test_a_block_with_a_comment_opens() -> None:
    text = "category a {\n  from: n  # whose\n  until: cut\n}\n"
    assert formatted(text) == text


def test_a_comment_after_a_block_does_not_open_it() -> None:
    text = f"category a {{ from: n, until: cut }}  # {'long ' * 20}end\n"
    assert formatted(text) == text


def test_a_loop_always_opens() -> None:
    assert formatted("for x in [1] { let y = x }") == "for x in [1] {\n  let y = x\n}\n"


# The width.


@pytest.mark.parametrize(("letters", "opens"), [(50, False), (51, True)])
def test_a_block_opens_where_it_does_not_fit(letters: int, opens: bool) -> None:
    name = "n" * letters
    text = f"category a {{ from: {name}, until: {'c' * 20} }}"
    assert len(text) == 50 + letters
    assert (formatted(text) == f"{text}\n") is not opens


@pytest.mark.parametrize(("letters", "opens"), [(82, False), (83, True)])
def test_a_value_opens_where_its_line_does_not_fit(letters: int, opens: bool) -> None:
    item = '"' + "s" * letters + '"'
    line = f"let a = [{item}, 1234]"
    expected = f"let a = [\n  {item},\n  1234,\n]" if opens else line
    assert formatted(line) == f"{expected}\n"


def test_a_wide_character_takes_two_columns() -> None:
    narrow, wide = (f'let a = ["{letter * 45}", 1]' for letter in ("é", "写"))
    assert formatted(narrow) == f"{narrow}\n"
    assert formatted(wide) == "let a = [\n  " + f'"{"写" * 45}",\n  1,\n]\n'


def test_the_outermost_bracket_opens_first_and_so_on_inward() -> None:
    word = "w" * 45
    assert formatted(f"let a = f({word}, x: [{word}, g({word}, {word}, [1, 2])], [3])") == (
        f"let a = f(\n  {word},\n  x: [\n    {word},\n"
        f"    g(\n      {word},\n      {word},\n      [1, 2],\n    ),\n  ],\n  [3],\n)\n"
    )


def test_a_block_opens_rather_than_its_only_value() -> None:
    call = f"f({'a' * 40}, {'b' * 40})"
    assert formatted(f"data d {{ source: {call} }}") == f"data d {{\n  source: {call}\n}}\n"


def test_the_brace_of_a_loop_counts() -> None:
    values = "[" + "v" * 87 + "]"
    assert formatted(f"for x in {values} {{}}") == f"for x in [\n  {'v' * 87},\n] {{}}\n"


@pytest.mark.parametrize("value", ['"' + "s" * 120 + '"', "n" * 120, "f" * 120 + "()"])
def test_what_has_nothing_to_open_may_be_longer(value: str) -> None:
    assert formatted(f"let a = {value}") == f"let a = {value}\n"


def test_the_deepest_nesting_is_laid_out() -> None:
    text = "let a = " + "[" * 64 + "1, # one\n" + "]" * 64
    assert formatted(text).splitlines()[64] == "  " * 64 + "1,  # one"


# Blank lines, and the ends of lines.


def test_runs_of_blank_lines_become_one_and_their_absence_stays() -> None:
    text = "\n\nlet a = 1\n\n\n\nlet b = 2\nlet c = 3\n\n\n"
    assert formatted(text) == "let a = 1\n\nlet b = 2\nlet c = 3\n"


def test_no_blank_line_inside_of_braces_at_their_ends() -> None:
    text = "network n {\n\n  init: a\n\n\n  model: m()\n  x: 1\n\n}"
    assert formatted(text) == "network n {\n  init: a\n\n  model: m()\n  x: 1\n}\n"


def test_blank_lines_in_a_loop() -> None:
    text = "for x in [] {\n\nlet a = 1\n\n\nlet b = 2\n\n}"
    assert formatted(text) == "for x in [] {\n  let a = 1\n\n  let b = 2\n}\n"


def test_blank_lines_inside_of_a_value_go() -> None:
    text = "let a = [\n\n  # b\n\n  b,\n\n  c,\n\n  # d\n\n]\n"
    assert formatted(text) == text.replace("\n\n", "\n")


def test_blank_lines_around_comments() -> None:
    text = "# file\n\n\n# a\nlet a = 1\n\n# left\n\nlet b = 2\n# end\n"
    assert formatted(text) == text.replace("\n\n\n", "\n\n")


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t\n", "\f"])
def test_a_text_with_nothing_in_it_is_empty(text: str) -> None:
    assert formatted(text) == ""


def test_windows_line_ends_and_blanks_at_the_ends_go() -> None:
    text = "let a = 1 \t\r\n\r\n# c \t\r\nlet b = [ # d \r\n]\r\n"
    assert formatted(text) == "let a = 1\n\n# c\nlet b = [  # d\n]\n"


# Comments.


def test_comments_stay_on_their_own_line_or_after_what_they_follow() -> None:
    text = """\
# file

# data
data crops {  # words
  # before
  source: manifest(  # whose
    # an item
    "a",          # after an item
    only: "voc",  # named
    # last
  )  # after the value
  # end of the block
}  # after the block
# end of the file
"""
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[f( # c\n a)]", "[\n  f(  # c\n    a,\n  ),\n]"),
        ("f(x # c\n : 1)", "f(\n  # c\n  x: 1,\n)"),
        ("f(x: # c\n 1)", "f(\n  # c\n  x: 1,\n)"),
        ("f(x: # c\n g # d ( [\n (1))", "f(\n  # c\n  # d ( [\n  x: g(1),\n)"),
        ("f(x: g # c\n ( # d\n 1))", "f(\n  # c\n  x: g(  # d\n    1,\n  ),\n)"),
        ("[a # c\n . b, # d\n 2]", "[\n  # c\n  a.b,  # d\n  2,\n]"),
        ("[a # c\n , # d\n b]", "[\n  a,  # c\n  # d\n  b,\n]"),
        ("[a\n , # c\n b]", "[\n  a,  # c\n  b,\n]"),
        ("[a\n # c\n , b]", "[\n  a,\n  # c\n  b,\n]"),
        ("[a # c\n]", "[\n  a,  # c\n]"),
        ("[ # c\n]", "[  # c\n]"),
        ("f(\n # c\n)", "f(\n  # c\n)"),
        ("[[1, 2], [3 # c\n]]", "[\n  [1, 2],\n  [\n    3,  # c\n  ],\n]"),
    ],
)
def test_comments_inside_of_values(before: str, after: str) -> None:
    assert formatted(f"let a = {before}") == f"let a = {after}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("data d { # c\n}", "data d {  # c\n}"),
        ("data d {\n# c\n}", "data d {\n  # c\n}"),
        ("for x in [] { # c\n}", "for x in [] {  # c\n}"),
        ("for x in [ # c\n] { # d\n}", "for x in [  # c\n] {         # d\n}"),
        ("network n { a: 1, # c\n b: 2 # d\n}", "network n {\n  a: 1  # c\n  b: 2  # d\n}"),
        ("network n { a: 1, b: 2 # d\n}", "network n {\n  a: 1\n  b: 2  # d\n}"),
        ("network n { t { a: 1 } # d\n}", "network n {\n  t { a: 1 }  # d\n}"),
    ],
)
def test_comments_inside_of_braces(before: str, after: str) -> None:
    assert formatted(before) == f"{after}\n"


def test_comments_on_consecutive_lines_stand_in_one_column() -> None:
    text = """\
let a = 1          # one
let long = "写真"  # wide
let b = 2
let c = 3   # three
let dd = 4  # four

let e = 5  # alone
"""
    assert formatted(text) == text
    assert formatted(text.replace("  #", "#")) == text


def test_a_hash_in_a_string_begins_no_comment() -> None:
    text = r'let a = ["#", "\"#", "\\"]  # "c" #d' + "\n"
    assert formatted(text) == text


# Mistakes.


def test_all_syntax_errors_are_reported() -> None:
    with pytest.raises(DiagnosticError) as caught:
        format_text(SourceText("spec.lego", "let = 1\ndata d { a 1 }\n"))
    assert [item.code for item in caught.value.diagnostics] == ["LEGO104", "LEGO104"]


def test_a_spec_with_mistakes_of_meaning_is_formatted() -> None:
    assert formatted("category a{from:nowhere}") == "category a { from: nowhere }\n"
