"""A job: one step of a plan with all it takes to run it anywhere, and what is heard of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from legonet.building.planning.plan import EdgeStep, JointStep, NetworkStep, Plan, Step
from legonet.building.storage.store import ArtifactKind
from legonet.diagnostics import Diagnostic
from legonet.distill.progress import Point

TaskModule = tuple[str, str]
"""What identifies a task module: the content key of its network, and the cut."""

Outcome = Literal["made", "failed", "stopped", "damaged"]

URGENT_AFTER = 0.5
"""Seconds after which a job that was asked to stop no longer waits for its next checkpoint."""

UPDATE_EVERY = 0.1
"""Seconds between two updates of a job that are sent to another process."""


@dataclass(frozen=True)
class Job:
    """One network, edge or joint path to build, small and picklable however large the spec is.

    Args:
        step: What to build; its `artifact` is None.
        networks: The content key of each network that has to be built before it, by name; for a
            joint path, also those of its edges.
        memory: Bytes it may take, judging by earlier runs; None if there were no similar ones.
    """

    step: NetworkStep | EdgeStep | JointStep
    networks: Mapping[str, str]
    memory: int | None = None

    @classmethod
    def of(cls, plan: Plan, step: Step) -> Job:
        """Return the job for a step of a plan."""
        if not isinstance(step, NetworkStep | EdgeStep | JointStep):
            raise TypeError(f"neither a network nor an edge nor a joint path: {step.name}")
        networks = {need.name: need.key for need in plan.needed(step).values()}
        estimate = plan.estimates.get(step.name)
        memory = None if estimate is None else estimate.memory
        return cls(replace(step, artifact=None), networks, memory)

    @property
    def key(self) -> str:
        """The content key of what is built."""
        return self.step.key

    @property
    def task_module(self) -> TaskModule | None:
        """The task module of an edge, for which much can be kept between jobs."""
        if not isinstance(self.step, EdgeStep):
            return None
        edge = self.step.edge
        return self.networks[edge.task_network.name], edge.after


@dataclass(frozen=True)
class JobProgress:
    """How far a job has come, as a fraction of its work and in a few words."""

    fraction: float
    message: str


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Args:
        outcome: ``made``: the artifact is in the store. ``failed``: it cannot be made.
            ``stopped``: it was asked to stop; the checkpoint is kept. ``damaged``: something that
            the job needs is damaged in the store, and was set aside.
        seconds: Seconds of work.
        memory: Peak memory in bytes, where known.
        diagnostics: Why it failed, or what is damaged.
        trace: The traceback of an unexpected error.
        damaged: What has to be built again.
    """

    outcome: Outcome
    seconds: float = 0.0
    memory: int | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    damaged: tuple[ArtifactKind, str] | None = None
    trace: str = ""


Update = JobProgress | tuple[Point, ...] | JobResult
"""What is heard of a job: its progress, points of its loss curves and, last, its result."""


class Updates:
    """Sends the updates of one job, no more often than a person or a file can follow.

    Args:
        send: Sends one.
    """

    def __init__(self, send: Callable[[Update], None]) -> None:
        self._send = send
        self._points: list[Point] = []
        self._progress: JobProgress | None = None
        self._next = 0.0

    def tell(self, update: JobProgress | Point) -> None:
        """Add an update, and send those collected so far if it is time."""
        if isinstance(update, JobProgress):
            self._progress = update
        else:
            self._points.append(update)
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Send what is left."""
        points, progress = tuple(self._points), self._progress
        self._points, self._progress = [], None
        if points:
            self._send(points)
        if progress is not None:
            self._send(progress)
        self._next = time.monotonic() + UPDATE_EVERY


class StopSign:
    """Asks a job to stop; set by one thread, and seen by the one that runs the job."""

    def __init__(self) -> None:
        self._since: float | None = None

    def set(self) -> None:
        """Ask to stop; the job saves a checkpoint first if it can."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""
        return self._since is not None

    @property
    def urgent(self) -> bool:
        """Whether the request is so old that the job cannot wait for another checkpoint."""
        return self._since is not None and time.monotonic() - self._since > URGENT_AFTER
