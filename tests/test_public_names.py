from __future__ import annotations

import subprocess
import sys

import pytest

import legonet


def test_every_exported_name_exists() -> None:
    for name in legonet.__all__:
        assert getattr(legonet, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="bulid"):
        legonet.bulid  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        "import legonet",
        "import legonet.graph, legonet.build, legonet.render",
        "import legonet.cli.main, legonet.cli.progress, legonet.cli.output",
        "import legonet; legonet.load, legonet.Workspace, legonet.DiagnosticError",
    ],
)
def test_what_does_not_compute_is_light(statement: str) -> None:
    heavy = "{'torch', 'torchvision', 'scipy', 'sklearn', 'PIL', 'graphviz', 'pygraphviz'}"
    code = f"import sys\n{statement}\nfound = {heavy} & set(sys.modules)\nassert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)
