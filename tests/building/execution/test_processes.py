"""Jobs in processes: what a network's code does, it does to itself; the bits stay the same."""

from __future__ import annotations

import importlib
import os
import time
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from kit.specs import SMALL, plan_of, workspace_of, write_spec

from legonet.building import Event, Plan, Report, Store
from legonet.building.execution.executor import Inbox, Message
from legonet.building.execution.job import Job, JobResult, StopSign
from legonet.building.execution.processes import ProcessExecutor
from legonet.building.execution.resources import Resources
from legonet.building.execution.running import run_job
from legonet.building.execution.step_runner import StepRunner
from legonet.building.execution.threads import ThreadExecutor

PLUGIN = Path(__file__).parents[2] / "plugin"
PATIENCE = 120.0
"""Seconds after which something hangs."""

MORE = SMALL.replace('["1", "3"]', '["1", "3", "5"]') + (
    "adapter digit_5 -> classify { layers: [conv(1)], method: back_distillation(init: solve, "
    "steps: 10), samples: labels }\n"
)
DEATHS = {
    "is_killed": "was killed by signal 9",
    "leaves": "ended with code 7",
    "leaves_a_process": "ended with code 8: last words",
    "crashes": "was killed by signal 11",
}
ERRORS = {
    "raises": "OddError: ",
    "exits": "SystemExit: 5",
    "interrupts": "KeyboardInterrupt: ",
}


@pytest.fixture(autouse=True)
def odd_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of odd networks, for this process and all that it starts."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


def odd(*behaviours: str) -> str:
    """Return a spec of networks that misbehave, and one that does not."""
    networks = {name: f'odd.one(behaviour: "{name}")' for name in behaviours}
    networks["good"] = "legonet.small_vgg(classes: 1, channels: 4)"
    return "data digits { source: digits() }\n" + "".join(
        f"network {name} {{\n  model: {model}\n"
        f'  train {{ data: digits, category: "3", epochs: 1, seed: 0 }}\n}}\n'
        for name, model in networks.items()
    )


def build_with(folder: Path, text: str, events: list[Event] | None = None, **how: Any) -> Report:
    """Build a spec with one torch thread for each job."""
    folder.mkdir(exist_ok=True)
    workspace, plan = workspace_of(write_spec(folder, text))
    hear = [].append if events is None else events.append
    return workspace.build(plan, hear, Resources(threads=1, **how))


def certificates(report: Report) -> dict[str, Any]:
    """Return what was built, but for how long it took."""
    return {
        item.step.name: {**item.artifact.certificate, "seconds": None}
        for item in (*report.networks, *report.edges)
        if item.artifact is not None
    }


def test_a_network_that_kills_its_process_fails_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = build_with(tmp_path, odd(*DEATHS, *ERRORS, "prints"), jobs=2, executor="processes")
    outcomes = {item.step.name: item.outcome for item in report.networks}
    assert outcomes == dict.fromkeys((*DEATHS, *ERRORS), "failed") | {
        "good": "built",
        "prints": "built",
    }
    found = {item.step.name: item.diagnostics[0] for item in report.failed}
    for name, how in DEATHS.items():
        assert found[name].code == "LEGO711"
        assert found[name].message.startswith(f"the process that built {name} {how}")
    for name, how in ERRORS.items():
        assert found[name].code == "LEGO706"
        assert found[name].message == f"{name} could not be computed: {how}"
    assert all(item.span is not None for item in found.values())
    written = capfd.readouterr()
    assert "a word between the messages" in written.err
    assert "and another one" in written.err
    assert written.out == ""


def test_in_threads_an_odd_network_fails_alone_too(tmp_path: Path) -> None:
    report = build_with(tmp_path, odd(*ERRORS), jobs=2, executor="threads")
    outcomes = {item.step.name: item.outcome for item in report.networks}
    assert outcomes == {**dict.fromkeys(ERRORS, "failed"), "good": "built"}


def test_the_bits_do_not_depend_on_who_computes_nor_on_how_many(tmp_path: Path) -> None:
    alone = build_with(tmp_path / "alone", MORE, jobs=1, executor="threads")
    assert not alone.failed
    for number, (jobs, executor) in enumerate([(3, "threads"), (1, "processes"), (3, "processes")]):
        report = build_with(tmp_path / str(number), MORE, jobs=jobs, executor=executor)
        assert not report.failed
        assert certificates(report) == certificates(alone), (jobs, executor)


def test_the_bits_do_not_depend_on_the_memory(tmp_path: Path) -> None:
    plan = plan_of(write_spec(tmp_path, MORE))
    found: dict[int | None, dict[str, str]] = {}
    for memory in (None, 1):
        store = Store(tmp_path / str(memory))
        runner = StepRunner(store, "cpu", memory)
        for step in (*plan.networks, *plan.edges):
            if step.action == "build":
                job = Job.of(plan, step)
                ending = run_job(runner, job, lambda news: None, StopSign(), "cpu")
                assert ending.outcome == "made", ending
        kept = len(runner._networks._kept)
        assert kept == (1 if memory else len(plan.networks))
        artifacts = (store.find(step.kind, step.key) for step in (*plan.networks, *plan.edges))
        found[memory] = {item.key: item.sha256 for item in artifacts if item is not None}
    assert found[None] == found[1]
    assert len(found[1]) == len(plan.to_build)


