"""The scheduler takes what can be done, several at once; a fake executor says when and how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest
from fake_executor import FakeExecutor
from kit.specs import SMALL, plan_of, write_spec

from legonet.building import Event, Plan, Result, Store
from legonet.building.execution.executor import Inbox
from legonet.building.execution.job import JobResult
from legonet.building.execution.scheduler import REPAIRS, Scheduler
from legonet.building.planning.plan import Step
from legonet.diagnostics import Diagnostic

EDGE = "digit_1 -> classify"
MORE = SMALL.replace('["1", "3"]', '["1", "3", "5", "8"]') + (
    "adapter digit_5 -> classify { layers: [conv(1)] }\n"
    "adapter digit_8 -> classify { layers: [conv(1)] }\n"
)
BROKEN = JobResult("failed", 1.0, None, (Diagnostic("LEGO630", "the loss is inf"),))


class Bench:
    """A scheduler over a fake executor, with what came out."""

    def __init__(self, folder: Path, text: str = MORE, places: int = 2) -> None:
        self.plan: Plan = plan_of(write_spec(folder, text))
        self.store = Store(folder / ".legonet")
        self.inbox: Inbox = SimpleQueue()
        self.executor = FakeExecutor(self.store, self.inbox, places)
        self.events: list[Event] = []
        self.results: dict[str, Result[Step]] = {}
        self.scheduler = Scheduler(self.store, self.executor, self.inbox, self.events.append)

    def add(self) -> None:
        """Take up all steps of the plan."""
        self.scheduler.add(self.plan, steps_of(self), self._done)

    def _done(self, result: Result[Step], ending: JobResult | None) -> None:
        self.results[result.step.name] = result

    def settle(self) -> None:
        """Let the scheduler do all that it can before a job ends."""
        self.scheduler._look_again()
        self.scheduler._begin()
        while not self.inbox.empty():
            self.scheduler.take(self.inbox.get())
            self.scheduler._begin()

    def finish(self, make: Callable[[str], None] | None = None) -> None:
        """Make all that is asked for."""
        self.settle()
        while self.executor.at_work:
            (make or self.executor.make)(next(iter(self.executor.at_work)))
            self.settle()

    def kinds(self, name: str) -> list[str]:
        """Return what was told of a step."""
        return [event.kind for event in self.events if event.step.name == name]

    def outcomes(self) -> dict[str, str]:
        """Return how each step ended."""
        return {name: result.outcome for name, result in self.results.items()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_step_begins_when_what_it_needs_stands_and_a_place_is_free(bench: Bench) -> None:
    bench.add()
    bench.settle()
    assert bench.executor.begun == ["ancestor"]
    bench.executor.make("ancestor")
    bench.settle()
    assert bench.executor.begun == ["ancestor", "net_1", "net_3"]
    bench.executor.make("net_3")
    bench.settle()
    assert bench.executor.begun[3:] == ["net_5"]
    bench.executor.make("net_1")
    bench.settle()
    # The edge of net_1 could begin, but others wait for a network.
    assert bench.executor.begun[4:] == ["net_8"]
    bench.executor.make("net_5")
    bench.settle()
    assert bench.executor.begun[5:] == [EDGE]
    bench.finish()
    assert set(bench.outcomes().values()) == {"built"}
    assert bench.kinds(EDGE) == ["started", "progress", "finished"]


def test_a_failing_step_fails_alone_with_those_that_need_it(bench: Bench) -> None:
    bench.add()
    bench.settle()
    bench.executor.make("ancestor")
    bench.settle()
    bench.executor.end("net_1", BROKEN)
    bench.finish()
    failed = {name: item for name, item in bench.results.items() if item.outcome == "failed"}
    assert failed.keys() == {"net_1", EDGE}
    assert failed[EDGE].reason == "its category's network `net_1` failed"
    (diagnostic,) = failed["net_1"].diagnostics
    assert diagnostic.span is not None
    assert not list((bench.store.folder / "locks").glob("*.lock"))


def test_what_stands_is_not_begun(bench: Bench) -> None:
    bench.add()
    bench.finish()
    again = Bench(bench.store.folder.parent)
    again.add()
    assert again.scheduler.idle
    assert set(again.outcomes().values()) == {"reused"}


def steps_of(bench: Bench) -> list[Step]:
    """Return the steps that have an artifact."""
    return [s for s in (*bench.plan.networks, *bench.plan.edges) if s.action != "direct"]


def look_again(bench: Bench) -> None:
    """Let the time pass after which a held key is looked at again."""
    for node in bench.scheduler._held:
        node.look_at = 0.0


def test_what_another_build_holds_waits_while_the_rest_goes_on(bench: Bench) -> None:
    key = bench.plan.network("net_1").key
    held = bench.store.try_lock(key)
    assert held is not None
    bench.add()
    bench.settle()
    bench.executor.make("ancestor")
    bench.settle()
    assert bench.executor.begun == ["ancestor", "net_3", "net_5"]
    bench.finish()
    assert not bench.scheduler.idle
    assert bench.outcomes().keys() == {step.name for step in steps_of(bench)} - {"net_1", EDGE}
    held.release()
    look_again(bench)
    bench.finish()
    assert bench.scheduler.idle
    assert bench.outcomes()[EDGE] == "built"


def test_what_another_build_finished_is_taken_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    other = Bench(tmp_path)
    for one in (bench, other):
        one.add()
    other.settle()
    bench.settle()
    assert bench.executor.begun == []
    other.finish()
    look_again(bench)
    bench.finish()
    assert bench.executor.begun == []
    assert set(bench.outcomes().values()) == {"reused"}


def damaged(bench: Bench, name: str) -> JobResult:
    """Remove a network, as who reads a damaged one does, and return the ending of the reader."""
    step = bench.plan.network(name)
    bench.store.file("network", step.key).unlink()
    found = Diagnostic("LEGO703", "a stored network is damaged")
    return JobResult("damaged", 0.1, None, (found,), ("network", step.key))


def test_what_is_damaged_is_built_again_and_then_who_needs_it(bench: Bench) -> None:
    bench.add()
    bench.settle()
    while EDGE not in bench.executor.at_work:
        bench.executor.make(next(iter(bench.executor.at_work)))
        bench.settle()
    bench.executor.end(EDGE, damaged(bench, "net_3"))
    bench.finish()
    assert bench.executor.begun.count("net_3") == 2
    assert bench.executor.begun.count(EDGE) == 2
    assert set(bench.outcomes().values()) == {"built"}
    assert "damaged" in bench.kinds("net_3")


def test_what_is_damaged_again_and_again_fails(bench: Bench) -> None:
    bench.add()

    def make(name: str) -> None:
        if name == EDGE:
            bench.executor.end(EDGE, damaged(bench, "net_3"))
        else:
            bench.executor.make(name)

    bench.finish(make)
    assert bench.executor.begun.count("net_3") == 1 + REPAIRS
    assert bench.outcomes()[EDGE] == "failed"


def test_damage_that_only_the_reader_sees_does_not_go_on_for_ever(bench: Bench) -> None:
    bench.add()
    found = Diagnostic("LEGO703", "a stored network is damaged")
    seen = JobResult("damaged", 0.1, None, (found,), ("network", bench.plan.network("net_3").key))

    def make(name: str) -> None:
        if name == EDGE:
            bench.executor.end(EDGE, seen)
        else:
            bench.executor.make(name)

    bench.finish(make)
    assert bench.outcomes()[EDGE] == "failed"
    assert bench.executor.begun.count("net_3") == 1


def test_an_edge_beside_other_weights_is_learned_again(bench: Bench) -> None:
    bench.add()

    def make(name: str) -> None:
        beside = {}
        if "->" in name:
            step = next(step for step in bench.plan.edges if step.name == name)
            network = bench.plan.graph.spec.categories[step.edge.category].network
            found = bench.store.find("network", bench.plan.network(network).key)
            assert found is not None
            beside = {"category": found.sha256}
        bench.executor.make(name, dependencies=beside)

    bench.finish(make)
    lost = bench.plan.network("net_1")
    bench.store.file("network", lost.key).unlink()
    for value, expected in ((0.0, ["net_1"]), (7.0, ["net_1", EDGE])):
        again = Bench(bench.store.folder.parent)
        again.add()
        again.settle()
        again.executor.make("net_1", value)
        again.settle()
        assert again.executor.begun == expected
        again.scheduler.close(0.0)
        bench.store.file("network", lost.key).unlink()


def test_steps_can_be_stopped(bench: Bench) -> None:
    bench.add()
    bench.settle()
    bench.executor.make("ancestor")
    bench.settle()
    bench.scheduler.stop(bench.plan.network("net_1").key)
    bench.scheduler.stop(bench.plan.network("net_8").key)
    bench.finish()
    assert bench.executor.stopped == ["net_1"]
    assert "net_8" not in bench.executor.begun
    found = bench.outcomes()
    assert (found["net_1"], found["net_8"], found[EDGE]) == ("stopped", "stopped", "failed")
    assert bench.results[EDGE].reason == "its category's network `net_1` was stopped"
    bench.add()
    bench.finish()
    assert set(bench.outcomes().values()) == {"built"}
    assert bench.executor.begun.count("net_3") == 1


def test_closing_stops_what_is_at_work_and_releases_it(bench: Bench) -> None:
    bench.add()
    bench.settle()
    bench.scheduler.close(1.0)
    assert bench.kinds("ancestor")[-1] == "stopped"
    lock = bench.store.try_lock(bench.plan.network("ancestor").key)
    assert lock is not None
    lock.release()


def test_no_more_is_begun_than_memory_allows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.plan.network("net_1")
    bench.plan.runs.add(first, 10.0, 600)
    bench.scheduler._memory = 1000
    bench.add()
    bench.settle()
    bench.executor.make("ancestor")
    bench.settle()
    assert bench.executor.begun == ["ancestor", "net_1"]
    bench.finish()
    assert set(bench.outcomes().values()) == {"built"}


def test_steps_of_two_plans_share_what_they_have_in_common(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add()
    bench.settle()
    renamed = plan_of(
        write_spec(tmp_path, MORE.replace("net_1", "first"), "renamed.lego"),
        store=bench.store.folder,
    )
    found: dict[str, str] = {}
    bench.scheduler.add(
        renamed,
        renamed.networks,
        lambda result, ending: found.update({result.step.name: result.outcome}),
    )
    bench.finish()
    assert bench.executor.begun.count("ancestor") == 1
    assert set(found.values()) == {"built"}
    assert len(bench.executor.begun) == len(set(bench.executor.begun))
