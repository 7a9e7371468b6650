"""What a node of a cluster does: it checks that it sees the same files, and runs jobs."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from legonet.building.execution.job import Job, JobResult, StopSign, Update, Updates
from legonet.building.execution.resources import (
    JOBS_ON_A_GPU,
    Resources,
    cores,
    memory_at_hand,
)
from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.inputs import Inputs, InputsOfGraph
from legonet.building.planning.plan import JointStep, NetworkStep
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.keys import key_of
from legonet.building.storage.store import Store
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.graph.resolved import ResolvedEdge
from legonet.syntax.cache_folder import cache_folder

if TYPE_CHECKING:
    from legonet.building.execution.step_runner import StepRunner

TOKENS = "tokens"
"""The folder in a store for the files that show a node that it sees the same store."""

REASONS = (
    ("version", "another version of legonet"),
    ("weights", "another weight file"),
    ("data", "other pictures"),
    ("train", "other pictures"),
)
"""Fields of a step's inputs that can differ between machines, and what a difference means."""


LOOK_EVERY = 0.1
"""Seconds between two looks whether a job has ended or is to stop."""


@dataclass(frozen=True)
class NodeSetup:
    """What a process on a node has to know before its first job.

    Args:
        store: The store as the planning machine sees it.
        token: The name of a file in it that shows a node that it sees the same store.
        resources: What to compute with; the memory is for what is kept between jobs, None for a
            fair share of the node's.
        folder: The folder that relative paths start from.
        path: Where Python looks for modules, so that plugins are found.
    """

    store: Store
    token: str
    resources: Resources
    folder: str
    path: tuple[str, ...]


def run_on_node(
    setup: NodeSetup, job: Job, attempt: int, queue: Any
) -> JobResult | tuple[Diagnostic, ...]:
    """Run a job in this process: a Ray task, which Ray interrupts if the job is to stop.

    Args:
        setup: What this process has to know.
        job: The job.
        attempt: Which attempt at the job this is.
        queue: A ``ray.util.queue.Queue``, which receives the job's key and the attempt, with None
            when it begins and with each update.

    Returns:
        How the job ended; or why this node cannot run any jobs.
    """
    import ray

    def send(update: Update | None) -> Any:
        # Without waiting for an answer, as a call of the queue itself would.
        return queue.actor.put.remote((job.key, attempt, update))

    # Ray interrupts a task as Ctrl-C would, which a cluster that was started in the background
    # ignores.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun, stop = send(None), StopSign()
    updates = Updates(send)
    running = ThreadPoolExecutor(1).submit(_run, setup, job, updates, stop)
    try:
        while not wait([running], LOOK_EVERY).done:
            continue
    except KeyboardInterrupt:
        stop.set()
    result = running.result()
    updates.flush()
    ray.get([begun, send(None)])
    return result


def _run(
    setup: NodeSetup, job: Job, updates: Updates, stop: StopSign
) -> JobResult | tuple[Diagnostic, ...]:
    node = _node_of(setup)
    try:
        node.check_store()
    except DiagnosticError as error:
        return error.diagnostics
    try:
        node.check_job(job)
    except DiagnosticError as error:
        return JobResult("failed", diagnostics=error.diagnostics)
    import torch

    from legonet.building.execution.running import run_job

    torch.set_num_threads(setup.resources.threads)
    device = device_of(setup.resources.device)
    return run_job(node.runner(device, setup.resources), job, updates.tell, stop, device)


_nodes: dict[str, Node] = {}


def _node_of(setup: NodeSetup) -> Node:
    """Return what this process keeps for the jobs of one build."""
    if setup.token not in _nodes:
        # Without this folder, relative paths lead nowhere, and the checks say so.
        with suppress(OSError):
            os.chdir(setup.folder)
        sys.path += [item for item in setup.path if item not in sys.path]
        _nodes.clear()
        _nodes[setup.token] = Node(setup.store, setup.token)
    return _nodes[setup.token]


def device_of(kind: str) -> str:
    """Return the device that Ray lends to this task, of a kind: ``cpu`` or ``cuda``."""
    import ray
    import torch

    number = str(ray.get_gpu_ids()[0]) if kind == "cuda" else ""
    if not number.isdecimal():
        # Ray shows the one GPU that it names otherwise, and torch calls it the first one.
        return kind
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        # Ray shows one GPU to a process, but the next task in it may get another one.
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        torch.cuda.init()  # type: ignore[no-untyped-call]
    return f"cuda:{number}"


