"""A method and a start of another package are read, planned, built and shown like ours."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from kit.specs import SMALL, build_of, plan_of, write_spec

from legonet.building import Store
from legonet.diagnostics import DiagnosticError
from legonet.distill.starts import STARTS
from legonet.graph import ModuleGraph, check_file, load
from legonet.language.methods import METHODS

PLUGIN = Path(__file__).parents[1] / "plugin"
TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(autouse=True)
def other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with methods."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


def with_method(call: str) -> str:
    return SMALL.replace("back_distillation(init: solve, steps: 3)", call)


def codes(folder: Path, call: str) -> list[str]:
    spec = write_spec(folder, with_method(call))
    return [item.code for item in check_file(spec)[1]]


def test_its_fields_are_checked_like_ours(tmp_path: Path) -> None:
    assert codes(tmp_path, "scaled_identity(gain: 2.0)") == []
    assert codes(tmp_path, "scaled_identity(0.5)") == []
    assert codes(tmp_path, "scaled_identity(gian: 2.0)") == ["LEGO203"]
    assert codes(tmp_path, "scaled_identity(gain: -1.0)") == codes(
        tmp_path, "stitching(ridge: -1.0)"
    )
    assert codes(tmp_path, "scaled_identty()") == ["LEGO208"]
    found = check_file(write_spec(tmp_path, with_method("scaled_identty()")))[1]
    assert "`scaled_identity`" in found[0].help[0]


def test_it_says_which_pictures_it_needs(tmp_path: Path) -> None:
    assert codes(tmp_path, "needs_labels()") == []
    text = with_method("needs_labels()").replace("let labels = 4", "let labels = 0")
    found = check_file(write_spec(tmp_path, text))[1]
    assert [item.code for item in found] == ["LEGO309"]
    assert "`needs_labels`" in found[0].message


@pytest.mark.parametrize("name", ["no_form", "absent", "idle"])
def test_one_that_cannot_be_used_is_a_diagnostic(tmp_path: Path, name: str) -> None:
    with pytest.raises(DiagnosticError) as refused:
        load(write_spec(tmp_path, with_method(f"{name}()")))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "LEGO208"
    assert f"`{name}` cannot be used" in diagnostic.message
    assert diagnostic.span is not None


def test_its_arguments_and_its_version_are_part_of_the_key(tmp_path: Path) -> None:
    steps = [
        plan_of(write_spec(tmp_path, with_method(call))).edge("digit_1", "classify")
        for call in ("scaled_identity()", "scaled_identity(gain: 1.0)", "scaled_identity(gain: 2)")
    ]
    inputs = [step.inputs["method"] for step in steps if step is not None]
    assert inputs[0] == inputs[1]
    assert inputs[0]["version"] == 3
    assert steps[0] is not None
    assert steps[2] is not None
    assert steps[0].key != steps[2].key


def test_it_is_built_and_written_back(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, with_method("scaled_identity(gain: 2.0)"))
    report = build_of(spec)
    (edge,) = (item for item in report.edges if item.step.name == "digit_1 -> classify")
    assert edge.artifact is not None
    assert edge.artifact.certificate["learned"]["method"] == "scaled_identity"
    assert edge.artifact.certificate["learned"]["trained_because"] == "the gain is given"
    with_ours = build_of(spec, "digit_1->classify.method=scaled_identity()")
    (other,) = (item for item in with_ours.edges if item.step.name == "digit_1 -> classify")
    assert other.artifact is not None
    store = Store(spec.parent / ".legonet")
    one, two = store.tensors(other.artifact), store.tensors(edge.artifact)
    (name,) = (name for name in one if name.endswith("weight"))
    assert torch.equal(2 * one[name], two[name])
    graph: ModuleGraph = load(spec)
    graph.change("adapter", "digit_1", "classify", method="scaled_identity(gain: 3.0)")
    assert "scaled_identity(gain: 3.0)" in graph.text()


def test_one_that_trains_is_trained_by_the_loop_of_ours(tmp_path: Path) -> None:
    assert codes(tmp_path, "cautious_learning(init: halved, caution: 0.0)") == ["LEGO206"]
    spec = write_spec(tmp_path, with_method("cautious_learning(init: stitching, steps: 3)"))
    inputs = plan_of(spec).edge("digit_1", "classify").inputs["method"]
    assert (inputs["call"], inputs["caution"], inputs["version"]) == ("cautious_learning", 4.0, 7)
    curves = []
    for caution in (1.0, 4.0):
        call = f"cautious_learning(init: stitching, steps: 3, caution: {caution})"
        report = build_of(spec, f"digit_1->classify.method={call}")
        (edge,) = (item for item in report.edges if item.step.name == "digit_1 -> classify")
        assert edge.artifact is not None
        learned = edge.artifact.certificate["learned"]
        assert learned["trained_by"] == "cautious_learning"
        assert learned["most_steps"] == 3
        curves.append(learned["held_out_loss"])
    assert curves[0][0][1] == pytest.approx(4 * curves[1][0][1], rel=1e-4)


def test_a_start_is_checked_like_ours(tmp_path: Path) -> None:
    assert codes(tmp_path, "ordinary_learning(init: halved)") == []
    assert codes(tmp_path, "back_distillation(init: halvd)") == ["LEGO206"]
    found = check_file(write_spec(tmp_path, with_method("back_distillation(init: halvd)")))[1]
    assert "iterated_assignment, halved, from_labels or nowhere" in found[0].message
    assert "`halved`" in found[0].help[0]
    (found,) = check_file(write_spec(tmp_path, with_method("back_distillation(init: nowhere)")))[1]
    assert found.code == "LEGO206"
    assert "one whose package can be used" in found.message
    assert "not_there" in found.help[0]


def test_a_start_says_which_pictures_it_needs(tmp_path: Path) -> None:
    call = "back_distillation(init: from_labels, steps: 0)"
    assert codes(tmp_path, call) == []
    text = with_method(call).replace("let labels = 4", "let labels = 0")
    assert [item.code for item in check_file(write_spec(tmp_path, text))[1]] == ["LEGO309"]


def test_the_version_of_a_start_is_part_of_the_key(tmp_path: Path) -> None:
    made = [
        plan_of(write_spec(tmp_path, with_method(f"ordinary_learning(init: {start})")))
        for start in ("halved", "identity")
    ]
    halved, ours = (plan.edge("digit_1", "classify").inputs["method"] for plan in made)
    assert (halved["init"], halved["version"], halved["start_version"]) == ("halved", 1, 5)
    assert "start_version" not in ours, "our own keys stay as they were"


def test_an_edge_begins_with_a_start_of_another_package(tmp_path: Path) -> None:
    weights = []
    for start in ("halved", "identity"):
        spec = write_spec(tmp_path, with_method(f"ordinary_learning(init: {start}, steps: 0)"))
        (edge,) = (item for item in build_of(spec).edges if item.step.name == "digit_1 -> classify")
        assert edge.artifact is not None
        assert edge.artifact.certificate["learned"]["start"] == start
        tensors = Store(spec.parent / ".legonet").tensors(edge.artifact)
        weights += [tensor for name, tensor in tensors.items() if name.endswith("weight")]
    assert torch.equal(2 * weights[0], weights[1])


def test_the_reference_describes_them_like_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    pages = importlib.import_module("reference_pages")
    section = pages.form(METHODS.get("scaled_identity"))
    assert section.startswith("#### `scaled_identity`\n\nPass features on, times a gain.")
    assert "| `gain` | number, above 0 | `1.0` | The factor. |" in section
    assert pages.summary_of(STARTS.get("halved")) == "A Dirac kernel, halved."
