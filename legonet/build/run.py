"""Plan to Report: the steps of a plan on whatever computes them, and the proof at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from legonet.build.events import Listener
from legonet.build.execution.executor import Ending, Inbox
from legonet.build.execution.resources import Resources
from legonet.build.execution.scheduler import Scheduler
from legonet.build.planning.neighbours import neighbours
from legonet.build.planning.plan import Plan, Step
from legonet.build.report import Report
from legonet.build.result import Result
from legonet.build.storage.checkpoints import FileCheckpoint, leftovers
from legonet.build.storage.ledger import Ledger
from legonet.build.storage.store import Artifact, Store
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.build.proof import Proof

PATIENCE = 1.0
"""Seconds for which an interrupted build waits for the checkpoints of what is at work."""

REPAIRS = 2
"""How often what the proof finds damaged is built again, and the proof repeated."""


class Run:
    """One build of a plan.

    Finished steps are in the store at once, and unfinished training leaves checkpoints, so that
    an interrupted build goes on from there.

    Args:
        plan: What to do.
        store: Where finished artifacts go.
        ledger: Takes down what each name was built from.
        listener: Hears of every step.
        resources: With what it computes.
    """

    def __init__(
        self, plan: Plan, store: Store, ledger: Ledger, listener: Listener, resources: Resources
    ) -> None:
        self._plan = plan
        self._store = store
        self._ledger = ledger
        self._listener = listener
        self._resources = resources
        self._results: dict[tuple[str, str], Result[Any]] = {}
        self._proof: Proof | None = None

    def report(self, check: Callable[[], None], *, prove: bool = False) -> Report:
        """Do it.

        Args:
            check: Checks the plan while processes start, and raises if it cannot be done.
            prove: Prove that nothing changed, even where nothing is to be built.

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
        )

    def _reuse(self) -> None:
        for step in (*self._plan.networks, *self._plan.edges):
            if step.action == "reuse":
                self._results[step.kind, step.name] = _reused(step)
                note_name(self._ledger, step)
        self._remove_checkpoints()

    def _build(self, check: Callable[[], None]) -> None:
        inbox: Inbox = SimpleQueue()
        executor = self._resources.open(self._store, inbox)
        scheduler = Scheduler(
            self._store, executor, inbox, self._listener, memory=self._resources.memory
        )
        steps = (*self._plan.networks, *self._plan.edges)
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

    def _done(self, result: Result[Step], ending: Ending | None) -> None:
        self._results[result.step.kind, result.step.name] = result
        record(self._plan, self._ledger, result, ending)

    def _remove_checkpoints(self) -> None:
        """Remove those of finished steps; who was killed behind a step had no time to do so."""
        left = leftovers(self._store)
        for result in self._results.values():
            if result.artifact is not None and result.step.key in left:
                FileCheckpoint(self._store, result.step.key).remove()

    def _proved(self) -> Proof:
        stand = {key: item.artifact for key, item in self._results.items() if item.artifact}
        return proved(self._plan, stand, self._store, self._resources)

    def _result(self, step: Step) -> Result[Any]:
        if step.action == "direct":
            return Result(step, "direct", step.reason)
        return self._results[step.kind, step.name]


def proved(
    plan: Plan, stand: Mapping[tuple[str, str], Artifact], store: Store, resources: Resources
) -> Proof:
    """Prove that what stands is what it was, and answers as it did.

    Args:
        plan: The plan.
        stand: What stands of it, by kind and name.
        store: Where it stands.
        resources: With what to compute.
    """
    # In a thread of its own, as the number of torch's threads is one of the thread that asks.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(_prove, plan, stand, store, resources).result()


def _prove(
    plan: Plan, stand: Mapping[tuple[str, str], Artifact], store: Store, resources: Resources
) -> Proof:
    import torch

    from legonet.build.proof import prove
    from legonet.build.storage.probes import PROBES, Probes

    torch.set_num_threads(resources.threads)
    return prove(
        plan.graph,
        {name: item for (kind, name), item in stand.items() if kind == "network"},
        {
            (step.adapter.category, step.adapter.task): stand.get(("adapter", step.name))
            for step in plan.edges
            if step.action == "direct" or ("adapter", step.name) in stand
        },
        store,
        Probes(store.folder / PROBES),
        # A cluster may have GPUs, and this machine none.
        device="cpu" if resources.executor == "ray" else resources.device,
        memory=resources.memory,
    )


def record(plan: Plan, ledger: Ledger, result: Result[Step], ending: Ending | None) -> None:
    """Note what a name stands for now, and how long it took and how much memory.

    Args:
        plan: The plan that the step is of.
        ledger: The ledger of its spec.
        result: How the step ended.
        ending: How its order ended, if it had one.

    Raises:
        DiagnosticError: The store cannot be written.
    """
    if result.outcome == "reused":
        note_name(ledger, result.step)
    elif result.artifact is not None:
        ledger.enter(result.step.name, result.step.inputs)
    if result.outcome == "built" and ending is not None:
        plan.runs.add(result.step, ending.seconds, ending.memory)


def note_name(ledger: Ledger, step: Step) -> None:
    """Note what the name of a step stands for that was built before.

    Names that changed cost explanations and nothing else, and a store may be read-only.
    """
    with suppress(DiagnosticError):
        ledger.enter(step.name, step.inputs)


def counts(report: Report) -> dict[str, int]:
    """Return the number of steps of a build by their outcome."""
    outcomes = [item.outcome for item in report.networks] + [item.outcome for item in report.edges]
    return dict(Counter(outcomes))


def _width(plan: Plan) -> int:
    """Return how many steps of a plan can be at work at once, about."""
    depths: dict[str, int] = {}
    for step in plan.to_build:
        needed = neighbours(plan.graph, step).values()
        depths[step.name] = 1 + max((depths.get(name, 0) for name in needed), default=0)
    return max(Counter(depths.values()).values(), default=0)


def _finish(scheduler: Scheduler) -> None:
    while not scheduler.idle:
        scheduler.turn()


def _reused(step: Step) -> Result[Step]:
    return Result(step, "reused", step.reason, artifact=step.artifact)
