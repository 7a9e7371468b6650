"""What a build says of joint paths: their figures beside those of the teachers, in certificates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.specs import build_of, plan_of, workspace_of, write_spec
from torch import Tensor

from legonet import TransplantNetwork
from legonet.building import Report
from legonet.building.inspection import inspect_plan
from legonet.data import to_tensor
from legonet.data.sources.digits import DigitsSource
from legonet.data.task_dataset import TaskDataset
from legonet.distill.measure import hardly_answered
from legonet.goals import goal_named

SPEC = """
let cut = "features.4"
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 2)
    train { data: digits, category: digit, epochs: 1, batch_size: 64 }
  }
  network ink_net_${digit} {
    model: legonet.small_fcn(classes: 1, channels: 2, stride: 2)
    init: net_${digit}
    train {
      data: digits, category: digit, goal: segmentation, epochs: 1, batch_size: 256, frozen: cut
    }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
}
task classify { from: net_3, after: cut }
task ink { from: ink_net_3, after: cut }
adapter digit_3 -> classify
adapter digit_1 -> classify { method: stitching(), unlabelled: 20 }
for digit in ["1", "3"] {
  adapter digit_${digit} -> ink { teacher: ink_net_${digit}, method: stitching(), unlabelled: 20 }
}
path which = [digit_1, digit_3] -> classify
path same = [digit_1, digit_3] -> classify
path both = [digit_1, digit_3] -> [classify, ink]
path one = digit_1 -> classify
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    spec = write_spec(tmp_path_factory.mktemp("certificates"), SPEC)
    return spec, build_of(spec)


def certificate(spec: Path, name: str, task: str = "classify") -> dict[str, Any]:
    step = plan_of(spec).joint(name, task)
    assert step is not None
    assert step.artifact is not None
    return dict(step.artifact.certificate)


def shown(goal: str) -> tuple[Tensor, np.ndarray[Any, Any]]:
    """Test pictures of both digits and of the background, and their right answers."""
    asked = ("background", "1", "3")
    found = TaskDataset(DigitsSource(), 16, None, goal_named(goal), asked=asked).read("test")
    return to_tensor(found.images), found.labels if goal == "classification" else found.masks


def answers(ask: Callable[[Tensor], Tensor], pictures: Tensor) -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return ask(pictures).argmax(1).numpy()


@pytest.mark.parametrize(
    ("task", "goal", "figure"),
    [("classify", "classification", "error_rate"), ("ink", "segmentation", "pixel_accuracy")],
)
def test_its_figures_are_those_of_the_path_on_the_test_split(
    built: tuple[Path, Report], task: str, goal: str, figure: str
) -> None:
    spec, _ = built
    found = certificate(spec, "both", task)
    network = TransplantNetwork.open(spec)
    pictures, truth = shown(goal)
    given = answers(lambda batch: network.path("both")(batch)[task], pictures)
    confusion = np.zeros((3, 3), int)
    known = truth != 255
    np.add.at(confusion, (truth[known], given[known]), 1)
    assert found["labels"] == ["background", "digit_1", "digit_3"]
    np.testing.assert_allclose(found["confusion"], confusion, atol=2 if task == "classify" else 99)
    right = np.trace(confusion) / confusion.sum()
    expected = 1 - right if figure == "error_rate" else right
    assert found["metrics"][figure] == pytest.approx(expected, abs=0.01)
    assert 0 <= found["metrics"]["calibration_error"] <= 1


def test_teachers_are_asked_in_the_same_way(built: tuple[Path, Report]) -> None:
    spec, _ = built
    found = certificate(spec, "which")
    plan = plan_of(spec)
    store = workspace_of(spec)[0].store
    from legonet.building.execution.caches import filled

    pictures, truth = shown("classification")
    logits = [torch.zeros(len(pictures), 1)]
    for name in ("net_1", "net_3"):
        step = plan.network(name)
        assert step.artifact is not None
        network = filled(step.network.model, store.tensors(step.artifact)).eval()
        with torch.inference_mode():
            logits.append(network(pictures))
    error = float((torch.cat(logits, 1).argmax(1).numpy() != truth).mean())
    assert found["metrics"]["teacher_error_rate"] == pytest.approx(error, abs=0.005)
    assert np.sum(found["teacher_confusion"]) == len(truth) == np.sum(found["confusion"])


