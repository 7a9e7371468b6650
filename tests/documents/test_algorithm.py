"""The page about the algorithm names functions that exist, and figures that were measured."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import pairwise
from operator import attrgetter
from pathlib import Path

import pytest

from legonet.distill.edges import solve
from legonet.distill.methods import transplant
from legonet.distill.methods.back_distillation import PRESETS
from legonet.distill.starts import solved
from legonet.distill.training import objective

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "algorithm.md").read_text(encoding="utf-8")
MEASURED = (DOCS / "measurements.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`(legonet\.[\w.]+)`", PAGE)))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_that_it_names_exists(name: str) -> None:
    home, classes = re.fullmatch(r"((?:[a-z_]+\.)+?)((?:[A-Z]\w+\.)?\w+)", name).groups()
    assert attrgetter(classes)(import_module(home.rstrip(".")))


def test_every_formula_has_a_function_named_beside_it() -> None:
    prose = PAGE.split("$$")[::2]
    assert len(prose) > 12
    for before, after in pairwise(prose):
        assert "`legonet." in before + after, before[-80:]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (transplant.RELATED, r"$R^2 \ge {}$"),
        (solved.CORRESPONDING, "a matched correlation of {} on"),
        (solve.PULL, r"R + {:.0f} \bar m"),
        (objective.FEW, "Of up to {} pictures"),
    ],
)
def test_a_number_of_the_code_is_the_one_that_it_says(value: float, said: str) -> None:
    assert said.format(value) in " ".join(PAGE.split())


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_the_ones_in_the_table(preset: str) -> None:
    heads, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.split("## The paper's experiments")[1].splitlines()
        if line.startswith("|") and "---" not in line
    )
    place = heads.index(f"`{preset}`")
    table = {row[0]: row[place] for row in rows if len(row) == len(heads)}
    values = PRESETS[preset]
    grid = values["output_grid"]
    random = (
        f"uniform, a ${grid} \\times {grid}$ map" if grid > 1 else "uniform, the output's shape"
    )
    assert table["$G'$"] == ("1" if values["output_gradient"] == "constant" else random)
    assert (
        table["ReLUs with maps"]
        == {"all": "all", "lowest": "the lowest one"}[values["relu_places"]]
    )
    assert float(table["share of ones"]) == values["positive_share"]
    assert table["one map for all channels"] == ("yes" if values["channel_shared"] else "no")
    assert table["$\\lambda$"] == f"${values['weight']:g} / E[D'_T]$"


def test_figures_stand_in_the_measurements() -> None:
    compared = PAGE.split("Where legonet differs")[1].split("\n## ")[0]
    figures = re.findall(r"(\d+\.\d) %", compared)
    assert len(figures) >= 4
    assert [figure for figure in figures if f"| {figure} ±" not in MEASURED] == []
