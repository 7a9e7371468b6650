"""Plan to Report: every step in its turn; a failing step fails alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from legonet.build.events import Event, Listener
from legonet.build.planning.plan import EdgeStep, Plan, Step
from legonet.build.report import Outcome, Report, Result, StepT
from legonet.build.storage.checkpoints import FileCheckpoint
from legonet.build.storage.ledger import Ledger
from legonet.build.storage.store import Artifact, Store
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.distill.progress import Point, Progress, Watch
from legonet.spec import Key

if TYPE_CHECKING:
    from legonet.build.execution.workshop import Workshop

Build = Callable[[Progress, Watch], Artifact]


def run_plan(
    plan: Plan, store: Store, ledger: Ledger, listener: Listener, *, device: str = "cpu"
) -> Report:
    """Build what the plan says, and nothing else.

    Finished steps are in the store at once, and unfinished training leaves checkpoints, so that
    an interrupted build goes on from there.

    Args:
        plan: What to do.
        store: Where finished artifacts go.
        ledger: Takes down what each name was built from.
        listener: Hears of every step.
        device: Where torch computes: ``cpu`` or ``cuda``.
    """
    return _Run(plan, store, ledger, listener, device).report()


class _Run:
    def __init__(
        self, plan: Plan, store: Store, ledger: Ledger, listener: Listener, device: str
    ) -> None:
        self._plan = plan
        self._store = store
        self._ledger = ledger
        self._listener = listener
        self._device = device
        self._opened: Workshop | None = None
        self._failed: set[str] = set()

    def report(self) -> Report:
        started = time.perf_counter()
        networks = tuple(self._network(step) for step in self._plan.networks)
        edges = tuple(self._edge(step) for step in self._plan.edges)
        frozen = 0 if self._opened is None else self._opened.check_frozen()
        seconds = time.perf_counter() - started
        return Report(self._plan, networks, edges, seconds, self._store.folder, frozen)

    def _network(self, step: Step) -> Result[Step]:
        network = self._plan.graph.spec.networks[step.name]
        needs = {} if network.init is None else {"ancestor": network.init}
        result = self._step(step, needs, partial(self._build_network, step))
        if result.outcome == "failed":
            self._failed.add(step.name)
        return result

    def _edge(self, step: EdgeStep) -> Result[EdgeStep]:
        if step.action == "direct":
            return Result(step, "direct", step.reason)
        spec, adapter = self._plan.graph.spec, step.adapter
        needs = {
            "category's network": spec.categories[adapter.category].network,
            "task's network": spec.tasks[adapter.task].network,
            "teacher": self._plan.graph.teacher_name(adapter) or "",
        }
        return self._step(step, needs, partial(self._build_edge, step))

    def _step(
        self,
        step: StepT,
        needs: dict[str, str],
        build: Build,
    ) -> Result[StepT]:
        if step.action == "reuse":
            self._ledger.enter(step.name, step.inputs)
            # A process that was killed behind its last step had no time to do so.
            FileCheckpoint(self._store, step.key).remove()
            return Result(step, "reused", step.reason, artifact=step.artifact)
        broken = [
            f"its {role} `{name}` failed" for role, name in needs.items() if name in self._failed
        ]
        if broken:
            return Result(step, "failed", broken[0])
        started = time.perf_counter()
        self._listener(Event("started", step))
        try:
            artifact, outcome, reason = self._made(step, build)
            self._ledger.enter(step.name, step.inputs)
        except DiagnosticError as error:
            return self._failure(step, error.diagnostics, time.perf_counter() - started)
        except (RuntimeError, MemoryError) as error:
            diagnostic = Diagnostic(
                "LEGO706",
                f"{step.name} could not be computed: {str(error).splitlines()[0]}",
                help=("with less memory at hand, choose a smaller `size` or `batch_size`",),
            )
            return self._failure(step, (diagnostic,), time.perf_counter() - started)
        seconds = time.perf_counter() - started
        self._listener(Event("finished", step, 1.0))
        return Result(step, outcome, reason, seconds, artifact)

    def _made(self, step: Step, build: Build) -> tuple[Artifact, Outcome, str]:
        """Build a step unless another process finished it meanwhile."""
        with self._store.lock(step.key):
            there = self._store.find(step.kind, step.key)
            if there is not None:
                return there, "reused", "another build finished it meanwhile"

            def tell(fraction: float, message: str) -> None:
                self._listener(Event("progress", step, fraction, message))

            def watch(point: Point) -> None:
                self._listener(Event("loss", step, loss=point))

            artifact = build(tell, watch)
            FileCheckpoint(self._store, step.key).remove()
            return artifact, "built", step.reason

    def _failure(self, step: StepT, found: tuple[Diagnostic, ...], seconds: float) -> Result[StepT]:
        located = tuple(self._plan.graph.spec.locate(item, _statement(step)) for item in found)
        self._listener(Event("failed", step, diagnostics=located))
        message = located[0].message if located else "failed"
        return Result(step, "failed", message, seconds, diagnostics=located)

    def _build_network(self, step: Step, tell: Progress, watch: Watch) -> Artifact:
        return self._workshop.build_network(step, tell, watch)

    def _build_edge(self, step: EdgeStep, tell: Progress, watch: Watch) -> Artifact:
        return self._workshop.build_edge(step, tell, watch)

    @property
    def _workshop(self) -> Workshop:
        # Torch is imported only where something is to be built.
        if self._opened is None:
            from legonet.build.execution.workshop import Workshop

            self._opened = Workshop(self._plan, self._store, self._device)
        return self._opened


def _statement(step: Step) -> Key:
    if isinstance(step, EdgeStep):
        return ("adapter", step.adapter.category, step.adapter.task)
    return ("network", step.name)
