"""A program that edits graphs passes pyright's strict mode."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """\
from pathlib import Path

import legonet
from legonet.graph import FieldChange, GraphDifference, ModuleGraph, Value
from legonet.language import Key
from legonet.distill.methods import BackDistillation


def widened(graph: ModuleGraph, samples: int) -> ModuleGraph:
    fields: dict[str, Value] = {"samples": samples, "layers": [1, 3]}
    for category, task in graph.spec.adapters:
        graph.change("adapter", category, task, **fields)
    return graph


def edit(file: Path) -> tuple[Path, ...]:
    graph = legonet.load(file)
    before: ModuleGraph = graph.copy()
    graph.add("data", "pictures", source="digits()", size=16)
    graph.add("network", "lion", model="legonet.small_vgg(classes: 1)", train={"data": "pictures"})
    graph.add("category", "lion", network="lion", until="features.4")
    graph = graph.connect("lion", "classify", samples=20, method=BackDistillation(steps=3))
    graph.rename("network", "lion", "lion_net").remove("path", "finder", cascade=True)
    widened(graph, 4).disconnect("lion", "classify")
    difference: GraphDifference = before.diff(graph)
    changes: list[FieldChange] = [item for found in difference.changed.values() for item in found]
    nodes: list[Key] = list(graph.to_networkx().nodes)
    print(nodes, changes, difference, [item.message for item in graph.check()])
    return graph.save(file.with_name("copy.lego"), imports=False)
"""
WRONG = """\
import legonet

graph = legonet.ModuleGraph()
graph.rename("network", "lion", 3)
graph.add("adapter", "lion")
graph.add("netwrok", "lion")
graph.connect("lion", "classify", samples=object())
"""


def pyright(folder: Path, *programs: str) -> dict[str, list[int]]:
    """Check some programs together, and return the lines of each on which something is wrong."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed; it comes with the `dev` dependencies")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    names = [f"program_{number}.py" for number in range(len(programs))]
    for name, program in zip(names, programs, strict=True):
        (folder / name).write_text(program)
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    quiet = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    ran = subprocess.run(
        [*command, *names], cwd=folder, capture_output=True, text=True, env=quiet, check=False
    )
    if not ran.stdout.startswith("{"):
        pytest.skip(f"pyright cannot run here: {ran.stderr.strip().splitlines()[-1:]}")
    wrong: dict[str, list[int]] = {name: [] for name in names}
    for item in json.loads(ran.stdout)["generalDiagnostics"]:
        wrong[Path(item["file"]).name].append(item["range"]["start"]["line"] + 1)
    return wrong


def test_a_program_that_edits_a_graph_passes_and_one_with_mistakes_does_not(tmp_path: Path) -> None:
    found = pyright(tmp_path, RIGHT, WRONG)
    assert found["program_0.py"] == []
    assert sorted(set(found["program_1.py"])) == [4, 5, 6, 7]


def test_the_package_says_that_it_is_typed() -> None:
    package = importlib.util.find_spec("legonet")
    assert package is not None
    assert package.origin is not None
    assert Path(package.origin).with_name("py.typed").is_file()
