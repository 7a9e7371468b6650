"""The notebooks run from top to bottom in Jupyter, and show what they show in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from blocks import REPOSITORY
from shown_output import fits

NOTEBOOKS = sorted((REPOSITORY / "docs" / "notebook").glob("*.ipynb"))
LARGEST = 100_000
"""Bytes of a notebook with its outputs, as each change of them stays in the repository."""


def printed(cell: dict[str, Any]) -> str:
    outputs = [item for item in cell.get("outputs", ()) if item["output_type"] == "stream"]
    return "".join("".join(item["text"]) for item in outputs if item["name"] == "stdout")


def shown_kinds(cell: dict[str, Any]) -> list[str]:
    outputs = [item for item in cell.get("outputs", ()) if item["output_type"] != "stream"]
    kinds = {kind for item in outputs for kind in item["data"]}
    return sorted(kinds - {"image/jpeg"})  # which Pillow shows beside PNG, and is not kept


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
@pytest.mark.filterwarnings("default")  # of Jupyter's own packages
@pytest.mark.xdist_group("pages")
def test_a_notebook_shows_what_it_does(notebook: Path, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="a notebook needs nbclient and ipykernel")
    nbformat = pytest.importorskip("nbformat", reason="a notebook needs nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="a notebook needs nbclient and ipykernel")
    kept = nbformat.read(notebook, as_version=4)
    run = nbformat.read(notebook, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(run, timeout=600, kernel_name="python3", resources=place).execute()
    for cell, shown in zip(run.cells, kept.cells, strict=True):
        assert fits(printed(shown), printed(cell)), cell.source
        assert shown_kinds(shown) == shown_kinds(cell), cell.source


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_kept_small_and_names_no_machine(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    assert "/tmp/" not in text
    assert "file://" not in text
    assert "iopub" not in text, "it holds the times of its cells"
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