def test_it_is_measured_once_and_again_when_an_edge_changes(
    built: tuple[Path, Report], tmp_path: Path
) -> None:
    spec, report = built
    assert {result.outcome for result in report.joints} == {"built"}
    assert plan_of(spec).to_build == ()
    changed = plan_of(spec, "digit_1->classify.unlabelled=19")
    assert {step.name for step in changed.to_build} == {
        "digit_1 -> classify",
        "path which",
        "path same",
        "path both -> classify",
    }
    step = changed.joint("which", "classify")
    assert step is not None
    assert step.reasons == ("1 of its 2 edges changed",)
    smaller = write_spec(spec.parent, SPEC.replace("path one", "path less", 1), "other.lego")
    assert plan_of(smaller, store=spec.parent / ".legonet").to_build == (), "names do not count"


def test_equal_paths_share_a_certificate(built: tuple[Path, Report]) -> None:
    plan = plan_of(built[0])
    keys = {step.name: step.key for step in plan.joints}
    assert keys["path which"] == keys["path same"] == keys["path both -> classify"]
    assert keys["path both -> ink"] != keys["path which"]


def test_reports_name_paths(built: tuple[Path, Report]) -> None:
    spec, report = built
    document = json.loads(json.dumps(report.to_json()))
    names = [(item["name"], item["task"], item["action"]) for item in document["paths"]]
    assert names[0] == ("which", "classify", "built")
    assert len(names) == 4
    assert document["paths"][0]["metrics"] == certificate(spec, "which")["metrics"]
    planned = plan_of(spec).to_json()["paths"]
    assert [item["action"] for item in planned] == ["reuse"] * 4
    (first, *_) = inspect_plan(plan_of(spec))["paths"]
    assert first["confusion"] == certificate(spec, "which")["confusion"]
    assert (first["name"], first["state"]) == ("which", "built")


def test_an_edge_at_chance_is_a_warning(built: tuple[Path, Report]) -> None:
    _, report = built
    failed = {item.step.name for item in report.edges if item.outcome == "failed"}
    for result in report.joints:
        named = {edge.name for edge in result.step.joint.edges} & failed
        warned = report.warnings_of(result)
        assert ("LEGO655" in {item.code for item in warned}) == bool(named)
        assert all(any(name in item.message for item in warned) for name in named)


def test_without_right_answers_there_is_nothing_to_measure(tmp_path: Path) -> None:
    text = """
network a { model: legonet.small_vgg(classes: 1), weights: "a.safetensors" }
network b { model: legonet.small_vgg(classes: 1), weights: "a.safetensors" }
category a { from: a, until: "features.4" }
category b { from: b, until: "features.4" }
task t { from: a, after: "features.4" }
adapter a -> t
adapter b -> t {}
path c = [a, b] -> t
"""
    from safetensors.torch import save_file

    from legonet.modules.small import small_vgg

    save_file(small_vgg(1, 48).state_dict(), tmp_path / "a.safetensors")
    plan = plan_of(write_spec(tmp_path, text))
    assert plan.joints == ()


def test_a_category_that_is_hardly_ever_the_answer_is_a_warning() -> None:
    labels = ("background", "cat", "dog")
    teachers = [[9, 1, 0], [0, 9, 1], [0, 1, 9]]
    found = list(hardly_answered(labels, [[9, 1, 0], [0, 3, 7], [0, 1, 9]], teachers))
    assert [item.code for item in found] == ["LEGO656"]
    assert "what shows cat is answered right in 30 % of all cases" in found[0].message
    assert "the teachers in 90 %" in found[0].message
    assert not list(hardly_answered(labels, [[9, 1, 0], [0, 4, 6], [0, 1, 9]], teachers))
    # Where the teachers cannot tell them apart either, the edges are not to blame.
    counts = [[9, 1, 0], [0, 3, 7], [0, 1, 9]]
    assert not list(hardly_answered(labels, counts, counts))
