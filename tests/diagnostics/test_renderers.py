"""Diagnostics for people, programs and GitHub."""

from __future__ import annotations

import json

import pytest

from legonet.diagnostics import Diagnostic, Severity, SourceText, Span, Trace
from legonet.diagnostics.github import to_github
from legonet.diagnostics.json import to_json
from legonet.diagnostics.text import LONGEST_EXCERPT, summary, to_text, wants_colour

SOURCE = SourceText("farm.lego", "let a = 1\nlet cut = nothing\n")
PLACE = Span(SOURCE, 20, 27)
MISTAKE = Diagnostic(
    "LEGO207",
    "unknown name `nothing`",
    PLACE,
    "a name",
    ("first", "second"),
    (Trace("imported here", Span(SOURCE, 0, 3)),),
)
NOWHERE = Diagnostic("LEGO101", "no such file: `x`", severity=Severity.WARNING)


def test_json_has_exactly_the_promised_keys() -> None:
    assert to_json(MISTAKE) == {
        "code": "LEGO207",
        "severity": "error",
        "message": "unknown name `nothing`",
        "file": "farm.lego",
        "line": 2,
        "column": 11,
        "end_line": 2,
        "end_column": 18,
        "help": ["first", "second"],
    }


def test_json_without_a_place_has_nulls() -> None:
    read = json.loads(json.dumps(to_json(NOWHERE)))
    assert read == {
        "code": "LEGO101",
        "severity": "warning",
        "message": "no such file: `x`",
        "file": None,
        "line": None,
        "column": None,
        "end_line": None,
        "end_column": None,
        "help": [],
    }


def test_json_of_a_place_over_several_lines() -> None:
    found = to_json(Diagnostic("LEGO108", "a message", Span(SOURCE, 4, 13)))
    assert (found["line"], found["column"]) == (1, 5)
    assert (found["end_line"], found["end_column"]) == (2, 4)


def test_github_shows_the_place_and_the_help() -> None:
    assert to_github(MISTAKE) == (
        "::error title=LEGO207,file=farm.lego,line=2,col=11,endLine=2,endColumn=18"
        "::unknown name `nothing`%0Afirst%0Asecond"
    )


def test_github_without_a_place() -> None:
    assert to_github(NOWHERE) == "::warning title=LEGO101::no such file: `x`"


def test_github_escapes_what_ends_a_property_or_a_line() -> None:
    source = SourceText("a,b:c%d\n.lego", "x")
    line = to_github(Diagnostic("LEGO104", "100% wrong\r\n::error::", Span(source, 0, 1)))
    assert "file=a%2Cb%3Ac%25d%0A.lego," in line
    assert line.endswith("::100%25 wrong%0D%0A::error::")
    assert "\n" not in line


def test_text_in_full() -> None:
    assert to_text(MISTAKE) == (
        "error[LEGO207]: unknown name `nothing`\n"
        " --> farm.lego:2:11\n"
        "  |\n"
        "2 | let cut = nothing\n"
        "  |           ^^^^^^^ a name\n"
        "  |\n"
        "  = imported here: farm.lego:1:1\n"
        "  = help: first\n"
        "  = help: second\n"
        "  = help: run `legonet explain LEGO207`"
    )


def test_text_without_a_place() -> None:
    assert to_text(NOWHERE) == (
        "warning[LEGO101]: no such file: `x`\n  = help: run `legonet explain LEGO101`"
    )


def test_the_bar_comes_after_long_line_numbers() -> None:
    source = SourceText("long.lego", "\n" * 122 + "x")
    lines = to_text(Diagnostic("LEGO104", "a message", Span(source, 122, 123))).split("\n")
    assert lines[1] == "   --> long.lego:123:1"
    assert [line.index("|") for line in lines[2:6]] == [4, 4, 4, 4]


def test_colours_change_no_letter() -> None:
    coloured = to_text(MISTAKE, colour=True)
    assert "\x1b[" in coloured
    plain = coloured
    for code in ("1;31", "1;33", "1;34", "1;36", "1", "0"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == to_text(MISTAKE)


def test_a_place_over_several_lines_marks_its_first_line() -> None:
    lines = to_text(Diagnostic("LEGO108", "a message", Span(SOURCE, 4, 20))).split("\n")
    assert lines[3:5] == ["1 | let a = 1", "  |     ^^^^^"]


@pytest.mark.parametrize("end", [len(SOURCE.text), len(SOURCE.text) - 1])
def test_a_place_at_the_end_of_the_text_has_one_caret(end: int) -> None:
    text = to_text(Diagnostic("LEGO104", "a message", Span(SOURCE, end, end)))
    assert text.count("^") == 1


@pytest.mark.parametrize("at", [0, 100, 150, 5_000, 9_990])
def test_of_a_long_line_the_part_around_the_mistake_is_shown(at: int) -> None:
    line = "." * at + "wrong" + "." * (10_000 - at)
    source = SourceText("long.lego", line)
    lines = to_text(Diagnostic("LEGO104", "a message", Span(source, at, at + 5))).split("\n")
    shown, pointer = (text.partition("| ")[2] for text in lines[3:5])
    assert len(shown) <= LONGEST_EXCERPT + 6
    start = pointer.index("^")
    assert shown[start : start + 5] == "wrong"
    assert pointer.count("^") == 5
    assert lines[1].endswith(f":1:{at + 1}")


def test_a_long_mark_is_cut_with_its_line() -> None:
    source = SourceText("long.lego", "x" * 10_000)
    lines = to_text(Diagnostic("LEGO104", "a message", Span(source, 10, 9_000), "here")).split("\n")
    assert len(lines[4]) < LONGEST_EXCERPT + 20
    assert lines[4].endswith("^ here")


def test_no_control_character_reaches_the_terminal() -> None:
    source = SourceText("a\x1b[2J.lego", "\x1b[31mx\u202e\x07")
    diagnostic = Diagnostic(
        "LEGO104", "bad\x1b[0m", Span(source, 5, 6), "\x07", ("\x9b",), (Trace("\x08", PLACE),)
    )
    assert all(letter.isprintable() or letter == "\n" for letter in to_text(diagnostic))


def test_the_summary_counts() -> None:
    assert summary([]) == "no mistakes"
    assert summary([MISTAKE]) == "1 error"
    assert summary([NOWHERE, NOWHERE]) == "2 warnings"
    assert summary([NOWHERE, MISTAKE, MISTAKE]) == "2 errors, 1 warning"


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(True)
    assert not wants_colour(False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(True)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(True)