def test_an_order_that_never_ends_does_not_keep_its_executor_from_closing(tmp_path: Path) -> None:
    plan = plan_of(write_spec(tmp_path, odd("never_ends")))
    inbox: Inbox = SimpleQueue()
    executor = ProcessExecutor(Store(tmp_path / ".legonet"), inbox, Resources(threads=1))
    executor.start(Job.of(plan, plan.network("never_ends")))
    (worker,) = executor._workers
    wait_until_at_work(worker._process.pid)
    executor.close(0.1)
    assert worker._process.returncode == -9
    assert not worker._listeners[0].is_alive()
    assert inbox.empty()


def wait_until_at_work(number: int) -> None:
    """Wait until a process has imported torch."""
    deadline = time.monotonic() + PATIENCE
    while "libtorch_python" not in Path(f"/proc/{number}/maps").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stopped_order_keeps_its_checkpoint_and_its_process(tmp_path: Path) -> None:
    plan = plan_of(write_spec(tmp_path, MORE.replace("epochs: 1", "epochs: 500")))
    job = Job.of(plan, plan.network("ancestor"))
    inbox: Inbox = SimpleQueue()
    store = Store(tmp_path / ".legonet")
    executor = ProcessExecutor(store, inbox, Resources(threads=1))
    try:
        executor.start(job)
        assert isinstance(inbox.get(timeout=PATIENCE), Message)
        executor.stop(job.key)
        ending = ending_of(inbox)
        assert ending.outcome == "stopped"
        assert (store.folder / "checkpoints" / f"{job.key}.pt").exists()
        (worker,) = executor._workers
        assert worker.idle
        executor.stop(job.key)  # it is over, and nothing comes of it
        executor.start(job)
        assert executor._workers == [worker]
        assert isinstance(inbox.get(timeout=PATIENCE), Message)
    finally:
        executor.close(1.0)


def ending_of(inbox: Inbox) -> JobResult:
    """Return how the one job at work ends."""
    while True:
        message = inbox.get(timeout=PATIENCE)
        assert isinstance(message, Message)
        if isinstance(message.news, JobResult):
            return message.news


def test_an_idle_process_that_dies_is_replaced(tmp_path: Path) -> None:
    plan = plan_of(write_spec(tmp_path, odd()))
    inbox: Inbox = SimpleQueue()
    executor = ProcessExecutor(Store(tmp_path / ".legonet"), inbox, Resources(threads=1))
    try:
        executor.prepare(1)
        (dead,) = executor._workers
        os.kill(dead._process.pid, 9)
        dead._listeners[0].join(PATIENCE)
        executor.start(Job.of(plan, plan.network("good")))
        assert ending_of(inbox).outcome == "made"
        assert dead not in executor._workers
    finally:
        executor.close(1.0)


TASKS = """
data digits { source: digits() }
for digit in ["1", "3", "5"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 4)
    train { data: digits, category: digit, epochs: 1 }
  }
  category c${digit} { from: net_${digit}, until: "features.4" }
  task is_${digit} { from: net_${digit}, after: "features.4" }
}
"""
EDGES = "".join(
    f"adapter {edge} {{ method: back_distillation(init: solve) }}\n"
    for edge in ("c1 -> is_3", "c1 -> is_5", "c3 -> is_5", "c3 -> is_1")
)


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job]:
    """Jobs for edges onto three tasks."""
    plan: Plan = plan_of(write_spec(tmp_path, TASKS + EDGES))
    return {step.name: Job.of(plan, step) for step in plan.edges}


def test_an_edge_goes_to_the_process_that_knows_its_task_module(jobs: dict[str, Job]) -> None:
    executor = ProcessExecutor(Store(Path()), SimpleQueue(), Resources(jobs=2))
    taken: list[tuple[str, str]] = []

    def worker(name: str, known: str | None, at_work: Job | None = None) -> SimpleNamespace:
        return SimpleNamespace(
            idle=at_work is None,
            job=at_work,
            task_module=jobs[known].task_module if known else None,
            take=lambda job: taken.append((name, job.step.name)),
        )

    executor._workers = [worker("new", None), worker("of 5", "c1 -> is_5")]  # type: ignore[list-item]
    ready = [jobs["c1 -> is_3"], jobs["c3 -> is_5"], jobs["c3 -> is_1"]]
    assert executor.choose(ready) is jobs["c3 -> is_5"]
    executor.start(jobs["c3 -> is_5"])
    assert taken == [("of 5", "c3 -> is_5")]
    # One that is at work with a task will be free for its edges; others come first.
    executor._workers = [worker("new", None), worker("of 3", "c1 -> is_3", jobs["c1 -> is_3"])]  # type: ignore[list-item]
    assert executor.choose(ready) is jobs["c3 -> is_5"]
    executor.start(jobs["c3 -> is_5"])
    assert taken[1:] == [("new", "c3 -> is_5")]
    assert executor.choose(ready[:1]) is jobs["c1 -> is_3"]


def test_threads_share_all_that_is_kept(jobs: dict[str, Job]) -> None:
    executor = ThreadExecutor(Store(Path()), SimpleQueue(), Resources(jobs=2))
    assert executor.choose(list(jobs.values())) is jobs["c1 -> is_3"]
