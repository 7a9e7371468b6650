"""A source and a model that another package registers are read, planned and built like ours."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.specs import broken, build_of, plan_of, write_spec

from legonet.building import Store
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, check_file, load

PLUGIN = Path(__file__).parents[1] / "plugin"

SPEC = """
data pictures { source: counted(log: "log.txt") }
network other {
  model: tiny(classes: 1)
  train { data: pictures, category: "3", epochs: 1, seed: 0 }
}
network net {
  model: tiny(classes: 1, channels: 8)
  train { data: pictures, category: "1", epochs: 1, seed: 0 }
}
category one { from: net, until: "features" }
task find { from: other, after: "features" }
adapter one -> find { samples: 4, method: stitching() }
"""


@pytest.fixture(autouse=True)
def other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with a source and a model."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


def codes(folder: Path, old: str, new: str) -> list[str]:
    assert old in SPEC
    return [item.code for item in check_file(write_spec(folder, SPEC.replace(old, new)))[1]]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('log: "log.txt"', 'log: "log.txt", shift: 3', None),
        ('log: "log.txt"', '"log.txt", 3', None),
        ('log: "log.txt"', 'log: "log.txt", shift: 300', "LEGO206"),
        ('log: "log.txt"', 'log: "log.txt", shfit: 3', "LEGO203"),
        ('log: "log.txt"', "", "LEGO205"),
        ("counted(", "countde(", "LEGO208"),
        ("counted(", "unready(", "LEGO208"),
        ("channels: 8", "channels: 0", "LEGO206"),
        ("channels: 8", "chanels: 8", "LEGO203"),
        ("tiny(classes: 1)", "tiny(classes: 2)", "LEGO306"),
        ("epochs: 1, seed: 0", "epochs: 1, seed: 0, goal: segmentation", "LEGO305"),
        ("tiny(classes: 1)", "function()", "LEGO208"),
    ],
)
def test_their_fields_are_checked_like_ours(
    tmp_path: Path, old: str, new: str, code: str | None
) -> None:
    found = codes(tmp_path, old, new)
    assert set(found) == ({code} if code else set())


def test_a_check_imports_no_torch_if_the_package_imports_it_late(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    program = (
        "import sys; from legonet.graph import check_file; from pathlib import Path;"
        "print(check_file(Path(sys.argv[1]))[1], {'torch', 'numpy'} & set(sys.modules))"
    )
    paths = os.pathsep.join((str(PLUGIN), os.environ.get("PYTHONPATH", "")))
    ran = subprocess.run(
        [sys.executable, "-c", program, str(spec)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[] set()"


def test_what_goes_wrong_when_it_is_opened_has_its_place(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC.replace("counted(log", "fails(log"))
    with pytest.raises(DiagnosticError) as refused:
        plan_of(spec)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "LEGO408"
    assert "`fails`" in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.line == 2


def test_their_arguments_and_the_model_s_version_are_part_of_the_key(tmp_path: Path) -> None:
    def keys(old: str, new: str) -> dict[str, str]:
        assert old in SPEC
        plan = plan_of(write_spec(tmp_path, SPEC.replace(old, new)))
        return {step.name: step.key for step in (*plan.networks, *plan.edges)}

    before = keys("channels: 8", "channels: 8")
    assert keys("counted(", "counted(shift: 0, ") == before
    moved = keys("log.txt", "other.txt")
    assert moved == before, "a path is no content"
    changed = keys("counted(", "counted(shift: 1, ")
    assert all(changed[name] != before[name] for name in before)
    wider = keys("channels: 8", "channels: 9")
    assert (wider["other"] == before["other"], wider["net"] == before["net"]) == (True, False)
    steps = plan_of(write_spec(tmp_path, SPEC)).networks
    model = dict(next(step for step in steps if step.name == "net").inputs["model"])
    assert list(model.pop("code")) == ["tiny_network.py"]
    assert model == {"call": "tiny", "classes": 1, "channels": 8, "version": 2}


def test_they_are_built_and_written_back(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    report = build_of(spec)
    assert broken(report) == []
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").count("train") == 2
    (network,) = (item for item in report.networks if item.step.name == "net")
    assert network.artifact is not None
    tensors = Store(tmp_path / ".legonet").tensors(network.artifact)
    assert tuple(tensors["features.0.weight"].shape) == (8, 3, 3, 3)
    graph: ModuleGraph = load(spec)
    graph.change("network", "net", model="tiny(classes: 1, channels: 16)")
    graph.change("data", "pictures", source='counted(log: "log.txt", shift: 2)')
    assert "tiny(classes: 1, channels: 16)" in graph.text()
    assert 'counted("log.txt", shift: 2)' in graph.text()
