"""The paper's own figures, beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from figures import mean_of, of_student, of_teacher, teachers
from methods import method_of
from runs import Run

FILE = Path(__file__).with_name("paper.json")


@dataclass(frozen=True)
class PaperRow:
    """A row of one of the paper's tables.

    Args:
        samples: Labelled pictures.
        method: As `Method.label` has it.
        figures: One for each animal, in %, with the decimals that the paper prints.
        mean: As the paper prints it, for tables 1 and 2 the mean of the figures.
    """

    samples: int
    method: str
    figures: tuple[str, ...]
    mean: str


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables.

    Args:
        animals: Its columns.
        teachers: What the animals' own networks reach, in %.
        rows: Its rows, from top to bottom.
    """

    animals: tuple[str, ...]
    teachers: tuple[str, ...]
    rows: tuple[PaperRow, ...]


def source() -> str:
    """Return where the figures are from."""
    return str(_document()["source"])


def paper_table(table: int) -> PaperTable:
    """Return one of the paper's tables.

    Args:
        table: Its number, 1 to 4.
    """
    found = _document()["tables"][str(table)]
    rows = (PaperRow(**{**row, "figures": tuple(row["figures"])}) for row in found["rows"])
    return PaperTable(tuple(found["animals"]), tuple(found["teachers"]), tuple(rows))


def beside_the_paper(table: int, runs: Sequence[Run]) -> Iterator[str]:
    """Give a table with two lines for each of the paper's rows: the paper's and ours.

    Args:
        table: Its number.
        runs: Ours of the same table, at one scale.
    """
    paper = paper_table(table)
    common = [run for run in runs if not run.apart and not run.unlabelled and not run.look]
    yield "| samples | method | of | " + " | ".join(paper.animals) + " | mean |"
    yield "| --- | --- | --- |" + " --- |" * (len(paper.animals) + 1)
    theirs = [*paper.teachers, f"{fmean(map(float, paper.teachers)):.1f}"]
    yield _line("", "*the teachers*", "the paper", theirs)
    own = teachers(common)
    cells = [_ours([run for run in own if run.category == name], True) for name in paper.animals]
    yield _line("", "*the teachers*", "ours", [*cells, _ours(own, True)])
    for row in paper.rows:
        theirs = [*row.figures, row.mean]
        yield _line(row.samples, row.method, "the paper", theirs)
        own = [
            run
            for run in common
            if run.samples == row.samples and method_of(run.variant).label == row.method
        ]
        cells = [_ours([run for run in own if run.category == name]) for name in paper.animals]
        yield _line(row.samples, row.method, "ours", [*cells, _ours(own)])


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def _line(samples: object, method: str, whose: str, cells: Sequence[str]) -> str:
    return f"| {samples} | {method} | {whose} | {' | '.join(cells)} |"


def _ours(runs: Sequence[Run], teacher: bool = False) -> str:
    mean = mean_of(runs, of_teacher if teacher else of_student)
    return "-" if mean is None else str(mean)
