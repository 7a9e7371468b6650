"""A goal that another package registers is read, planned, measured and shown like ours."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from kit.specs import broken, build_of, plan_of, write_spec
from torch import Tensor

from legonet import TransplantNetwork
from legonet.cli.tables import error
from legonet.graph import check_file, load
from legonet.graph.state import error_of
from legonet.network.export.application import Application

PLUGIN = Path(__file__).parents[1] / "plugin"

SPEC = """
data pictures { source: digits() }
network other {
  model: careful_tiny(classes: 1)
  train { data: pictures, category: "3", goal: careful, epochs: 1, seed: 0 }
}
network net {
  model: careful_tiny(classes: 1)
  train { data: pictures, category: "1", goal: careful, epochs: 1, seed: 0 }
}
category one { from: net, until: "features" }
task find { from: other, after: "features" }
adapter one -> find { samples: 4, method: stitching() }
"""


@pytest.fixture(autouse=True)
def other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with a goal."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("", "", []),
        ("goal: careful", "goal: carefull", ["LEGO206", "LEGO206"]),
        ("goal: careful", "goal: unready", ["LEGO206", "LEGO206"]),
        ("goal: careful", "goal: segmentation", ["LEGO305", "LEGO305"]),
        ("careful_tiny(", "legonet.small_vgg(", ["LEGO305", "LEGO305"]),
        ('category: "1", goal: careful', 'category: "1", goal: classification', None),
    ],
)
def test_its_name_is_checked_like_ours(
    tmp_path: Path, old: str, new: str, codes: list[str] | None
) -> None:
    spec = write_spec(tmp_path, SPEC.replace(old, new) if old else SPEC)
    found = check_file(spec)[1]
    if codes is None:
        assert {item.code for item in found} == {"LEGO305", "LEGO308"}
    else:
        assert [item.code for item in found] == codes


def test_a_wrong_name_is_told_with_all_goals(tmp_path: Path) -> None:
    found = check_file(write_spec(tmp_path, SPEC.replace("goal: careful", "goal: carefull")))[1]
    assert "classification, segmentation" in found[0].message
    assert "`careful`" in found[0].help[0]


def test_it_is_part_of_the_key(tmp_path: Path) -> None:
    (first, _) = plan_of(write_spec(tmp_path, SPEC)).networks
    assert first.inputs["train"]["data"]["goal"] == "careful"


def test_its_figure_is_what_the_build_measures_and_shows(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    report = build_of(spec)
    assert broken(report) == []
    (network,) = (item for item in report.networks if item.step.name == "net")
    assert network.artifact is not None
    metrics = network.artifact.certificate["metrics"]
    assert set(metrics) == {"cost"}
    assert error_of(metrics) == (metrics["cost"], None, None)
    assert error(metrics).endswith(" cost")
    (edge,) = report.edges
    assert edge.artifact is not None
    assert {"cost", "teacher_cost", "donor_cost", "agreement"} <= set(
        edge.artifact.certificate["metrics"]
    )
    assert str(load(spec).network("net").goal) == "careful"
    network = TransplantNetwork.open(spec)
    application = Application.of(
        network, ("one", "find"), network.route("one", "find"), name=None, dynamic_size=False
    )
    assert application.description["output"]["goal"] == "careful"


def test_its_loss_is_what_networks_and_adapters_learn_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import careful

    learned = "ordinary_learning(steps: 2)"
    spec = write_spec(tmp_path, SPEC.replace("stitching()", learned))
    asked = []

    def loss(self: careful.Careful, outputs: Tensor, answers: Tensor) -> Tensor:
        asked.append(outputs.shape)
        return outputs.square().mean()

    monkeypatch.setattr(careful.Careful, "loss", loss)
    report = build_of(spec)
    assert broken(report) == []
    curves = [
        item.artifact.certificate["learned"]["loss_curve"]
        for item in (*report.networks, *report.edges)
        if item.artifact is not None
    ]
    assert len(curves) == 3
    assert len(asked) > sum(map(len, curves))
