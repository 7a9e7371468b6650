"""What `legonet` offers, and what other packages extend, is documented and is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import legonet

REPOSITORY = Path(__file__).parents[1]
API = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
EXTENDING = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")

DOCUMENTED = re.findall(r"^## `(legonet\.[\w.]+)`$", API, re.MULTILINE)
EXTENDED = re.findall(r"`(legonet\.[\w.]+\.[A-Z]\w+)`", EXTENDING)
GROUPS = re.findall(r"^\|.*\| `(legonet\.\w+)` \|", EXTENDING, re.MULTILINE)


def at(path: str) -> Any:
    """Return what there is at a documented place."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name == "torch" and os.environ.get("LEGONET_TESTS_WITHOUT_TORCH"):
            pytest.skip(f"{path} needs torch")
        raise


def test_what_is_exported_is_what_is_documented() -> None:
    offered = {path for path in DOCUMENTED if path.count(".") == 1}
    assert {f"legonet.{name}" for name in legonet.__all__} == offered | {"legonet.__version__"}
    assert list(legonet.__all__) == sorted(legonet.__all__)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_what_is_documented_is_there(path: str) -> None:
    assert at(path) is not None


@pytest.mark.parametrize("path", EXTENDED)
def test_what_other_packages_extend_is_there(path: str) -> None:
    assert isinstance(at(path), type)


def test_every_entry_point_is_documented() -> None:
    """A new registry that other packages can add to has a row in docs/extending.md."""
    texts = "".join(file.read_text() for file in (REPOSITORY / "legonet").rglob("*.py"))
    groups = re.findall(r'Registry\(\s*(?:\w+,\s*)?"(legonet\.\w+)"', texts)
    assert sorted(groups) == sorted(GROUPS)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="bulid"):
        legonet.bulid  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        "import legonet",
        "import legonet.graph, legonet.building, legonet.render",
        "import legonet.cli.main, legonet.cli.progress, legonet.cli.output",
        "import legonet; legonet.load, legonet.Workspace, legonet.DiagnosticError",
    ],
)
def test_what_does_not_compute_is_light(statement: str) -> None:
    heavy = "{'torch', 'torchvision', 'scipy', 'sklearn', 'PIL', 'graphviz', 'pygraphviz'}"
    code = f"import sys\n{statement}\nfound = {heavy} & set(sys.modules)\nassert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)
