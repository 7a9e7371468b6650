"""`legonet.build(..)` builds and opens a spec."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kit.specs import ROUTES, SEGMENTING
from kit.untrained import copy_spec

import legonet
from legonet import DiagnosticError, TransplantNetwork
from legonet.building import Event
from legonet.building.execution.resources import Resources

PICTURES = torch.rand(2, 3, 16, 16)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps take place here, as the start of a process for each job takes seconds."""
    monkeypatch.setattr(
        "legonet.network.transplant_network.default_resources",
        lambda device, jobs: Resources(device, jobs or 1),
    )


@pytest.mark.parametrize(
    "statements",
    [
        "import legonet; build = legonet.build",
        "from legonet.building import Plan; from legonet import build",
        "from legonet import *",
    ],
)
def test_it_is_a_function_in_any_order_of_imports(statements: str) -> None:
    code = f"""
{statements}
import legonet
assert build == legonet.build == legonet.TransplantNetwork.build
try:
    build('no such file.lego')
except legonet.DiagnosticError as error:
    assert 'no such file.lego' in str(error)
else:
    raise AssertionError
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_what_is_built_is_opened(spec: Path) -> None:
    network = legonet.build(spec)
    assert isinstance(network, TransplantNetwork)
    assert network.report is not None
    assert not network.report.failed
    assert network.routes() == tuple(ROUTES)
    opened = TransplantNetwork.open(spec)
    assert opened.report is None
    assert torch.equal(network.path("read_one")(PICTURES), opened.path("read_one")(PICTURES))


@pytest.mark.usefixtures("in_this_process")
def test_what_is_missing_is_built_into_the_store_that_is_named(spec: Path, tmp_path: Path) -> None:
    spec = copy_spec(spec, tmp_path)
    store = (tmp_path / ".legonet").rename(tmp_path / "elsewhere")
    edge = TransplantNetwork.open(spec, store=store).plan.edge("digit_1", "classify")
    assert edge is not None
    assert edge.artifact is not None
    edge.artifact.file.unlink()
    heard: list[Event] = []
    network = legonet.build(spec, store=store, device="cpu", jobs=1, progress=heard.append)
    assert {event.step.name for event in heard} == {"digit_1 -> classify"}
    assert network.report is not None
    (result,) = (item for item in network.report.edges if item.step.name == "digit_1 -> classify")
    assert result.artifact is not None
    # The networks are random: an edge at chance fails, and is kept.
    assert result.outcome == ("built" if result.artifact.failure is None else "failed")
    assert not network.plan.to_build
    assert network(PICTURES, category="digit_1", task="classify").shape == (2, 1)
    assert not (tmp_path / ".legonet").exists()


FAILING = """
adapter digit_3 -> ink { layers: [conv(1)], teacher: ink_3 }
""".strip()
WILD = """
adapter digit_3 -> ink {
  teacher: ink_3
  method: back_distillation(init: default, weight: 1e300, pairs: 8, steps: 5)
  samples: 4
}
""".strip()


@pytest.mark.usefixtures("in_this_process")
def test_what_fails_is_reported_and_the_others_answer(spec: Path, tmp_path: Path) -> None:
    spec = copy_spec(spec, tmp_path)
    spec.write_text(SEGMENTING.replace(FAILING, WILD))
    network = legonet.build(spec)
    assert network.report is not None
    (failed,) = network.report.failed
    reason = failed.diagnostics[0].message
    assert set(network.run(PICTURES)) == {*ROUTES} - {("digit_3", "ink")}
    with pytest.raises(DiagnosticError, match="`digit_3 -> ink` is not built") as caught:
        network.route("digit_3", "ink")
    assert caught.value.diagnostics[0].help[0] == f"it failed: {reason}"
    with pytest.raises(DiagnosticError) as strictly:
        legonet.build(spec, strict=True)
    assert reason in str(strictly.value)


def test_a_spec_with_mistakes_builds_nothing(tmp_path: Path) -> None:
    spec = tmp_path / "wrong.lego"
    spec.write_text("network n { modle: legonet.small_vgg(classes: 1) }")
    with pytest.raises(DiagnosticError, match="modle"):
        legonet.build(spec)
    assert not (tmp_path / ".legonet").exists()


def test_a_device_that_is_not_there_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        legonet.build(tmp_path / "none.lego", device="cuda:99")
    assert caught.value.diagnostics[0].code == "LEGO745"
