"""A network that grows while it is used: edges are learned in the background, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any

from torch import Tensor

from legonet.building import Artifact, EdgeStep, Event, Plan, Result, Step, Workspace
from legonet.building.event_log import EVENTS, EventLog
from legonet.building.execution.executor import Inbox, default_resources, open_executor
from legonet.building.execution.job import JobResult
from legonet.building.execution.resources import Resources
from legonet.building.execution.scheduler import Scheduler
from legonet.building.run import proved, record
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity
from legonet.graph import ModuleGraph, check_graph, load
from legonet.graph.resolved import edge_name
from legonet.network.transplant_network import TransplantNetwork

if TYPE_CHECKING:
    from legonet.building.proof import Proof

PATIENCE = 1.0
"""Seconds for which closing waits for the checkpoints of what is at work."""


class Connection:
    """An edge that is being built; it can be awaited, queried and cancelled.

    Attributes:
        category: The category's name.
        task: The task's name.
        progress: How much of its own work is done, 0 to 1.
        message: What it is doing, in a few words.
    """

    def __init__(self, step: EdgeStep, stop: Callable[[], None]) -> None:
        self.category = step.edge.category
        self.task = step.edge.task
        self.progress = 0.0
        self.message = "waiting"
        self._stop = stop
        self._future: Future[Result[EdgeStep]] = Future()
        self._future.set_running_or_notify_cancel()

    def __repr__(self) -> str:
        state = "done" if self.done() else f"{self.progress:.0%}"
        return f"<Connection {edge_name(self.category, self.task)}: {state}, {self.message}>"

    def __await__(self) -> Generator[Any, None, Result[EdgeStep]]:
        """Wait for the edge; cancelling the wait does not stop the edge."""
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def result(self, timeout: float | None = None) -> Result[EdgeStep]:
        """Wait for the edge and return how it ended: ``built``, ``reused`` or ``direct``.

        Args:
            timeout: How many seconds to wait at most.

        Raises:
            DiagnosticError: It failed.
            concurrent.futures.CancelledError: It was cancelled.
            TimeoutError: It is not finished yet.
        """
        return self._future.result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the edge and return why it failed; None if it did not.

        Args:
            timeout: How many seconds to wait at most.
        """
        return self._future.exception(timeout)

    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self._future.done()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.done() and isinstance(self._future.exception(), CancelledError)

    def cancel(self) -> bool:
        """Stop the edge, and what is built for it alone; checkpoints are kept.

        Returns:
            Whether it was still unfinished.
        """
        if self.done():
            return False
        self._stop()
        return True

    def end(self, result: Result[Any]) -> None:
        """Set the result; the builder calls this."""
        if result.outcome == "stopped":
            self.fail(CancelledError(f"{result.step.name} was cancelled"))
        elif result.artifact is None or result.outcome == "failed":
            why = Diagnostic("LEGO713", f"{result.step.name}: {result.reason}")
            self.fail(DiagnosticError(*(result.diagnostics or (why,))))
        elif not self.done():
            self.progress, self.message = 1.0, result.outcome
            self._future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Set the error that explains why there is no result; the builder calls this."""
        if not self.done():
            self.message = str(error).partition("\n")[0]
            self._future.set_exception(error)


class Builder:
    """Builds the edges of a spec in the background, and answers along those that are finished.

    Example:
        >>> with Builder("animals.lego") as builder:  # doctest: +SKIP
        ...     edge = builder.connect("cat", "classify", samples=20)
        ...     logits = builder(pictures, category="dog", task="classify")
        ...     print(edge.result().seconds)

    It is safe to use from several threads.

    Args:
        spec: The ``.lego`` file.
        store: Where built things are stored; default: ``.legonet`` beside the spec.
        resources: What to compute with; default: what the machine has, on the CPU.
        trust: Files whose code may run, besides those that the spec's project lists.
    """

    def __init__(
        self,
        spec: Path | str,
        *,
        store: Path | str | None = None,
        resources: Resources | None = None,
        trust: Sequence[Path | str] = (),
    ) -> None:
        self._graph = load(spec, trust=trust)
        self._workspace = Workspace(Path(spec), store)
        self._resources = resources or default_resources()
        self._network: TransplantNetwork | None = None
        self._inbox: Inbox = SimpleQueue()
        self._connections: dict[str, Connection] = {}
        self._plan: Plan | None = None
        self._ended = False
        self._lock = Lock()
        self._closed = False
        self._log = EventLog(self._workspace.store.folder / EVENTS, Path(spec))
        self._scheduler = Scheduler(
            self._workspace.store,
            open_executor(self._resources, self._workspace.store, self._inbox),
            self._inbox,
            self._hear,
            memory=self._resources.memory,
        )
        self._thread = Thread(target=self._work, name="legonet builder", daemon=True)
        self._thread.start()

    @property
    def graph(self) -> ModuleGraph:
        """The graph, including all edges that were connected."""
        return self._graph

    def connect(self, category: str, task: str, **fields: Any) -> Connection:
        """Start building an edge and what it needs, and return at once.

        Args:
            category: The category's name.
            task: The task's name.
            fields: Fields of the `adapter` statement, such as ``samples=20`` and
                ``layers=[1, 1]``. Without any, an edge of the spec is built as the spec says.

        Raises:
            DiagnosticError: There is no such category or task, a field is wrong, or weights or
                pictures cannot be found.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the builder is closed")
            if fields or (category, task) not in self._graph.spec.adapters:
                self._graph = _connected(self._graph, category, task, fields)
            plan = self._workspace.plan(self._graph)
            step = plan.edge(category, task)
            if step is None:
                raise ValueError(f"the plan has no step for {edge_name(category, task)}")
            connection = Connection(step, partial(self._inbox.put, partial(self._stop, step)))
            self._connections[step.key or step.name] = connection
            self._inbox.put(partial(self._begin, plan, step, connection))
            if self._network is not None:
                self._network.follow(plan)
            self._plan = plan
        return connection

    @property
    def network(self) -> TransplantNetwork:
        """The network as far as it is built; each edge is added when it is finished."""
        with self._lock:
            if self._network is None:
                plan = self._plan or self._workspace.plan(self._graph)
                device = self._resources.device
                self._network = TransplantNetwork(plan, self._workspace, device=device)
            return self._network

    def __call__(self, pictures: Tensor, *, category: str, task: str) -> Tensor:
        """Answer for pictures along a finished edge, as `TransplantNetwork` does.

        Raises:
            DiagnosticError: No edge joins the two, or it is not finished.
        """
        return self.network(pictures, category=category, task=task)

    def prove(self) -> Proof:
        """Prove that what is built is unchanged, and that every finished path answers as before.

        The answers are compared with the first ones on record, as in ``legonet build --prove``.
        """
        with self._lock:
            plan = self._workspace.plan(self._graph)
        steps = (*plan.networks, *plan.edges)
        built: dict[tuple[str, str], Artifact] = {
            (step.kind, step.name): step.artifact for step in steps if step.artifact is not None
        }
        return proved(plan, built, self._workspace.store, self._resources)

    def close(self) -> None:
        """Stop what is unfinished, keep its checkpoints, and end the builder."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._inbox.put(self._end)
        self._thread.join()

    def __enter__(self) -> Builder:
        """Return the builder."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the builder."""
        self.close()

    # The methods below run in the builder's own thread.

    def _work(self) -> None:
        try:
            while not self._ended:
                if self._scheduler.idle:
                    self._scheduler.take(self._inbox.get())
                else:
                    self._scheduler.turn()
        except BaseException as error:
            self._scheduler.close(PATIENCE)
            for connection in self._connections.values():
                connection.fail(error)

    def _begin(self, plan: Plan, step: EdgeStep, connection: Connection) -> None:
        steps = plan.networks_of(step) if step.action == "direct" else (step,)
        wanted = {item.key for item in steps}

        def done(result: Result[Step], job_result: JobResult | None) -> None:
            record(plan, self._workspace.history, result, job_result)
            wanted.discard(result.step.key)
            if result.artifact is None or not wanted:
                outcome = "direct" if step.action == "direct" and not wanted else result.outcome
                connection.end(replace(result, step=step, outcome=outcome))

        try:
            needed = {item.action for item in (*plan.networks_of(step), step)}
            if needed & {"build", "measure"}:
                self._workspace.begin(plan)
                self._workspace.check(plan, step)
            self._scheduler.add(plan, steps, done)
        except DiagnosticError as error:
            connection.fail(error)

    def _stop(self, step: EdgeStep) -> None:
        self._scheduler.stop(step.key)

    def _hear(self, event: Event) -> None:
        self._log.hear(event)
        connection = self._connections.get(event.step.key)
        if connection is not None and event.kind == "progress":
            connection.progress, connection.message = event.fraction, event.message

    def _end(self) -> None:
        self._ended = True
        self._scheduler.close(PATIENCE)
        for connection in self._connections.values():
            connection.fail(CancelledError("the builder was closed"))


def _connected(graph: ModuleGraph, category: str, task: str, fields: dict[str, Any]) -> ModuleGraph:
    """Return a copy of a graph with one more edge, and raise what is wrong with that edge."""
    changed = graph.copy().connect(category, task, **fields)
    known = {(item.code, item.message) for item in check_graph(graph)}
    wrong = [
        item
        for item in check_graph(changed)
        if item.severity is Severity.ERROR and (item.code, item.message) not in known
    ]
    if wrong:
        raise DiagnosticError(*wrong)
    return changed
