"""What is known of steps that are at work, or failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from kit.specs import large_spec, plan_of, write_spec
from kit.stores import pretend

from legonet.building import Plan
from legonet.building.planning.step_status import EVENTS, StepStatus
from legonet.building.storage.locks import try_lock
from legonet.building.storage.store import LOCKS
from legonet.graph import State

KEY = "0123abc"


def tell(folder: Path, event: str, key: str = KEY, **details: object) -> None:
    """Write a line as a build does."""
    folder.mkdir(parents=True, exist_ok=True)
    line: Mapping[str, object] = {"event": event, "kind": "adapter", "name": "x", "key": key}
    with (folder / EVENTS).open("a") as log:
        log.write("\n" + json.dumps({**line, **details}))


def test_nothing_is_known_of_a_store_that_is_not_there(tmp_path: Path) -> None:
    assert StepStatus(tmp_path / "nowhere").of({KEY}) == {}


def test_a_step_is_learning_while_its_lock_is_held(tmp_path: Path) -> None:
    tell(tmp_path, "started")
    tell(tmp_path, "progress", fraction=0.25, message="step 5/20")
    tell(tmp_path, "loss", step=5)
    lock = try_lock(tmp_path / LOCKS, KEY)
    assert lock is not None
    found = StepStatus(tmp_path).of({KEY, "other"})
    assert set(found) == {KEY}
    assert (found[KEY].state, found[KEY].fraction) == (State.LEARNING, 0.25)
    assert found[KEY].message == "step 5/20"
    lock.release()
    assert StepStatus(tmp_path).of({KEY}) == {}


def test_a_build_that_was_killed_learns_no_more(tmp_path: Path) -> None:
    tell(tmp_path, "progress", fraction=0.25)
    (tmp_path / LOCKS).mkdir()
    (tmp_path / LOCKS / f"{KEY}.lock").touch()
    assert StepStatus(tmp_path).of({KEY}) == {}


def test_a_step_failed_if_that_was_the_last_that_was_heard(tmp_path: Path) -> None:
    tell(tmp_path, "started")
    tell(tmp_path, "failed", diagnostics=[{"message": "it ran out of memory"}])
    found = StepStatus(tmp_path).of({KEY})
    assert (found[KEY].state, found[KEY].message) == (State.FAILED, "it ran out of memory")
    tell(tmp_path, "started")
    assert StepStatus(tmp_path).of({KEY}) == {}


def test_a_line_that_was_cut_short_says_nothing(tmp_path: Path) -> None:
    tell(tmp_path, "failed", diagnostics=[])
    with (tmp_path / EVENTS).open("a") as log:
        log.write(f'\n{{"event": "started", "key": "{KEY}", "na')
    assert StepStatus(tmp_path).of({KEY})[KEY].state is State.FAILED


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    """A plan of a spec whose networks stand, and whose edges do not."""
    spec = write_spec(tmp_path, large_spec(2, 1))
    other = "c1->t0.samples=6"
    for step in pretend(spec, other).edges:
        (tmp_path / ".legonet" / "adapters" / f"{step.key}.safetensors").unlink()
    return plan_of(spec, other)


def test_a_plan_knows_what_builds_do(planned: Plan, tmp_path: Path) -> None:
    first, second = planned.edges
    tell(tmp_path / ".legonet", "failed", first.key, diagnostics=[{"message": "no memory"}])
    found = planned.states()
    assert found["c0", "t0"].state is State.FAILED
    assert found["c0", "t0"].message == "no memory"
    assert found["c1", "t0"].state is State.MISSING
    assert {state.state for state in planned.network_states().values()} == {State.BUILT}
    assert second.action == "build"


def test_an_edge_whose_network_failed_has_failed(tmp_path: Path) -> None:
    plan = plan_of(write_spec(tmp_path, large_spec(2, 1)), "c1_net.train.epochs=3")
    tell(tmp_path / ".legonet", "failed", plan.network("c0_net").key, diagnostics=[])
    assert plan.network_states()["c0_net"].state is State.FAILED
    assert plan.states()["c0", "t0"].state is State.FAILED
    assert "c0_net" in plan.states()["c0", "t0"].message
    assert plan.states()["c1", "t0"].state is State.MISSING
