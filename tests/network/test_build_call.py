"""`legonet.build(..)` builds and opens a spec, and `legonet.build` stays a package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from standing_network import ROUTES, SEGMENTING, copied, standing

import legonet
from legonet import DiagnosticError, TransplantNetwork
from legonet.build import Event
from legonet.build.execution.resources import Resources

PICTURES = torch.rand(2, 3, 16, 16)


@pytest.fixture(scope="module")
def standing_spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return standing(tmp_path_factory.mktemp("standing"))


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps take place here, as the start of a process for each job takes seconds."""
    monkeypatch.setattr(
        Resources, "of_machine", classmethod(lambda cls, device, jobs: cls(device, jobs or 1))
    )


@pytest.mark.parametrize(
    "statements",
    [
        "import legonet; b = legonet.build; from legonet.build import Plan",
        "from legonet.build import Plan; import legonet; b = legonet.build",
        "import legonet.build.storage.store; from legonet import build as b, Workspace",
        "import legonet.build as b; from legonet import TransplantNetwork",
        "from legonet import *; b = build; from legonet.build import Plan",
    ],
)
def test_it_is_a_package_and_a_function_in_any_order_of_imports(statements: str) -> None:
    code = f"""
import sys
{statements}
assert 'torch' not in sys.modules or 'TransplantNetwork' in {statements!r} or '*' in {statements!r}
import legonet, legonet.build
assert b is legonet.build is sys.modules['legonet.build']
assert callable(b)
assert b.Workspace is legonet.Workspace
try:
    b('no such file.lego')
except legonet.DiagnosticError as error:
    assert 'no such file.lego' in str(error)
else:
    raise AssertionError
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_what_stands_is_opened(standing_spec_file: Path) -> None:
    network = legonet.build(standing_spec_file)
    assert isinstance(network, TransplantNetwork)
    assert network.report is not None
    assert not network.report.failed
    assert network.routes() == tuple(ROUTES)
    opened = TransplantNetwork.open(standing_spec_file)
    assert opened.report is None
    assert torch.equal(network.path("read_one")(PICTURES), opened.path("read_one")(PICTURES))


@pytest.mark.usefixtures("in_this_process")
def test_what_is_missing_is_built_into_the_store_that_is_named(
    standing_spec_file: Path, tmp_path: Path
) -> None:
    spec = copied(standing_spec_file, tmp_path)
    store = (tmp_path / ".legonet").rename(tmp_path / "elsewhere")
    edge = TransplantNetwork.open(spec, store=store).plan.edge("digit_1", "classify")
    assert edge is not None
    assert edge.artifact is not None
    edge.artifact.file.unlink()
    heard: list[Event] = []
    network = legonet.build(spec, store=store, device="cpu", jobs=1, progress=heard.append)
    assert {event.step.name for event in heard} == {"digit_1 -> classify"}
    assert network.report is not None
    outcomes = {item.step.name: item.outcome for item in network.report.edges}
    assert outcomes["digit_1 -> classify"] == "built"
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
def test_what_fails_is_told_and_the_others_answer(standing_spec_file: Path, tmp_path: Path) -> None:
    spec = copied(standing_spec_file, tmp_path)
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
