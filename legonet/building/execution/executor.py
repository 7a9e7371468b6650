"""Where jobs run: in threads, in processes, on a cluster, or wherever another package runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from queue import SimpleQueue
from typing import ClassVar

from legonet.building.execution.job import Job, TaskModule, Update
from legonet.building.execution.resources import Resources, default_jobs, memory_at_hand
from legonet.building.storage.store import Store
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.registry import Registry, UnusableError


@dataclass(frozen=True)
class Message:
    """An update of a job, identified by its content key; a `JobResult` is the last one."""

    key: str
    news: Update


Inbox = SimpleQueue[Message | Callable[[], None] | BaseException]
"""Takes messages and errors from executors, and calls to make from other code; from any thread."""


class Executor(ABC):
    """Runs jobs, several at once; its methods are called from one thread.

    Args:
        store: Where artifacts go.
        inbox: Where messages go.
        resources: What to compute with.

    Attributes:
        summary: Where jobs run, in one sentence for the documentation.
        default_on: Torch's types of device, such as ``cpu``, on which it is the default.
        remote: Whether it computes on other machines, whose devices this one need not have.
        requires: What to install for each package that it imports and legonet does not require.
        places: How many jobs it takes at once.

    Raises:
        DiagnosticError: It cannot be used here.
    """

    summary: ClassVar[str]
    default_on: ClassVar[tuple[str, ...]] = ()
    remote: ClassVar[bool] = False
    requires: ClassVar[Mapping[str, str]] = {}
    places: int

    @abstractmethod
    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None: ...

    def prepare(self, count: int) -> None:  # noqa: B027 - most need nothing
        """Get ready for so many jobs, without waiting."""

    def choose(self, ready: Sequence[Job]) -> Job:
        """Return the job that is best started next, out of those that are ready.

        That is an edge whose task module is known where nothing is running, or else one that is
        known nowhere, so that those who know one are left to its other edges.
        """
        known, idle = self.task_modules()
        for job in ready:
            if job.task_module in idle:
                return job
        return next((job for job in ready if job.task_module not in known), ready[0])

    def task_modules(self) -> tuple[Collection[TaskModule], Collection[TaskModule]]:
        """Return the task modules that processes know, and those that idle ones know."""
        return (), ()

    @abstractmethod
    def start(self, job: Job) -> None:
        """Begin a job; its messages go to the inbox, its result last."""

    @abstractmethod
    def stop(self, key: str) -> None:
        """Ask a job to stop and keep its checkpoint."""

    @abstractmethod
    def close(self, patience: float) -> None:
        """Stop everything, within so many seconds."""


EXECUTORS: Registry[Executor] = Registry(
    Executor,
    "legonet.executors",
    {
        "processes": "legonet.building.execution.processes:ProcessExecutor",
        "threads": "legonet.building.execution.threads:ThreadExecutor",
        "ray": "legonet.building.execution.cluster:RayExecutor",
    },
)
"""The executors; other packages add theirs at the entry point ``legonet.executors``."""


def default_executor(device: str) -> str:
    """Return the name of the executor that is the default on a device."""
    kind = device.partition(":")[0]
    return next(name for name in EXECUTORS.names if kind in EXECUTORS.get(name).default_on)


def default_resources(
    device: str = "cpu",
    jobs: int | None = None,
    memory: int | None = None,
    executor: str | None = None,
    address: str | None = None,
) -> Resources:
    """Return what to compute with; by default, all that this machine or a cluster has.

    Args:
        device: Where torch computes: ``cpu``, ``cuda`` or ``cuda:1``.
        jobs: How many jobs at once; default: as many as the device or the cluster takes.
        memory: Bytes for all jobs together; default: most of what the device or each node has.
        executor: The name of the executor; default: that of the device.
        address: Of a cluster; None for the one on this machine.

    Raises:
        DiagnosticError: There is no such executor.
    """
    name = executor or default_executor(device)
    if executor_class(name).remote:
        return Resources(device, jobs or 0, memory=memory, executor=name, address=address)
    jobs, memory = jobs or default_jobs(device), memory or memory_at_hand(device)
    return Resources(device, jobs, memory=memory, executor=name, address=address)


def open_executor(resources: Resources, store: Store, inbox: Inbox) -> Executor:
    """Return the executor for some resources.

    Args:
        resources: What to compute with.
        store: Where artifacts go.
        inbox: Where messages go.

    Raises:
        DiagnosticError: There is none of this name, or it cannot be used here.
    """
    kind = executor_class(resources.executor)
    for package, requirement in kind.requires.items():
        if find_spec(package) is None:
            raise DiagnosticError.of(
                "LEGO740",
                f"cannot use the executor `{resources.executor}`: the package `{package}` is not"
                " installed",
                help=[f"pip install '{requirement}'"],
            )
    return kind(store, inbox, resources)


def executor_class(name: str) -> type[Executor]:
    """Return the executor of a name.

    Raises:
        DiagnosticError: There is none, or the package that registers it cannot be used.
    """
    if name not in EXECUTORS.names:
        raise DiagnosticError.of(
            "LEGO740",
            f"expected one of the executors {', '.join(EXECUTORS.names)}, found `{name}`",
            help=did_you_mean(name, EXECUTORS.names, "executor"),
        )
    try:
        return EXECUTORS.get(name)
    except UnusableError as error:
        raise DiagnosticError.of(
            "LEGO740",
            f"the executor `{name}` cannot be used: {error}",
            help=["mend or remove the package that registers it"],
        ) from error
