"""What CONTRIBUTING.md says about where things go is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
PART = TEXT[TEXT.index("**Where things go.**") : TEXT.index("**How we write.**")]
ROWS = [line.strip("| ").split(" | ") for line in PART.splitlines() if line.startswith("| ")][2:]
REGISTERED = re.compile(r"its line in `(\w+)` in `([^`]+)`")
GROUP = re.compile(r"\"(legonet\.\w+)\",")


def registries() -> set[str]:
    """Return the registries that other packages can add to, each with its file."""
    found = set()
    for file in sorted((REPOSITORY / "legonet").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for name, call in re.findall(r"^(\w+): Registry\[\w+\] = Registry\(([^{]*)", text, re.M):
            if GROUP.search(call):
                found.add(f"{name} in {file.relative_to(REPOSITORY).as_posix()}")
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_files_that_exist(row: list[str]) -> None:
    paths = re.findall(r"`((?:legonet|grammar|docs|tests)/[^`]*)`", row[1])
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize("row", [row for row in ROWS if REGISTERED.search(row[1])], ids=str)
def test_the_registry_that_a_row_names_is_where_it_says(row: list[str]) -> None:
    for name, path in REGISTERED.findall(row[1]):
        text = (REPOSITORY / path).read_text(encoding="utf-8")
        assert re.search(rf"^{name}: Registry\[\w+\] = Registry\($", text, re.M), (name, path)


def test_every_registry_that_packages_can_add_to_has_a_row() -> None:
    rows = {f"{name} in {path}" for row in ROWS for name, path in REGISTERED.findall(row[1])}
    assert registries()
    assert registries() <= rows
