"""Starts the steps of plans as soon as what they need is built, several at once."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from legonet.building.events import Event, Listener
from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, JobProgress, JobResult
from legonet.building.planning.dependencies import beside_other_weights, with_other_weights
from legonet.building.planning.plan import Plan, Step
from legonet.building.result import Outcome, Result, ended, statement_of
from legonet.building.storage.answer_log import AnswerLog
from legonet.building.storage.locks import Lock
from legonet.building.storage.store import Artifact, Store
from legonet.diagnostics import Diagnostic, DiagnosticError

LOOK_AGAIN = 0.2
"""Seconds after which a key that another build holds is tried again."""

REPAIRS = 2
"""How many times, at most, one damaged artifact is built again in one build."""

SETBACKS = 6
"""How many times, at most, one step is begun again because it met something damaged."""

CHOICE = 64
"""How many ready jobs an executor chooses from."""

ROLES = {
    "ancestor": "ancestor",
    "category": "category's network",
    "task": "task's network",
    "teacher": "teacher",
}
"""The names of the things that a step needs, as shown to people."""


def _role(role: str, need: Step) -> str:
    """Return what to call something that a step needs."""
    return ROLES.get(role, "network" if need.kind == "network" else "edge")


Done = Callable[[Result[Step], JobResult | None], None]
"""Called once for each step with its result, and with how its job ended if it had one."""

State = Literal["waiting", "ready", "held", "at work", "done", "failed"]


@dataclass(eq=False)
class _Node:
    """A content key that is to be built, for all steps that share it."""

    plan: Plan
    step: Step
    needs: dict[str, _Node]  # by role
    requests: list[tuple[Step, Done]] = field(default_factory=list)
    state: State = "waiting"
    users: list[_Node] = field(default_factory=list)
    result: Result[Step] | None = None
    lock: Lock | None = None
    look_at: float = 0.0
    repairs: int = 0
    setbacks: int = 0


class Scheduler:
    """Runs the steps of plans; its methods are called from one thread.

    When a step fails, only the steps that need it fail too. A key that another build is working on
    is checked again until it is built or free. Whatever turns out to be damaged is built again.

    Args:
        store: Where artifacts are.
        executor: Runs jobs.
        inbox: Receives the executor's messages; calls that are put into it are made in between.
        listener: Is told about every step.
        memory: Bytes that the jobs at work may take together, by the plan's estimates.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        inbox: Inbox,
        listener: Listener,
        *,
        memory: int | None = None,
    ) -> None:
        self._store = store
        self._answer_log = AnswerLog(store.folder)
        self._executor = executor
        self._inbox = inbox
        self._listener = listener
        self._memory = memory
        self._nodes: dict[str, _Node] = {}
        self._ready: deque[_Node] = deque()
        self._held: list[_Node] = []
        self._at_work: dict[str, _Node] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing is running and nothing waits."""
        return not (self._ready or self._held or self._at_work)

    def add(self, plan: Plan, steps: Iterable[Step], done: Done) -> None:
        """Add steps of a plan, together with the steps that they need.

        Steps that failed or were stopped before are tried again.

        Args:
            plan: The plan.
            steps: Steps of the plan, none of them direct.
            done: Is told how each of these steps ended.
        """
        for step in steps:
            node = self._node(plan, step)
            node.requests.append((step, done))
            if node.state in ("done", "failed") and node.result is not None:
                done(replace(node.result, step=step), None)

    def build_again(self, key: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Build something again that was found damaged.

        Args:
            key: The content key of a step that was added.
            diagnostics: What is wrong with it.
        """
        broken = self._nodes[key]
        self._listener(Event("damaged", broken.step, diagnostics=diagnostics))
        self._repair(broken, "what is stored is damaged")

    def stop(self, key: str) -> None:
        """Stop a step, if it is not finished."""
        node = self._nodes[key]
        if node.state == "at work":
            self._executor.stop(key)
            return
        if node.state == "ready":
            self._ready.remove(node)
        elif node.state == "held":
            self._held.remove(node)
        if node.state not in ("done", "failed"):
            self._end(node, "stopped", "it was stopped")

    def turn(self) -> None:
        """Begin what can begin, and take one message if something is running or held."""
        self._look_again()
        self._begin()
        if self.idle:
            return
        try:
            message = self._inbox.get(timeout=LOOK_AGAIN if self._held else None)
        except queue.Empty:
            return
        self.take(message)

    def take(self, message: Message | Callable[[], None] | BaseException) -> None:
        """Take one message from the inbox."""
        if isinstance(message, BaseException):
            raise message
        if not isinstance(message, Message):
            message()
            return
        node = self._at_work[message.key]
        update = message.news
        if isinstance(update, JobResult):
            self._ended(node, update)
        elif isinstance(update, JobProgress):
            self._listener(Event("progress", node.step, update.fraction, update.message))
        else:
            for point in update:
                self._listener(Event("loss", node.step, loss=point))

    def close(self, patience: float) -> None:
        """Stop everything within so many seconds; checkpoints are kept."""
        self._executor.close(patience)
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, Message) and message.key in self._at_work:
                self.take(message)
        for node in self._at_work.values():
            self._release(node)
        self._at_work.clear()

    def _node(self, plan: Plan, step: Step) -> _Node:
        node = self._nodes.get(step.key)
        if node is None:
            needs = {role: self._node(plan, need) for role, need in plan.needed(step).items()}
            node = self._nodes[step.key] = _Node(plan, step, needs)
            for need in needs.values():
                need.users.append(node)
            self._look_at(node)
        elif node.state == "done" and self._store.find(step.kind, step.key) is None:
            self._repair(node, step.reason)
        elif node.state == "failed":
            self._try_again(node)
        return node

    def _try_again(self, node: _Node) -> None:
        for need in node.needs.values():
            if need.state == "failed":
                self._try_again(need)
        node.state = "waiting"
        self._look_at(node)

    def _look_at(self, node: _Node) -> None:
        """Advance a waiting node, as far as what it needs allows."""
        broken = [role for role, need in node.needs.items() if need.state == "failed"]
        if broken:
            need = node.needs[broken[0]]
            how = "was stopped" if need.result and need.result.outcome == "stopped" else "failed"
            self._end(node, "failed", f"its {_role(broken[0], need.step)} `{need.step.name}` {how}")
        elif all(need.state == "done" for need in node.needs.values()):
            found = node.step.artifact if node.step.action == "reuse" else None
            if found is not None and self._is_current(node, found):
                self._finish(node, "reused", node.step.reason, found)
            else:
                node.state = "ready"
                self._ready.append(node)

    def _begin(self) -> None:
        while self._ready and len(self._at_work) < self._executor.places:
            # Networks first, because other steps wait for them.
            ready = sorted(self._ready, key=lambda node: node.step.kind != "network")
            nodes = [node for node in ready[:CHOICE] if self._fits(node)]
            if not nodes:
                return
            jobs = {node.step.key: Job.of(node.plan, node.step) for node in nodes}
            chosen = self._nodes[self._executor.choose(list(jobs.values())).key]
            self._ready.remove(chosen)
            try:
                self._start(chosen, jobs[chosen.step.key])
            except DiagnosticError as error:
                self._at_work.pop(chosen.step.key, None)
                self._fail(chosen, JobResult("failed", diagnostics=error.diagnostics))

    def _start(self, node: _Node, job: Job) -> None:
        node.lock = self._store.try_lock(node.step.key)
        found = self._store.find(node.step.kind, node.step.key)
        if found is not None and self._is_current(node, found) and not found.has_old_figures:
            self._finish(node, "reused", "another build finished it meanwhile", found)
        elif node.lock is None:
            node.state, node.look_at = "held", time.monotonic() + LOOK_AGAIN
            self._held.append(node)
        else:
            if node.step.action == "build":
                # Before any work: the result may be lost, and have other bits when built again.
                self._answer_log.rebuilding(node.step.key)
            node.state = "at work"
            self._at_work[node.step.key] = node
            self._listener(Event("started", node.step))
            self._executor.start(job)

    def _look_again(self) -> None:
        now = time.monotonic()
        due = [node for node in self._held if node.look_at <= now]
        for node in due:
            self._held.remove(node)
            node.state = "ready"
            self._ready.append(node)

    def _ended(self, node: _Node, job_result: JobResult) -> None:
        del self._at_work[node.step.key]
        if job_result.outcome == "failed":
            self._fail(node, job_result)
        elif job_result.outcome == "stopped":
            self._listener(Event("stopped", node.step, seconds=job_result.seconds))
            self._end(node, "stopped", "it was stopped", job_result)
        elif job_result.outcome == "damaged":
            self._damaged(node, job_result)
        else:
            self._made(node, job_result)

    def _made(self, node: _Node, job_result: JobResult) -> None:
        artifact = self._store.find(node.step.kind, node.step.key)
        if artifact is None:
            gone = Diagnostic(
                "LEGO704",
                f"{node.step.name} vanished from the store while it was needed",
                help=("run `legonet build` again, and let nothing empty the store meanwhile",),
            )
            self._fail(node, replace(job_result, outcome="failed", diagnostics=(gone,)))
            return
        others = self._with_other_weights(node, artifact)
        if others and node.repairs < REPAIRS:
            # A network was built again while this step used its old weights.
            self._release(node)
            self._repair(node, beside_other_weights(others))
            return
        outcome: Outcome = "measured" if node.step.action == "measure" else "built"
        result = self._finish(node, outcome, node.step.reason, artifact, job_result)
        self._listener(
            Event(
                "finished" if result.outcome == outcome else "failed",
                node.step,
                1.0,
                diagnostics=result.diagnostics,
                seconds=job_result.seconds,
                memory=job_result.memory,
                artifact=artifact,
            )
        )

    def _damaged(self, node: _Node, job_result: JobResult) -> None:
        """Build what is damaged, then retry the step that met it."""
        _, key = job_result.damaged or ("adapter", "")
        broken = self._nodes.get(key)
        node.setbacks += 1
        if broken is None or broken.repairs == REPAIRS or node.setbacks > SETBACKS:
            self._fail(node, job_result)
            return
        self._release(node)
        self._listener(Event("stopped", node.step, seconds=job_result.seconds))
        node.state = "waiting"
        if broken.state == "done" and self._store.find(broken.step.kind, key) is None:
            self.build_again(key, job_result.diagnostics)
        self._look_at(node)

    def _repair(self, node: _Node, reason: str) -> None:
        node.repairs += 1
        node.state = "waiting"
        node.step = replace(node.step, action="build", artifact=None, reasons=(reason,))
        self._look_at(node)

    def _fail(self, node: _Node, job_result: JobResult) -> None:
        spec = node.plan.graph.spec
        found = tuple(spec.locate(item, statement_of(node.step)) for item in job_result.diagnostics)
        self._listener(
            Event(
                "failed",
                node.step,
                diagnostics=found,
                seconds=job_result.seconds,
                memory=job_result.memory,
                trace=job_result.trace,
            )
        )
        message = found[0].message if found else "failed"
        self._end(node, "failed", message, replace(job_result, diagnostics=found))

    def _finish(
        self,
        node: _Node,
        outcome: Outcome,
        reason: str,
        artifact: Artifact,
        job_result: JobResult | None = None,
    ) -> Result[Step]:
        """Note that an artifact is in the store; its edge may have failed all the same."""
        seconds = 0.0 if job_result is None else job_result.seconds
        result = ended(node.step, outcome, reason, artifact, node.plan.graph.spec, seconds)
        self._conclude(node, result, job_result)
        return result

    def _end(
        self, node: _Node, outcome: Outcome, reason: str, job_result: JobResult | None = None
    ) -> None:
        seconds, found = (job_result.seconds, job_result.diagnostics) if job_result else (0.0, ())
        self._conclude(node, Result(node.step, outcome, reason, seconds, None, found), job_result)

    def _conclude(self, node: _Node, result: Result[Step], job_result: JobResult | None) -> None:
        self._release(node)
        node.result = result
        node.state = "failed" if result.artifact is None else "done"
        for step, done in node.requests:
            done(replace(node.result, step=step), job_result)
        for user in node.users:
            if user.state == "waiting":
                self._look_at(user)
            elif user.state == "done" and user.result and user.result.artifact:
                others = self._with_other_weights(user, user.result.artifact)
                if others:
                    self._repair(user, beside_other_weights(others))

    def _release(self, node: _Node) -> None:
        if node.lock is not None:
            node.lock.release()
            node.lock = None

    def _is_current(self, node: _Node, artifact: Artifact) -> bool:
        return not self._with_other_weights(node, artifact)

    def _with_other_weights(self, node: _Node, artifact: Artifact) -> tuple[str, ...]:
        """Return the networks whose weights have changed since an artifact was built with them."""
        digests = {
            need.step.name: need.result.artifact.sha256
            for need in node.needs.values()
            if need.result is not None and need.result.artifact is not None
        }
        names = {role: need.step.name for role, need in node.needs.items()}
        return with_other_weights(artifact, names, digests)

    def _fits(self, node: _Node) -> bool:
        if self._memory is None or not self._at_work:
            return True
        together = (node, *self._at_work.values())
        return sum(self._bytes(item) for item in together) <= self._memory

    def _bytes(self, node: _Node) -> int:
        estimate = node.plan.estimates.get(node.step.name)
        return 0 if estimate is None else estimate.memory or 0
