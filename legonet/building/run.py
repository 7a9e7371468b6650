"""Plan to Report: runs the steps of a plan on an executor, and proves the result at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from legonet.building.events import Listener
from legonet.building.execution.executor import Inbox, executor_class, open_executor
from legonet.building.execution.job import JobResult
from legonet.building.execution.resources import Resources
from legonet.building.execution.scheduler import Scheduler
from legonet.building.planning.plan import Plan, Step
from legonet.building.report import Report
from legonet.building.result import Result, ended
from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.checkpoints import FileCheckpoint, leftovers
from legonet.building.storage.store import Artifact, Store
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.building.proof import Proof

PATIENCE = 1.0
"""Seconds for which an interrupted build waits for the checkpoints of what is at work."""

REPAIRS = 2
"""How many times, at most, what the proof finds damaged is built and proved again."""


class Run:
    """One build of a plan.

    Finished steps are in the store at once, and unfinished training leaves checkpoints, so that an
    interrupted build resumes from there.

    Args:
        plan: What to do.
        store: Where finished artifacts go.
        history: Records what each name was built from.
        listener: Is told about every step.
        resources: What to compute with.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        history: BuildHistory,
        listener: Listener,
        resources: Resources,
    ) -> None:
        self._plan = plan
        self._store = store
        self._history = history
        self._listener = listener
        self._resources = resources
        self._results: dict[tuple[str, str], Result[Any]] = {}
        self._proof: Proof | None = None

    def report(self, check: Callable[[], None], *, prove: bool = False) -> Report:
        """Run the build and report how it went.

        Args:
            check: Checks the plan while processes start, and raises if it cannot be built.
            prove: Prove that nothing changed, even if there is nothing to build.

        Raises:
            DiagnosticError: The check failed.
        """
        started = time.perf_counter()
        if self._plan.to_build or prove:
            self._build(check)
        else:
            self._reuse()
        return Report(
            self._plan,
            tuple(self._result(step) for step in self._plan.networks),
            tuple(self._result(step) for step in self._plan.edges),
            time.perf_counter() - started,
            self._store.folder,
            self._proof,
            joints=tuple(self._result(step) for step in self._plan.joints),
        )

    def _reuse(self) -> None:
        reused = self._plan.reused
        self._results |= {(step.kind, step.name): self._reused(step) for step in reused}
        note_names(self._history, reused)
        self._remove_checkpoints()

    def _build(self, check: Callable[[], None]) -> None:
        inbox: Inbox = SimpleQueue()
        executor = open_executor(self._resources, self._store, inbox)
        scheduler = Scheduler(
            self._store, executor, inbox, self._listener, memory=self._resources.memory
        )
        steps = self._plan.steps
        note_names(self._history, self._plan.reused)
        try:
            executor.prepare(_width(self._plan))
            check()
            scheduler.add(self._plan, (s for s in steps if s.action != "direct"), self._done)
            _finish(scheduler)
            self._remove_checkpoints()
            self._proof = self._proved()
            for _ in range(REPAIRS):
                for damage in self._proof.damaged:
                    scheduler.build_again(damage.key, damage.diagnostics)
                if self._proof.damaged:
                    _finish(scheduler)
                    self._proof = self._proved()
        finally:
            scheduler.close(PATIENCE)

    def _reused(self, step: Step) -> Result[Step]:
        if step.artifact is None:
            raise ValueError(f"nothing is built of {step.name}")
        return ended(step, "reused", step.reason, step.artifact, self._plan.graph.spec)

    def _done(self, result: Result[Step], job_result: JobResult | None) -> None:
        self._results[result.step.kind, result.step.name] = result
        record(self._plan, self._history, result, job_result)

    def _remove_checkpoints(self) -> None:
        """Remove those of finished steps; a build killed right after a step leaves some behind."""
        left = leftovers(self._store)
        for result in self._results.values():
            if result.artifact is not None and result.step.key in left:
                FileCheckpoint(self._store, result.step.key).remove()

    def _proved(self) -> Proof:
        built = {key: item.artifact for key, item in self._results.items() if item.artifact}
        return proved(self._plan, built, self._store, self._resources)

    def _result(self, step: Step) -> Result[Any]:
        if step.action == "direct":
            return Result(step, "direct", step.reason)
        return self._results[step.kind, step.name]


def proved(
    plan: Plan, built: Mapping[tuple[str, str], Artifact], store: Store, resources: Resources
) -> Proof:
    """Prove that what is built is unchanged, and answers as it did.

    Args:
        plan: The plan.
        built: The artifacts that are built, by kind and name.
        store: Where they are.
        resources: What to compute with.
    """
    # In a thread of its own, because torch's number of threads is set per calling thread.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(_prove, plan, built, store, resources).result()


def _prove(
    plan: Plan, built: Mapping[tuple[str, str], Artifact], store: Store, resources: Resources
) -> Proof:
    import torch

    from legonet.building.proof import prove
    from legonet.building.storage.answer_log import AnswerLog

    torch.set_num_threads(resources.threads)
    return prove(
        plan.graph,
        {name: item for (kind, name), item in built.items() if kind == "network"},
        {
            step.edge.ends: built.get(("adapter", step.name))
            for step in plan.edges
            if step.action == "direct" or ("adapter", step.name) in built
        },
        store,
        AnswerLog(store.folder),
        # A cluster may have GPUs when this machine has none.
        device="cpu" if executor_class(resources.executor).remote else resources.device,
        memory=resources.memory,
    )


def record(
    plan: Plan, history: BuildHistory, result: Result[Step], job_result: JobResult | None
) -> None:
    """Record what a name now stands for, how long it took and how much memory it needed.

    Args:
        plan: The plan that contains the step.
        history: The build history of its spec.
        result: How the step ended.
        job_result: How its job ended, if it had one.

    Raises:
        DiagnosticError: The store cannot be written.
    """
    if result.outcome == "reused":
        note_names(history, [result.step])
    elif result.artifact is not None:
        history.enter({result.step.name: result.step.inputs})
    # A bad edge took as long as a good one.
    was_built = result.artifact is not None and result.step.action == "build"
    if was_built and job_result is not None:
        plan.runs.add(result.step, job_result.seconds, job_result.memory)


def note_names(history: BuildHistory, steps: Iterable[Step]) -> None:
    """Record what the names of already built steps stand for.

    Errors are ignored: a missing name costs explanations and nothing else, and a store may be
    read-only.
    """
    with suppress(DiagnosticError):
        history.enter({step.name: step.inputs for step in steps})


def counts(report: Report) -> dict[str, int]:
    """Return the number of steps of a build by their outcome."""
    return dict(Counter(item.outcome for item in report.results))


def _width(plan: Plan) -> int:
    """Return approximately how many steps of a plan can run at once."""
    depths: dict[str, int] = {}
    for step in plan.to_build:
        needed = (depths.get(name, 0) for name in step.needs.values())
        depths[step.name] = 1 + max(needed, default=0)
    return max(Counter(depths.values()).values(), default=0)


def _finish(scheduler: Scheduler) -> None:
    while not scheduler.idle:
        scheduler.turn()
