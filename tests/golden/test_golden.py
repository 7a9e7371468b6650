"""What users read for each mistake, word for word, as the pages in ``docs/diagnostics`` show it.

With ``LEGONET_UPDATE_GOLDEN=1`` in the environment the pages are rewritten; read the difference
before you keep it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner
from kit.golden import PAGES, Case, cases_of

from legonet.cli.main import application
from legonet.diagnostics import CODES
from legonet.language import library

TESTS = Path(__file__).parents[1]
CASES = [case for page in PAGES for case in cases_of(page)]

ELSEWHERE = {
    "LEGO103": "language/test_hostile.py",
    "LEGO109": "language/test_hostile.py",
    "LEGO216": "language/test_override.py",
    "LEGO217": "language/test_override.py",
}
"""Codes that no short file can show: of files too large, and of ``--set``."""

OF_SHAPES = {
    *("LEGO501", "LEGO504", "LEGO505", "LEGO509", "LEGO510", "LEGO511", "LEGO512", "LEGO513"),
    *("LEGO514", "LEGO515", "LEGO516", "LEGO520", "LEGO521", "LEGO522", "LEGO523", "LEGO524"),
    "LEGO707",
    *("LEGO601", "LEGO603", "LEGO605", "LEGO610"),
}
"""Codes that need no more than a spec and its weight files."""

SEVERAL = {
    *("empty.lego", "comment_only.lego", "no_mistakes.lego"),  # no mistake
    *("several_mistakes.lego", "several_syntax_mistakes.lego"),
    *("kernel_without_conv.lego", "mistake_in_loop.lego", "path_of_unknown_names.lego"),
    *("grid_of_a_segmenter.lego", "no_linear_surrogate.lego"),
}
"""Specs with another number of mistakes than one."""


@pytest.fixture(autouse=True)
def without_timm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show what users read who have not installed timm, whether it is installed here or not."""
    monkeypatch.setattr(
        library, "find_spec", lambda name: None if name == "timm" else find_spec(name)
    )
    library.library_models.cache_clear()
    yield
    library.library_models.cache_clear()


def assert_shown(case: Case) -> None:
    """Check the files of a case in the current folder, and compare with what the page shows."""
    case.write(Path())
    arguments = ["check", *["--shapes"] * case.shapes, case.spec]
    finished = CliRunner().invoke(application, arguments)
    printed = finished.output.replace(f"{Path.cwd()}{os.sep}", "")
    if os.environ.get("LEGONET_UPDATE_GOLDEN") and printed != case.shown:
        case.update(printed)
        pytest.fail(f"{case.page.name} was rewritten; run again without LEGONET_UPDATE_GOLDEN")
    assert printed == case.shown
    assert finished.exit_code == ("error[" in printed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_page_shows_what_is_printed(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.shapes and os.environ.get("LEGONET_TESTS_WITHOUT_TORCH"):
        pytest.skip("shapes need torch")
    shutil.copytree(Path(__file__).parent / "parts", tmp_path / "parts")
    monkeypatch.chdir(tmp_path)
    assert_shown(case)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unknown field `sise`", "unknown field `size`"),
        (":1:35\n", ":1:36\n"),
        ("\n1 error\n", "\n2 errors\n"),
        ("\n1 error\n", "\n1 error\n\n"),
        ("sise: 16 }\n```", "size: 16 }\n```"),
    ],
)
def test_a_page_that_shows_something_else_is_found_and_rewritten(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEGONET_UPDATE_GOLDEN", raising=False)
    right = (PAGES[0].parent / "fields.md").read_text(encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(right.replace(old, new, 1), encoding="utf-8")
    assert page.read_text(encoding="utf-8") != right
    with pytest.raises(AssertionError):
        assert_shown(cases_of(page)[0])
    monkeypatch.setenv("LEGONET_UPDATE_GOLDEN", "1")
    with pytest.raises(pytest.fail.Exception, match=r"page\.md was rewritten"):
        assert_shown(cases_of(page)[0])
    assert_shown(cases_of(page)[0])


@pytest.mark.parametrize(
    "section",
    [
        "```lego\n```\n",  # no command
        "```console\n$ legonet check a.lego\n```\n",  # no spec
        "```lego\n```\n\n```console\n$ legonet build a.lego\n```\n",
        "```lego\n```\n\n```lego\n```\n\n```console\n$ legonet check a.lego\n```\n",
        "```lego\n```\n" + "\n```console\n$ legonet check a.lego\n```\n" * 2,
    ],
)
def test_a_section_that_is_no_case_is_found(section: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n## Case\n\n{section}", encoding="utf-8")
    with pytest.raises(AssertionError, match="page: Case"):
        cases_of(page)


def test_every_code_that_a_check_can_report_has_a_case() -> None:
    shown = set(re.findall(r"\[(LEGO\d{3})\]", "".join(case.shown for case in CASES)))
    assert {name for name in CODES if name[4] in "123"} | OF_SHAPES == shown | set(ELSEWHERE)
    for name, file in ELSEWHERE.items():
        assert name in (TESTS / file).read_text(encoding="utf-8")


def test_a_mistake_makes_one_error() -> None:
    several = {
        case.spec for case in CASES if not case.shown.endswith(("\n1 error\n", "\n1 warning\n"))
    }
    assert several == SEVERAL


def test_each_case_has_a_name_of_its_own_and_some_prose() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.spec for case in CASES}) == len(CASES)
    for page in PAGES:
        for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
            _, prose, _ = section.split("\n\n", 2)
            assert prose.endswith((".", "?")), f"{page.name}: {section}"
            assert not prose.startswith("```"), f"{page.name}: {section}"
