"""Answers as a table, on wide and on narrow terminals."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from legonet.cli.commands.predict import _Row, _table
from legonet.cli.tables import console
from legonet.network.prediction import GivenPicture, Prediction

FILE = "a/long/way/to/a/picture.jpg"
YES = Prediction(GivenPicture(FILE, Path(FILE)), "cat", "classify", "cat", {"cat": 0.934})
NO = replace(YES, answer=None, probabilities={"cat": 0.25})
MASK = replace(YES, task="outline", probabilities={}, shares={"cat": 0.5})
NOTHING = replace(MASK, answer=None, shares={"cat": 0.0})
LABEL = replace(YES, task="which", answer="dog", probabilities={"cat": 0.2, "dog": 0.8})


def shown(*predictions: Prediction, width: int) -> list[str]:
    output = console()
    output.width, output.file = width, StringIO()
    rows = [_Row(prediction, {}) for prediction in predictions]
    output.print(_table(rows, {("cat", "classify"): "pet_finder"}))
    assert isinstance(output.file, StringIO)
    return [line.rstrip() for line in output.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (YES, ["pet_finder", "cat", "93.4 %"]),
        (NO, ["pet_finder", "not cat", "75.0 %"]),
        (MASK, ["cat -> outline", "cat", "50.0 % px"]),
        (NOTHING, ["cat -> outline", "not cat", "0.0 % px"]),
        (LABEL, ["cat -> which", "dog", "80.0 %"]),
    ],
)
def test_a_line_says_what_is_answered_and_how_surely(
    prediction: Prediction, expected: list[str]
) -> None:
    _, line = shown(prediction, width=100)
    assert [cell.strip() for cell in line.split("  ") if cell] == [FILE, *expected]


@pytest.mark.parametrize(
    "name", ["[red]r.png", ":smile:.png", "x[/b].png", "[link=x]y.png", "a[0].png", "\\[b].png"]
)
def test_names_are_shown_as_they_are(name: str) -> None:
    named = replace(YES, picture=GivenPicture(name, Path(name)), category=name, answer=name)
    _, line = shown(named, width=120)
    assert line.count(name) == 3


def test_a_narrow_terminal_loses_nothing() -> None:
    lines = shown(YES, MASK, width=40)
    assert all(len(line) <= 40 for line in lines)
    letters = "".join("".join(lines).split())
    for word in ("93.4%", "50.0%px", "cat"):
        assert word in letters
