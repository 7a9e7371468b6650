"""Tables and quantities as users read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legonet.cli.tables import INDENT, duration, lines, size

words = st.lists(st.text("abc", min_size=1, max_size=9), max_size=30).map(" ".join)


def test_columns_stand_below_each_other_and_empty_ones_are_left_out() -> None:
    rows = [("a", "", "1 s", "why"), ("bcd", "", "12 s", "")]
    assert list(lines(("what", "none", "time", "reason"), rows, 80, right=("time",))) == [
        "what  time  reason",
        "a      1 s  why",
        "bcd   12 s",
    ]


def test_a_table_without_rows_is_empty() -> None:
    assert list(lines(("what", "reason"), [], 80)) == []


def test_a_long_reason_is_folded_beside_its_row_or_below_it() -> None:
    rows = [("a", "one two three four five six seven eight nine")]
    assert list(lines(("what", "reason"), rows, 36)) == [
        "what  reason",
        "a     one two three four five six",
        "      seven eight nine",
    ]
    below = list(lines(("what", "reason"), [("a" * 20, rows[0][1])], 36))
    assert below[1:] == [
        "a" * 20,
        f"{INDENT}one two three four five six",
        f"{INDENT}seven eight nine",
    ]


@given(st.lists(st.tuples(st.text("xyz", max_size=30), words), max_size=5), st.integers(44, 100))
def test_no_line_is_wider_than_there_is_room_and_no_word_is_lost(
    rows: list[tuple[str, str]], width: int
) -> None:
    told = list(lines(("what", "reason"), rows, width))
    assert all(len(line) <= width for line in told)
    found = " ".join(" ".join(told).split())
    for name, text in rows:
        assert name in found
        assert all(word in found for word in text.split())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3599.0, "1 h"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (350 << 20, "350 MiB"),
        (1 << 30, "1.0 GiB"),
        (3 << 29, "1.5 GiB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert size(number) == text
