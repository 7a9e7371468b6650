"""What the README shows, and the pages that it leaves it to, is what the project does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from legonet.cli.main import COMMANDS
from legonet.graph import check_file

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
INDEX = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
TUTORIAL = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_tutorial_shows_the_quickstart_as_it_is() -> None:
    quickstart = (REPOSITORY / "specs" / "quickstart.lego").read_text(encoding="utf-8")
    assert quickstart in blocks("lego", TUTORIAL)
    assert "(docs/tutorial.md#the-quickstart-in-full)" in README


@pytest.mark.parametrize("number", range(len(blocks("lego"))))
def test_every_spec_in_it_is_without_mistakes(tmp_path: Path, number: int) -> None:
    spec = tmp_path / "readme.lego"
    spec.write_text(blocks("lego")[number], encoding="utf-8")
    _, diagnostics = check_file(spec)
    assert diagnostics == []


def test_the_index_names_every_command() -> None:
    commands = set(COMMANDS)
    assert commands == set(re.findall(r"^\| `legonet (\w+)", INDEX, re.MULTILINE))
    assert "(docs/README.md#the-command-line)" in README


def test_commands_that_it_names_exist() -> None:
    named = set(re.findall(r"`legonet (\w+)", README))
    assert {"build", "check", "plan"} <= named <= set(COMMANDS)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_file_that_it_links_exists(link: str) -> None:
    assert (REPOSITORY / link).exists()


def test_it_names_the_two_commands_first() -> None:
    first = re.search(r"^\$ (\S+).*\n\$ (\S+)", README, re.MULTILINE)
    assert first is not None
    assert first.groups() == ("tools/demo", "tools/test")


def test_the_demo_leaves_the_working_tree_clean() -> None:
    drawn = re.findall(r"-o (\S+)", (REPOSITORY / "tools" / "demo").read_text(encoding="utf-8"))
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert len(drawn) == 2
    assert {f"/{file}" for file in drawn} <= set(ignored)
