"""Executors by their names: our own, and those of another package."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from queue import SimpleQueue

import pytest
from click.testing import CliRunner
from kit.specs import build_of, write_spec

from legonet.building import Store
from legonet.building.execution.executor import EXECUTORS, default_resources, open_executor
from legonet.building.execution.resources import Resources
from legonet.cli.commands.build import build
from legonet.diagnostics import Diagnostic, DiagnosticError


@pytest.fixture
def other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with executors."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "plugin")
    importlib.invalidate_caches()


@pytest.mark.usefixtures("other_package")
def test_an_executor_of_another_package_builds_the_same(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    ours = build_of(write_spec(tmp_path / "ours"))
    spec = write_spec(tmp_path)
    told = CliRunner().invoke(build, [str(spec), "--executor", "serial", "--json"])
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert {item["action"] for item in report["networks"]} == {"built"}
    store = Store(tmp_path / ".legonet")
    for item in (*ours.networks, *ours.edges):
        if item.artifact is not None:
            found = store.find(item.step.kind, item.step.key)
            assert found is not None
            assert found.sha256 == item.artifact.sha256
    lines = (store.folder / "events.jsonl").read_text().splitlines()
    assert {"progress", "loss", "finished"} <= {json.loads(line)["event"] for line in lines}


@pytest.mark.usefixtures("other_package")
def test_the_command_offers_it(tmp_path: Path) -> None:
    told = CliRunner().invoke(build, [str(write_spec(tmp_path)), "--executor", "slurm"])
    assert told.exit_code == 2
    assert "expected one of local, processes, threads, ray, serial, " in told.stderr


@pytest.mark.parametrize(("device", "name"), [("cpu", "processes"), ("cuda:1", "threads")])
def test_the_device_has_a_default(device: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legonet.building.execution.executor.memory_at_hand", lambda device: 9)
    assert default_resources(device, 3) == Resources(device, 3, memory=9, executor=name)
    # A cluster has what it has.
    there = default_resources(device, executor="ray", address="head:6379")
    assert there == Resources(device, 0, executor="ray", address="head:6379")


def test_every_executor_says_what_it_is() -> None:
    assert all(EXECUTORS.get(name).summary for name in EXECUTORS.names)


@pytest.mark.usefixtures("other_package")
def test_one_that_cannot_be_used_is_a_diagnostic(tmp_path: Path) -> None:
    def refusal(name: str) -> Diagnostic:
        with pytest.raises(DiagnosticError) as caught:
            open_executor(Resources(executor=name), Store(tmp_path), SimpleQueue())
        (found,) = caught.value.diagnostics
        assert found.code == "LEGO740"
        return found

    assert "found `serail`" in refusal("serail").message
    assert "`serial`" in refusal("serail").help[0]
    assert "`lost` cannot be used: ModuleNotFoundError" in refusal("lost").message
    assert "`nowhere_to_be_found` is not installed" in refusal("fancy").message
    assert refusal("fancy").help == ("pip install 'odd-networks[fancy]'",)


def test_without_ray_one_is_told_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DiagnosticError) as caught:
        open_executor(Resources(executor="ray"), Store(tmp_path), SimpleQueue())
    assert caught.value.diagnostics[0].help == ("pip install 'legonet[ray]'",)
