"""No import is hidden from import-linter, which holds the layers in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import legonet

PACKAGE = Path(legonet.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_module_of_legonet_is_imported_by_its_name(file: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    named = [
        call.args[0].value
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] in ("import_module", "__import__", "imported")
        and isinstance(call.args[0], ast.Constant)
    ]
    assert [name for name in named if str(name).startswith("legonet")] == []


def test_a_graph_shows_itself_in_a_notebook_whatever_was_imported() -> None:
    statements = "from legonet.graph import ModuleGraph; print(ModuleGraph()._repr_svg_()[:4])"
    shown = subprocess.run(
        [sys.executable, "-c", statements], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "<svg\n"
