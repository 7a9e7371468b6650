"""Edges that are no better than chance: they fail, are kept, and are not learned again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from kit.shades import weights, write_pictures, write_shades
from kit.specs import build_of, plan_of

from legonet.building import EdgeStep, Report, Result, Store
from legonet.building.inspection import inspect_plan
from legonet.building.storage.store import MEASURE_VERSION, Artifact
from legonet.cli.main import application
from legonet.diagnostics import DiagnosticError, Severity
from legonet.graph import State
from legonet.network import Builder

EDGE = ("light", "classify")


def result_of(report: Report) -> Result[EdgeStep]:
    (result,) = report.edges
    return result


def artifact_of(result: Result[EdgeStep]) -> Artifact:
    assert result.artifact is not None
    return result.artifact


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A spec whose task module gives the same answer to everything."""
    write_pictures(tmp_path / "shades")
    return write_shades(tmp_path, weights(), weights(gain=0.0, shift=-1.0))


def test_an_edge_between_networks_that_know_is_built_with_all_its_figures(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shades")
    spec = write_shades(tmp_path, weights(), weights(gain=3.0))
    result = result_of(build_of(spec))
    assert (result.outcome, result.diagnostics) == ("built", ())
    found = artifact_of(result)
    assert (found.failure, found.warnings) == (None, ())
    for of in ("", "teacher_", "donor_"):
        assert found.metrics[f"{of}error_rate"] == 0.0
        assert found.metrics[f"{of}error_rate_low"] == 0.0
        assert 0 < found.metrics[f"{of}error_rate_high"] < 0.2
        assert found.metrics[f"{of}auc"] == 1.0
        assert 0 <= found.metrics[f"{of}calibration_error"] < 0.5
    assert found.metrics["agreement"] == 1.0
    assert found.certificate["measured"] == MEASURE_VERSION


def test_an_edge_at_chance_fails_and_its_adapter_is_kept(failing: Path) -> None:
    report = build_of(failing)
    result = result_of(report)
    assert (result.outcome, report.failed) == ("failed", (result,))
    (diagnostic,) = result.diagnostics
    assert diagnostic.code == "LEGO650"
    assert diagnostic.span is not None
    assert "the task module gives one and the same answer" in diagnostic.help[0]
    found = artifact_of(result)
    assert found.file.exists()
    assert Store(failing.parent / ".legonet").tensors(found)
    assert found.metrics["error_rate"] == 0.5
    assert found.metrics["teacher_error_rate"] == 0.0
    assert found.failure is not None
    # Under another name it has another place.
    assert found.failure.span is None


def test_a_second_build_says_so_again_and_learns_nothing(failing: Path) -> None:
    first = artifact_of(result_of(build_of(failing)))
    before = first.file.stat()
    plan = plan_of(failing)
    assert plan.to_build == ()
    again = result_of(build_of(failing))
    assert again.outcome == "failed"
    assert [item.code for item in again.diagnostics] == ["LEGO650"]
    after = first.file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_everybody_who_asks_hears_that_it_failed(failing: Path) -> None:
    report = build_of(failing).to_json()
    edge = report["edges"][0]
    assert edge["action"] == "failed"
    assert [item["code"] for item in edge["diagnostics"]] == ["LEGO650"]
    plan = plan_of(failing)
    state = plan.states()[EDGE]
    assert state.state is State.FAILED
    assert "no better than chance" in state.message
    assert state.metrics["error_rate"] == 0.5
    shown = inspect_plan(plan)["edges"][0]
    assert (shown["state"], shown["failure"]["code"]) == ("failed", "LEGO650")
    assert shown["failure"]["line"] is not None
    lines = (failing.parent / ".legonet" / "events.jsonl").read_text().splitlines()
    (told,) = (json.loads(line) for line in lines if '"event": "failed"' in line)
    assert told["diagnostics"][0]["code"] == "LEGO650"


def test_a_builder_raises_for_an_edge_at_chance(failing: Path) -> None:
    for _ in range(2):
        with (
            Builder(failing) as builder,
            pytest.raises(DiagnosticError, match="no better than chance"),
        ):
            builder.connect(*EDGE).result(120)


def test_who_predicts_or_exports_along_it_is_warned(
    failing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_of(failing)
    picture = next(iter((tmp_path / "shades").rglob("*.png")))
    commands = {
        "predict": [str(failing), str(picture), "--device", "cpu"],
        "export": [str(failing), "--category", EDGE[0], "--task", EDGE[1], "-o", "one.pt2"],
    }
    monkeypatch.chdir(tmp_path)
    for name, arguments in commands.items():
        for as_json in (False, True):
            result = CliRunner().invoke(
                application, [name, *arguments, *(["--json"] if as_json else [])]
            )
            assert result.exit_code == 0, result.output
            assert "warning[LEGO650]" in result.stderr
            if as_json:
                (told,) = json.loads(result.stdout)["diagnostics"]
                assert (told["code"], told["severity"]) == ("LEGO650", "warning")


def test_an_edge_is_learned_again_when_it_has_changed(failing: Path) -> None:
    build_of(failing)
    (step,) = plan_of(failing, "light->classify.seed=7").to_build
    assert step.action == "build"


def test_a_teacher_at_chance_is_said(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shades")
    spec = write_shades(tmp_path, weights(gain=0.0, shift=1.0), weights(gain=0.0, shift=1.0))
    result = result_of(build_of(spec))
    assert result.outcome == "failed"
    assert [item.code for item in result.diagnostics] == ["LEGO651"]


def test_a_teacher_at_chance_is_a_warning_where_the_edge_is_good(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shades")
    spec = write_shades(tmp_path, weights(gain=0.0, shift=1.0), weights())
    report = build_of(spec)
    result = result_of(report)
    assert result.outcome == "built"
    (warning,) = report.warnings_of(result)
    assert (warning.code, warning.severity) == ("LEGO651", Severity.WARNING)
    assert warning.span is not None
    assert [item["code"] for item in report.to_json()["edges"][0]["warnings"]] == ["LEGO651"]
    assert [item["code"] for item in inspect_plan(plan_of(spec))["edges"][0]["warnings"]] == [
        "LEGO651"
    ]
    assert plan_of(spec).states()[EDGE].warnings == (warning.message,)


def test_one_test_picture_of_each_kind_is_too_few(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shades", test=1)
    result = result_of(build_of(write_shades(tmp_path, weights(), weights())))
    assert result.outcome == "failed"
    assert "2 test pictures are too few" in result.diagnostics[0].help[0]


def test_test_pictures_that_are_all_the_same_are_warned_of(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shades", alike=True)
    result = result_of(build_of(write_shades(tmp_path, weights(), weights())))
    assert result.outcome == "built"
    found = artifact_of(result)
    assert [item.code for item in found.warnings] == ["LEGO654"]
    assert found.metrics["error_rate_high"] > 0.3


@pytest.mark.parametrize(
    ("features", "said"), [(0.0, "same for every picture"), (float("nan"), "not finite")]
)
@pytest.mark.parametrize("side", ["knows", "gives"])
@pytest.mark.parametrize("method", ["stitching()", "transplant()", "output_distillation(steps: 2)"])
def test_features_that_say_nothing_are_named(
    tmp_path: Path, features: float, said: str, side: str, method: str
) -> None:
    write_pictures(tmp_path / "shades")
    networks = {"knows": weights(), "gives": weights()} | {side: weights(features=features)}
    spec = write_shades(tmp_path, networks["knows"], networks["gives"])
    text = spec.read_text().replace("stitching()", f"{method}\n  samples: 4")
    spec.write_text(text)
    result = result_of(build_of(spec))
    assert (result.outcome, result.artifact) == ("failed", None)
    (diagnostic,) = result.diagnostics
    assert diagnostic.code == "LEGO606"
    assert said in diagnostic.message


def test_an_edge_that_an_older_version_measured_is_measured_again_and_not_learned(
    tmp_path: Path,
) -> None:
    write_pictures(tmp_path / "shades")
    spec = write_shades(tmp_path, weights(), weights(gain=3.0))
    store = Store(tmp_path / ".legonet")
    new = artifact_of(result_of(build_of(spec)))
    tensors = store.tensors(new)
    gone = ("measured", "failure", "warnings")
    old = {name: value for name, value in new.certificate.items() if name not in gone}
    old["metrics"] = {"error_rate": 0.25, "teacher_error_rate": 0.25}
    old["learned"] = {**old["learned"], "note": "what was learned once"}
    store.put("adapter", new.key, tensors, old)

    plan = plan_of(spec)
    assert [(step.name, step.action) for step in plan.to_build] == [
        ("light -> classify", "measure")
    ]
    assert plan.states()[EDGE].state is State.BUILT
    assert plan.states()[EDGE].metrics["error_rate"] == 0.25
    result = result_of(build_of(spec))
    assert result.outcome == "measured"
    found = artifact_of(result)
    assert found.metrics == new.metrics
    assert found.sha256 == new.sha256
    assert found.certificate["learned"]["note"] == "what was learned once"
    assert all(torch.equal(store.tensors(found)[name], tensors[name]) for name in tensors)
    assert plan_of(spec).to_build == ()


def test_what_has_no_figures_is_not_measured_again(tmp_path: Path) -> None:
    spec = write_shades(tmp_path, weights(), weights())
    spec.write_text(spec.read_text().replace("  data: shades\n", ""))
    result = result_of(build_of(spec))
    assert (result.outcome, artifact_of(result).metrics) == ("built", {})
    assert artifact_of(result).failure is None
    assert plan_of(spec).to_build == ()
