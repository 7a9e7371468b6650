"""Every diagnostic has a long text, and the snippets in the texts are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import legonet
from legonet.diagnostics import CODES, Diagnostic
from legonet.graph import check_file

PROPER_NAMES = ("Graphviz",)
PACKAGE = Path(legonet.__path__[0])
TEXTS = PACKAGE / "diagnostics" / "codes"
SNIPPET = re.compile(r"^```lego\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_SPECS = sorted(name for name in CODES if name[4] in "123")
SNIPPETS = {name: SNIPPET.findall(CODES[name].explanation) for name in OF_SPECS}
WRONG = {name: found[0] for name, found in SNIPPETS.items() if found and name != "LEGO103"}
RIGHT = {name: found[-1] for name, found in SNIPPETS.items() if found and found[-1:] != found[:1]}
RIGHT["LEGO103"] = SNIPPETS["LEGO103"][0]  # it shows what to write instead


def used_codes() -> set[str]:
    sources = (path for path in PACKAGE.rglob("*.py") if TEXTS not in path.parents)
    return {
        code
        for path in sources
        for code in re.findall(r'"(LEGO\d{3})"', path.read_text(encoding="utf-8"))
    }


def test_every_code_that_is_used_has_a_long_text() -> None:
    assert sorted(used_codes() - set(CODES)) == []


def test_every_long_text_is_of_a_code_that_is_used() -> None:
    assert sorted(set(CODES) - used_codes()) == []


def test_no_code_is_registered_twice() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in TEXTS.glob("*.py"))
    registered = re.findall(r'^ {8}"(LEGO\d{3})",$', texts, re.MULTILINE)
    assert sorted(registered) == sorted(CODES)


@pytest.mark.parametrize("name", sorted(CODES))
def test_a_title_is_one_line_in_lower_case_without_a_full_stop(name: str) -> None:
    title = CODES[name].title
    assert title == title.strip()
    assert "\n" not in title
    assert not title.endswith(".")
    assert title[0].islower() or title.startswith(PROPER_NAMES)


@pytest.mark.parametrize("name", OF_SPECS)
def test_an_explanation_is_more_than_its_title(name: str) -> None:
    explanation = CODES[name].explanation
    assert len(explanation) > 200
    assert explanation.count("```") % 2 == 0


@pytest.mark.parametrize("name", sorted(WRONG))
def test_the_wrong_snippet_makes_this_mistake_alone(name: str, tmp_path: Path) -> None:
    assert [item.code for item in check(WRONG[name], tmp_path)] == [name]


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_the_right_snippet_is_right(name: str, tmp_path: Path) -> None:
    assert [item.message for item in check(RIGHT[name], tmp_path)] == []


def check(snippet: str, folder: Path) -> list[Diagnostic]:
    (folder / "common.lego").write_text("")
    spec = folder / "animals.lego"
    spec.write_text(snippet)
    return check_file(spec)[1]