class Node:
    """A node's own view, for all jobs that one process runs there.

    Args:
        store: The store as the planning machine sees it.
        token: The name of a file in it.
    """

    def __init__(self, store: Store, token: str) -> None:
        self.name = socket.gethostname()
        self._url = str(getattr(store, "url", store.folder))
        folder = cache_folder() or Path(tempfile.mkdtemp(prefix="legonet-"))
        place = hashlib.sha256(self._url.encode()).hexdigest()[:16]
        self.store = store.at(folder / "stores" / place)
        self._token = token
        self._contents = DigestCache(Store(folder).index)
        self._runners: dict[str, StepRunner] = {}

    def runner(self, device: str, resources: Resources) -> StepRunner:
        """Return what runs jobs on a device of this node."""
        from legonet.building.execution.step_runner import StepRunner

        if device not in self._runners:
            memory = resources.memory or _share_of_memory(device, resources.threads)
            self._runners[device] = StepRunner(self.store, device, memory)
        return self._runners[device]

    def check_store(self) -> None:
        """Check that the store here is the one that the planning machine sees.

        Raises:
            DiagnosticError: It is another store, or there is none.
        """
        file = self.store.folder / TOKENS / self._token
        if file.is_file() or self.store.fetch(file):
            return
        raise DiagnosticError.of(
            "LEGO743",
            f"the node `{self.name}` does not see the store `{self._url}`",
            help=[
                "name a store that all nodes reach: --store s3://BUCKET/FOLDER, or a shared folder",
                "a shared folder has to have the same path on every machine",
            ],
        )

    def check_job(self, job: Job) -> None:
        """Check that a job means the same here as on the planning machine.

        Raises:
            DiagnosticError: Files differ, or are missing.
        """
        try:
            seen = InputsOfJob(job, self._contents).inputs
        except DiagnosticError as error:
            raise DiagnosticError(*(self._missing(item) for item in error.diagnostics)) from None
        # Remembering digests for the node's other processes saves time and nothing else.
        with suppress(DiagnosticError):
            self._contents.remember()
        if key_of(seen) == job.key:
            return
        wanted = job.step.inputs
        other = next((what for field, what in REASONS if seen.get(field) != wanted.get(field)), "")
        raise DiagnosticError.of(
            "LEGO744",
            f"the node `{self.name}` sees {other or 'another step'} than this machine",
            help=["the same files must be at the same path on every machine"],
        )

    def _missing(self, found: Diagnostic) -> Diagnostic:
        return Diagnostic(
            "LEGO744",
            f"the node `{self.name}` cannot do this step: {found.message}",
            found.span,
            found.label,
            (*found.help, "the same files must be at the same path on every machine"),
        )


class InputsOfJob(InputsOfGraph):
    """What determines the result of a job, according to this machine's files.

    Args:
        job: The job; it already holds the keys of its networks.
        contents: Knows what files contain.
    """

    def __init__(self, job: Job, contents: DigestCache) -> None:
        super().__init__(_not_asked, TaskDatasets(), contents)
        self._job = job

    def network_key(self, name: str) -> str:
        """Return a network's content key, as given in the job."""
        return self._job.networks[name]

    def _adapter_key(self, edge: ResolvedEdge) -> str | None:
        """Return the content key of an edge's adapter, as given in the job."""
        return self._job.networks.get(edge.name)

    @property
    def inputs(self) -> Inputs:
        """The inputs of the job's step.

        Raises:
            DiagnosticError: Weights or pictures cannot be found.
        """
        step = self._job.step
        if isinstance(step, NetworkStep):
            return self.of_network(step.network)
        if isinstance(step, JointStep):
            return self.of_joint(step.joint)
        if step.edge.learning is None:
            raise ValueError(f"a direct edge has nothing to learn: {step.name}")
        return self.of_edge(step.edge, step.edge.learning)


def _not_asked(name: str) -> NoReturn:
    raise AssertionError(f"the key of `{name}` comes with the job")


def _share_of_memory(device: str, threads: int) -> int | None:
    memory = memory_at_hand(device)
    if memory is None:
        return None
    return memory // (JOBS_ON_A_GPU if device != "cpu" else max(1, cores() // threads))
