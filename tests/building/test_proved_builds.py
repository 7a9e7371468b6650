"""Builds that prove what they did: one edge at a time on top of what stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from kit.specs import SMALL, broken, build_of, plan_of, workspace_of, write_spec
from kit.untrained import file_of, fill_store, proof_of, put, step_of

from legonet.building import Artifact, Event, Store
from legonet.building.execution import step_runner

TEXT = (
    SMALL.replace('["1", "3"]', '["1", "3", "7"]')
    + """
adapter digit_7 -> classify {
  layers: [conv(1)]
  method: back_distillation(init: solve, steps: 2)
  samples: 4
}
"""
)
DIRECT, OLD, NEW = (f"digit_{digit} -> classify" for digit in "317")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec of which all stands and is recorded but for one new edge."""
    spec = write_spec(tmp_path, TEXT)
    fill_store(spec)
    file_of(spec, NEW).unlink()
    proof_of(spec)
    return spec


def statuses(report: Any) -> dict[str, str]:
    return {item.name: item.status for item in report.proof.routes}


def meddling(monkeypatch: pytest.MonkeyPatch, name: str, meddle: Callable[[Any], None]) -> None:
    """Make the learning of one edge do something that it must not."""
    learn = step_runner.learn

    def learned(edge: Any, *arguments: Any, **named: Any) -> Any:
        found = learn(edge, *arguments, **named)
        if edge.name == name:
            meddle(edge)
        return found

    monkeypatch.setattr(step_runner, "learn", learned)


def test_a_new_edge_changes_nothing_that_stands(spec: Path) -> None:
    report = build_of(spec)
    assert statuses(report) == {DIRECT: "unchanged", OLD: "unchanged", NEW: "first"}
    assert not broken(report)
    assert report.to_json()["proof"]["violations"] == []


def test_a_build_with_nothing_to_do_proves_only_what_it_is_asked_to(spec: Path) -> None:
    build_of(spec)
    workspace, plan = workspace_of(spec)
    assert workspace.build(plan).proof is None
    asked = workspace.build(plan, prove=True)
    assert statuses(asked) == dict.fromkeys((DIRECT, OLD, NEW), "unchanged")


@pytest.mark.parametrize("half", ["task_module", "category_module", "teacher"])
def test_an_edge_that_writes_into_a_frozen_network_fails_alone(
    spec: Path, monkeypatch: pytest.MonkeyPatch, half: str
) -> None:
    file_of(spec, OLD).unlink()

    def meddle(edge: Any) -> None:
        with torch.no_grad():
            next(getattr(edge, half).parameters()).view(-1)[0] += 1e-3

    undisturbed = write_spec(spec.parent, TEXT, "undisturbed.lego")
    meddling(monkeypatch, OLD, meddle)
    report = build_of(spec)
    (failure,) = broken(report)
    assert (failure.step.name, failure.diagnostics[0].code) == (OLD, "LEGO705")
    assert not file_of(spec, OLD).exists()
    assert statuses(report) == {DIRECT: "unchanged", NEW: "first"}
    assert not report.proof.violations

    # The edge that came after it did not learn from what was written.
    file_of(spec, NEW).unlink()
    monkeypatch.undo()
    again = build_of(undisturbed)
    assert statuses(again)[NEW] == "unchanged"


def test_training_a_frozen_network_is_caught_too(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddling(monkeypatch, NEW, lambda edge: edge.teacher.requires_grad_(True))
    (failure,) = broken(build_of(spec))
    assert "made trainable" in failure.diagnostics[0].message


@pytest.mark.parametrize("name", [OLD, "net_1"])
def test_what_the_proof_finds_damaged_is_built_again_in_the_same_build(
    spec: Path, name: str
) -> None:
    build_of(spec)
    file_of(spec, NEW).unlink()
    file = file_of(spec, name)
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(contents)
    heard: list[Event] = []
    report = build_of(spec, listener=heard.append)
    assert {item.step.name for item in report.networks if item.outcome == "built"} <= {name}
    ended = ("finished", "failed")
    assert {NEW, name} <= {event.step.name for event in heard if event.kind in ended}
    assert [event.step.name for event in heard if event.kind == "damaged"] == [name]
    assert not [*broken(report), *report.proof.violations, *report.proof.damaged]
    # What stood was drawn at random, so that what is learned in its place has other bits.
    assert statuses(report)[OLD] == "rebuilt"
    assert statuses(report)[DIRECT] == "unchanged"
    workspace, plan = workspace_of(spec)
    assert set(statuses(workspace.build(plan, prove=True)).values()) == {"unchanged"}


def test_a_build_that_was_killed_after_its_work_may_have_built_other_bits(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_of(spec, OLD).unlink()

    class KilledError(BaseException):
        pass

    def kill(*arguments: object, **named: object) -> None:
        raise KilledError

    monkeypatch.setattr("legonet.building.proof.prove", kill)
    with pytest.raises(KilledError):
        build_of(spec)
    monkeypatch.undo()
    workspace, plan = workspace_of(spec)
    assert not plan.to_build
    proof = workspace.build(plan, prove=True).proof
    assert proof is not None
    assert not proof.violations
    assert {item.name: item.status for item in proof.routes}[OLD] == "rebuilt"


def test_a_build_names_what_was_replaced_behind_its_back(spec: Path) -> None:
    workspace, plan = workspace_of(spec)
    put(workspace.store, plan, step_of(plan_of(spec), OLD), seed=7)
    report = build_of(spec)
    assert statuses(report) == {DIRECT: "unchanged", OLD: "changed", NEW: "first"}
    assert [item.code for item in report.proof.violations] == ["LEGO730", "LEGO731"]
    assert not broken(report)


def test_a_disk_that_damages_whatever_is_written_is_not_asked_for_ever(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store.put

    def put_damaged(store: Store, *arguments: Any) -> Artifact:
        artifact = write(store, *arguments)
        contents = bytearray(artifact.file.read_bytes())
        contents[-1] ^= 1
        artifact.file.write_bytes(contents)
        return artifact

    monkeypatch.setattr(Store, "put", put_damaged)
    report = build_of(spec)
    assert statuses(report) == {DIRECT: "unchanged", OLD: "unchanged"}
    assert {item.code for item in report.proof.failures} == {"LEGO703"}
    assert report.to_json()["proof"]["violations"]
