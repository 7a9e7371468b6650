"""Diagnostics as data: order, places, similar names."""

from __future__ import annotations

import pytest

from legonet.diagnostics import (
    Diagnostic,
    DiagnosticError,
    SourceText,
    Span,
    Trace,
    did_you_mean,
    in_order,
    shortened,
)

TEXT = SourceText("b.lego", "one\ntwo\r\nthrée\n\nend")


@pytest.mark.parametrize(
    ("offset", "place"),
    [(0, (1, 1)), (2, (1, 3)), (3, (1, 4)), (4, (2, 1)), (9, (3, 1)), (15, (4, 1)), (19, (5, 4))],
)
def test_positions_count_from_one_in_characters(offset: int, place: tuple[int, int]) -> None:
    assert TEXT.position(offset) == place


def test_lines_come_without_their_ends() -> None:
    assert [TEXT.line(number) for number in range(1, 6)] == ["one", "two", "thrée", "", "end"]


def test_spans_join() -> None:
    joined = Span(TEXT, 1, 2).to(Span(TEXT, 5, 6))
    assert (joined.start, joined.end) == (1, 6)
    assert (joined.line, joined.column, joined.end_line, joined.end_column) == (1, 2, 2, 3)


def test_diagnostics_are_sorted_by_file_and_place() -> None:
    other = SourceText("a.lego", "one")
    late = Diagnostic("LEGO104", "late", Span(TEXT, 5, 6))
    early = Diagnostic("LEGO209", "early", Span(TEXT, 1, 2))
    elsewhere = Diagnostic("LEGO209", "elsewhere", Span(other, 2, 3))
    nowhere = Diagnostic("LEGO101", "nowhere")
    assert in_order([late, early, elsewhere, nowhere]) == [nowhere, elsewhere, early, late]


def test_a_diagnostic_that_loops_repeat_is_told_once_with_its_first_trace() -> None:
    turns = [
        Diagnostic("LEGO203", "same", Span(TEXT, 1, 2), trace=(Trace(str(turn), Span(TEXT, 0, 1)),))
        for turn in range(3)
    ]
    assert in_order(turns) == turns[:1]


def test_a_place_is_given_once() -> None:
    plain = Diagnostic("LEGO101", "a message")
    placed = plain.at(Span(TEXT, 1, 2))
    assert placed.span == Span(TEXT, 1, 2)
    assert placed.at(Span(TEXT, 3, 4)) is placed
    assert plain.at(None) is plain


def test_an_error_carries_its_diagnostics_and_reads_as_what_to_do() -> None:
    one = DiagnosticError.of("LEGO101", "one", help=["do this"])
    assert one.diagnostics == (Diagnostic("LEGO101", "one", help=("do this",)),)
    both = DiagnosticError(*one.diagnostics, Diagnostic("LEGO102", "two"))
    assert str(both) == "one [LEGO101]\n  help: do this\ntwo [LEGO102]"
    placed = DiagnosticError.of("LEGO101", "one", span=Span(TEXT, 1, 2))
    assert str(placed) == f"{TEXT.path}:1: one [LEGO101]"


def test_a_similar_name_is_the_nearest_one() -> None:
    names = ["model", "init", "weights", "train"]
    assert did_you_mean("modle", names, "field") == ("a field with a similar name exists: `model`",)
    assert did_you_mean("xyzzy", names, "field") == ()
    assert did_you_mean("MODEL", names, "argument") == (
        "an argument with a similar name exists: `model`",
    )


def test_a_long_text_is_cut_and_stays_on_one_line() -> None:
    assert shortened("plain") == "plain"
    assert shortened("a\nb\tc\x1b") == r"a\nb\tc\x1b"
    assert shortened("x" * 100) == "x" * 57 + "..."
