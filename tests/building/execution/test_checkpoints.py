"""A build that was killed goes on where it was, and ends with the same bits."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from kit.real_builds import RealBuild
from kit.specs import SMALL, build_of, workspace_of, write_spec

from legonet.building import Event, Listener, Report, Store
from legonet.building.storage import checkpoints
from legonet.building.storage.checkpoints import FileCheckpoint

EDGE = "digit_1 -> classify"
METHOD = "back_distillation(init: default, adapter_relus: random, steps: 20, pairs: 8)"
SPEC = SMALL.replace("let labels = 4", "let labels = 10").replace(
    "back_distillation(init: solve, steps: 3)", METHOD
)


def bits(report: Report) -> dict[str, object]:
    """Return what must not depend on how often a build was killed."""
    results = [*report.networks, *report.edges]
    return {
        result.step.name: (result.artifact.sha256, result.artifact.certificate.get("learned"))
        for result in results
        if result.artifact is not None
    }


def counting(steps: Counter[str]) -> Listener:
    """Return a listener that counts the steps of each training."""

    def hear(event: Event) -> None:
        if event.kind == "loss":
            steps[event.step.name] += 1

    return hear


def steps_until(build: RealBuild, name: str, count: int) -> Counter[str]:
    """Kill a build once it told of so many steps of a training; return all that it told of."""
    while build.words.splitlines().count(name) < count:
        assert build.runs, f"it ended before it took {count} steps of {name}: {build.words}"
        time.sleep(0.005)
    build.kill("parent")
    assert build.end() == -9
    return Counter(build.words.splitlines())


def test_a_build_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    every: Counter[str] = Counter()
    whole = build_of(write_spec(tmp_path / "whole", SPEC), listener=counting(every))
    assert not whole.failed
    spec = write_spec(tmp_path, SPEC)
    store = tmp_path / ".legonet"
    chance = random.Random(4)
    moments = [("net_3", chance.randint(2, 20)), (EDGE, chance.randint(2, 30)), (EDGE, 1)]
    taken: Counter[str] = Counter()
    for name, count in moments:
        taken += steps_until(RealBuild(spec, "threads", jobs=1), name, count)
        assert list((store / "checkpoints").glob("*.pt"))
    found = build_of(spec, listener=counting(taken))
    assert bits(found) == bits(whole)
    assert not list((store / "checkpoints").iterdir())
    # Each time at most the step that was at work is taken once more.
    again = taken - every
    assert every.keys() == taken.keys()
    assert not every - taken
    assert again.total() <= len(moments)


def test_the_store_keeps_the_last_state(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    assert checkpoint.load() is None
    for step in range(2):
        state = {"step": step, "parts": [{"weight": torch.full((3,), step)}], "curve": {0: 0.5}}
        checkpoint.save(state)
    found = FileCheckpoint(Store(tmp_path), "key").load()
    assert found is not None
    assert (found["step"], found["curve"]) == (1, {0: 0.5})
    assert torch.equal(found["parts"][0]["weight"], torch.ones(3, dtype=torch.int64))
    assert FileCheckpoint(Store(tmp_path), "another").load() is None


@pytest.mark.parametrize("damage", [lambda old: b"", lambda old: old[:-9], lambda old: old + b"0"])
def test_a_damaged_state_is_as_good_as_none(tmp_path: Path, damage: object) -> None:
    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    checkpoint.save({"step": 1})
    (file,) = (tmp_path / "checkpoints").iterdir()
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    assert checkpoint.load() is None


def test_what_a_killed_process_left_is_removed_too(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    checkpoint.remove()
    for key in ("key", "other"):
        FileCheckpoint(Store(tmp_path), key).save({})
    folder = tmp_path / "checkpoints"
    (folder / ".key.pt.unfinished").write_bytes(b"half")
    checkpoint.remove()
    assert [file.name for file in folder.iterdir()] == ["other.pt"]


def test_states_are_saved_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    assert not checkpoint.due()
    now += checkpoints.INTERVAL
    assert checkpoint.due()
    checkpoint.save({})
    assert not checkpoint.due()


def test_the_checkpoint_of_a_finished_step_is_removed_by_the_next_build(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SMALL)
    workspace, plan = workspace_of(spec)
    workspace.build(plan, lambda event: None)
    left = FileCheckpoint(workspace.store, plan.network("net_1").key)
    left.save({"step": 3})
    report = build_of(spec)
    assert {result.outcome for result in report.networks} == {"reused"}
    assert left.load() is None
