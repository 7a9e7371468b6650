"""What a step may take is judged by the runs that were most like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.specs import SMALL, plan_of, write_spec
from kit.stores import pretend

from legonet.building import Plan, Step
from legonet.building.planning import estimates
from legonet.building.planning.estimates import Estimate, Runs
from legonet.building.storage.database import Database
from legonet.building.storage.index import open_index

MORE = """
network far {
  model: torchvision.vgg11(num_classes: 1)
  train { data: digits, category: "1", epochs: 1, seed: 0 }
}
network ready { model: legonet.small_vgg(classes: 1, channels: 4), weights: "ready.safetensors" }
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "ready.safetensors").write_bytes(b"weights")
    (tmp_path / ".legonet").mkdir()
    return write_spec(tmp_path, SMALL + MORE)


def ran(
    spec: Path, *settings: str, name: str = "net_1", seconds: float, memory: int | None
) -> None:
    """Note a run of a step as the spec was then."""
    plan = plan_of(spec, *settings)
    plan.runs.add(step_of(plan, name), seconds, memory)


def index_of(spec: Path) -> Database:
    return open_index(spec.parent / ".legonet")


def step_of(plan: Plan, name: str) -> Step:
    return next(step for step in plan.to_build if step.name == name)


def estimate(spec: Path, *settings: str, name: str = "net_1") -> Estimate | None:
    return plan_of(spec, *settings).estimates.get(name)


def test_nothing_is_known_of_a_first_build(spec: Path) -> None:
    plan = plan_of(spec)
    assert plan.estimates == {}
    assert plan.total is None
    found = plan.to_json()
    assert (found["seconds"], found["memory"], found["unknown"]) == (None, None, 6)
    assert index_of(spec).read("SELECT * FROM runs") == []


def test_the_same_content_is_known_best(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    ran(spec, "net_1.train.seed=1", seconds=90.0, memory=900)
    assert estimate(spec) == Estimate(12.0, 300)


def test_other_seeds_and_data_are_closely_alike(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    ran(spec, "net_1.train.batch_size=4", seconds=99.0, memory=100)
    assert estimate(spec, "net_1.train.seed=7") == Estimate(12.0, 300)
    assert estimate(spec, name="net_3") == Estimate(12.0, 300)


def test_work_that_grows_with_the_epochs_and_pixels_is_scaled(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    assert estimate(spec, "net_1.train.epochs=3") == Estimate(36.0, 300)
    assert estimate(spec, "digits.size=32") == Estimate(48.0, 300)


def test_an_edge_is_like_one_of_the_same_method_and_scaled_by_its_steps(spec: Path) -> None:
    name = "digit_1 -> classify"
    ran(spec, name=name, seconds=3.0, memory=None)
    assert estimate(spec, "digit_1->classify.seed=1", name=name) == Estimate(3.0, None)
    more = "digit_1->classify.method=back_distillation(init: solve, steps: 30)"
    assert estimate(spec, more, name=name) == Estimate(30.0, None)
    assert estimate(spec, "digit_1->classify.method=stitching()", name=name) is None


def test_another_kind_of_model_tells_nothing(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    assert estimate(spec, name="far") is None
    assert estimate(spec, name="ready") is None


def test_an_estimate_is_the_median_of_the_latest_runs(spec: Path) -> None:
    for seconds in (900.0, 1.0, 2.0, 3.0, 50.0, 4.0):
        ran(spec, seconds=seconds, memory=round(seconds) * 10)
    assert estimate(spec) == Estimate(3.0, 30)


def test_the_total_has_all_seconds_and_the_most_memory(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    ran(spec, name="far", seconds=30.0, memory=900)
    plan = plan_of(spec)
    assert plan.total == Estimate(12.0 * 3 + 30.0, 900)
    found = plan.to_json()
    assert (found["seconds"], found["memory"], found["unknown"]) == (66.0, 900, 2)
    by_name = {network["name"]: network["seconds"] for network in found["networks"]}
    assert by_name == {"ancestor": 12.0, "net_1": 12.0, "net_3": 12.0, "far": 30.0, "ready": None}
    assert [edge["seconds"] for edge in found["edges"]] == [0.0, None]


def test_what_has_several_names_counts_once_in_the_total(spec: Path) -> None:
    ran(spec, seconds=12.0, memory=300)
    before = plan_of(spec).total
    text = (
        SMALL
        + MORE
        + """
network twin {
  model: legonet.small_vgg(classes: 1, channels: 4)
  init: ancestor
  train { data: digits, category: "1", epochs: 1, seed: 0 }
}
"""
    )
    plan = plan_of(write_spec(spec.parent, text))
    assert plan.network("twin").key == plan.network("net_1").key
    assert plan.total == before


def test_runs_are_known_to_the_process_that_added_them(spec: Path) -> None:
    plan = plan_of(spec)
    step = step_of(plan, "net_1")
    assert plan.runs.estimate(step) is None
    plan.runs.add(step, 5.0, None)
    assert plan.runs.estimate(step) == Estimate(5.0, None)


def test_the_oldest_runs_are_dropped(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "MOST", 30)
    plan = plan_of(spec)
    step = step_of(plan, "net_1")
    for number in range(60):
        plan.runs.add(step, float(number), None)
    assert len(index_of(spec).read("SELECT * FROM runs")) == 30
    assert estimate(spec) == Estimate(57.0, None)


def test_a_plan_with_nothing_to_build_reads_no_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(runs: Runs) -> None:
        raise AssertionError(runs)

    monkeypatch.setattr(Runs, "_by_class", property(never))
    spec = write_spec(tmp_path)
    pretend(spec)
    plan = plan_of(spec)
    assert (plan.to_build, plan.estimates) == ((), {})
    assert plan.to_json()["seconds"] == 0.0
