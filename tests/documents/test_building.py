"""The page about building names every option, every event and every file of a store."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from kit.specs import build_of, write_spec

import legonet
from legonet.building import Event
from legonet.cli.commands.build import build

PAGE = (Path(__file__).parents[2] / "docs" / "building.md").read_text(encoding="utf-8")
ELSEWHERE = {"--set", "--json", "--address"}
"""Options that other pages have, and one that is in an example."""


def test_every_option_of_a_build_is_named() -> None:
    options = {name for item in build.params for name in item.opts if name.startswith("--")}
    named = set(re.findall(r"^\| `(--[a-z]+)", PAGE, re.MULTILINE))
    assert named == options - ELSEWHERE
    assert "--address" in PAGE


def test_every_event_is_named() -> None:
    for kind in get_args(get_type_hints(Event)["kind"]):
        assert f"`{kind}`" in PAGE


def test_every_file_of_a_store_is_named(tmp_path: Path) -> None:
    assert not build_of(write_spec(tmp_path)).failed
    found = {item.name for item in (tmp_path / ".legonet").iterdir()}
    for name in found - {".gitignore", "locks"}:
        assert re.search(rf"`{name}[/`]", PAGE), name


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_python_on_the_page_uses_names_that_exist(block: str) -> None:
    tree = ast.parse(block)
    used = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "legonet"
    ]
    assert used
    assert all(hasattr(legonet, name) for name in used)
