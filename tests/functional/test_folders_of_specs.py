"""``legonet check`` and ``legonet fmt`` of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import document, legonet

RIGHT = 'let cut = "features.4"\n'
UNTIDY = 'let   cut = "features.4"\n'
WRONG = "data digits { sise: 3 }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (
        ("b.lego", RIGHT),
        ("deeper/still/a.lego", UNTIDY),
        (".legonet/hidden.lego", WRONG),
        ("notes.txt", WRONG),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "around").symlink_to(tmp_path)
    return tmp_path


def test_all_specs_below_are_checked_and_nothing_else(folder: Path) -> None:
    finished = legonet(folder, "check", ".")
    assert (finished.returncode, finished.stdout) == (0, "2 specs checked, no mistakes\n")
    (folder / "deeper" / "wrong.lego").write_text(WRONG)
    found = document(legonet(folder, "check", "deeper", "--json"))["diagnostics"]
    assert {item["file"] for item in found} == {"deeper/wrong.lego"}


def test_all_specs_below_are_formatted(folder: Path) -> None:
    finished = legonet(folder, "fmt", "--check", ".")
    assert finished.returncode == 1
    assert "would format deeper/still/a.lego" in finished.stderr
    assert legonet(folder, "fmt", ".").returncode == 0
    assert (folder / "deeper" / "still" / "a.lego").read_text() == RIGHT
    assert (folder / ".legonet" / "hidden.lego").read_text() == WRONG


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_a_folder_without_specs_is_told(command: str, tmp_path: Path) -> None:
    finished = legonet(tmp_path, command, ".")
    assert finished.returncode == 1
    assert "no spec" in finished.stderr


def test_check_says_why_it_does_not_read_standard_input(tmp_path: Path) -> None:
    finished = legonet(tmp_path, "check", "-")
    assert finished.returncode == 2
    assert "reads files" in finished.stderr
