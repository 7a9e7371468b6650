"""Jobs run on a Ray cluster: each is a task, on whichever node has room for it."""

from __future__ import annotations

import copy
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, ClassVar

from legonet.building.execution.cluster_connection import Connection
from legonet.building.execution.cluster_node import TOKENS, NodeSetup, run_on_node
from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, JobProgress, JobResult, Update
from legonet.building.execution.resources import JOBS_ON_A_GPU, Resources
from legonet.building.storage.files import write_whole
from legonet.building.storage.store import Store
from legonet.diagnostics import Diagnostic, DiagnosticError

ATTEMPTS = 3
"""How many times a job is begun, at most, if the process that runs it dies."""

GONE_WITHIN = 2.0
"""Seconds within which threads end once this executor is closed: one that still waited for Ray
while it shuts down would crash the program."""

PATIENT_FOR = 5.0
"""Seconds after which it is said that a job waits for a node with room."""

CHECK_EVERY = 0.2
"""Seconds between two checks whether something that is waited for still makes sense."""

LOOK_EVERY = 1.0
"""Seconds between two checks of what the cluster has, and whether it is still there."""

ON_THE_HEAD = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}
"""Where the queue of updates is: if the head dies, the cluster is lost anyway."""


@dataclass(frozen=True)
class Share:
    """What one job takes of a node.

    Args:
        cpus: Cores.
        gpus: GPUs, or a part of one.
    """

    cpus: int
    gpus: float = 0.0

    @classmethod
    def of(cls, device: str, threads: int) -> Share:
        """Return what a job takes on a device, with so many threads on the CPU."""
        return cls(threads, 0.0 if device == "cpu" else 1 / JOBS_ON_A_GPU)

    def times_in(self, resources: Mapping[str, float]) -> int:
        """Return how many jobs a node with these resources takes at once."""
        times = int(resources.get("CPU", 0.0) / self.cpus)
        if self.gpus:
            # In floating point, three thirds of a GPU can be less than a whole one.
            times = min(times, int(resources.get("GPU", 0.0) / self.gpus + 1e-6))
        return times


@dataclass(eq=False)
class _RunningJob:
    """A job that is running or waits for a node.

    Args:
        job: The job.
        task: Ray's reference to its result.
        attempt: How many times it was given to Ray; what an earlier attempt told is ignored.
        begun: Whether a node has begun this attempt.
        stopping: Whether it was asked to stop.
    """

    job: Job
    task: Any = None
    attempt: int = 0
    begun: bool = False
    stopping: bool = False


class RayExecutor(Executor):
    """Runs jobs on an existing Ray cluster; a job whose node dies is begun again on another one.

    Ray's own retries are not used: it does not say that it begins a task again, nor why, and where
    memory runs out it does so forever.

    Args:
        store: Where artifacts go; every node has to be able to reach it.
        inbox: Where messages go.
        resources: What to compute with; `jobs` is 0 for as many as the cluster takes.

    Attributes:
        places: How many jobs it takes at once; it changes as nodes come and go.

    Raises:
        DiagnosticError: There is no such cluster, or none of its nodes can take a job.
    """

    summary: ClassVar[str] = "processes of an existing [Ray](https://docs.ray.io) cluster"
    remote: ClassVar[bool] = True
    requires: ClassVar[Mapping[str, str]] = {"ray": "legonet[ray]"}

    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None:
        self.places = 0
        self._largest_memory = 0
        self._inbox = inbox
        self._jobs = resources.jobs
        self._lock = Lock()
        self._running: dict[str, _RunningJob] = {}
        self._threads: list[Thread] = []
        self._closed = Event()
        self._lost = Event()
        # A copy with an absolute path, valid from any folder.
        self._store = copy.copy(store)
        self._store.folder = Path(store.folder).absolute()
        token = uuid.uuid4().hex
        self._token = self._store.folder / TOKENS / token
        device = resources.device.partition(":")[0]
        self._share = Share.of(device, resources.threads)
        self._connection = Connection(resources.address)
        try:
            nodes = self._connection.nodes()
            memory = resources.memory and resources.memory // max(1, self._places_in(nodes))
            self._setup = NodeSetup(
                self._store,
                token,
                replace(resources, device=device, memory=memory),
                str(Path.cwd()),
                tuple(sys.path),
            )
            self._see(nodes)
            self._check_room()
            self._give_token()
            self._open()
        except BaseException:
            self._connection.close()
            raise
        for thread in (self._listen, self._watch_head, self._watch_nodes):
            self._begin_thread(thread)

    def start(self, job: Job) -> None:
        """Begin a job as soon as a node has room."""
        running = _RunningJob(job)
        with self._lock:
            self._running[job.key] = running
        self._begin_thread(self._attend, running)

    def stop(self, key: str) -> None:
        """Ask a job to stop and keep its checkpoint."""
        with self._lock:
            running = self._running.get(key)
            if running is not None and not running.stopping:
                running.stopping = True
                if running.task is not None:
                    self._connection.ray.cancel(running.task)

    def close(self, patience: float) -> None:
        """Ask all jobs to stop, and end the tasks that do not stop in time."""
        if not self._lost.is_set():
            self._stop_all(time.monotonic() + patience)
        self._closed.set()
        deadline = time.monotonic() + GONE_WITHIN
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        # What refers to Ray is given back before it shuts down.
        self._running.clear()
        del self._queue
        self._connection.close(lost=self._lost.is_set())
        self._token.unlink(missing_ok=True)
        self._store.withdraw(self._token)

    def _open(self) -> None:
        """Prepare the task, and the queue in which tasks put what they have to say."""
        from ray.util.queue import Queue

        # Processes are kept for other jobs, and with them what they have read.
        task = self._connection.ray.remote(
            max_calls=0, max_retries=0, num_cpus=self._share.cpus, num_gpus=self._share.gpus
        )
        self._task = task(run_on_node)
        self._queue = Queue(actor_options=ON_THE_HEAD)

    def _stop_all(self, deadline: float) -> None:
        for key in list(self._running):
            self.stop(key)
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closed.set()
        for running in list(self._running.values()):
            if running.task is not None:
                self._connection.ray.cancel(running.task, force=True)
        self._queue.shutdown(force=True)

    def _attend(self, running: _RunningJob) -> None:
        """Run a job to its end, wherever it runs, and report the result."""
        import ray

        job = running.job
        try:
            self._share_networks(job)
            try:
                result = self._result(running)
            except ray.exceptions.RayTaskError as error:
                # The node has another version of legonet, or lacks a package that the job uses.
                result = _gave_up(job, 1, _last_line(error))
            # In the queue, because what the job told before is in there, too.
            self._ask("put", (job.key, running.attempt, result))
        except BaseException as error:
            del self._running[job.key]
            self._give_up(error)

    def _listen(self) -> None:
        """Pass on what tasks put into the queue."""
        try:
            while True:
                first = self._ask("get")
                for message in (first, *self._ask("get_nowait_batch", self._ask("qsize"))):
                    self._hear(*message)
        except BaseException as error:
            self._give_up(error)

    def _hear(self, key: str, attempt: int, update: Update | None) -> None:
        with self._lock:
            running = self._running.get(key)
            if running is None or running.attempt != attempt:
                return
            running.begun = True
            if update is not None:
                self._inbox.put(Message(key, update))
            if isinstance(update, JobResult):
                del self._running[key]

    def _give_up(self, error: BaseException) -> None:
        """Report that nothing more can be done, unless that is because this executor is closed."""
        import ray

        if self._closed.is_set() or self._lost.is_set():
            return
        if isinstance(error, ray.exceptions.RayError | ConnectionError):
            self._lost.set()
            error = self._connection.loss()
        self._inbox.put(error)

    def _ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the queue, in a way that this executor can still be closed."""
        if not self._connection.is_open:
            raise ConnectionError
        return self._get(getattr(self._queue.actor, method).remote(*arguments))

    def _get(self, reference: Any, running: _RunningJob | None = None) -> Any:
        """Wait for a value, and say so if a job has to wait for a node.

        Raises:
            ConnectionError: This executor is closed, or the cluster is lost.
            RayError: There will be no value.
        """
        told = time.monotonic()
        while not self._connection.ray.wait([reference], timeout=CHECK_EVERY)[0]:
            if self._closed.is_set() or self._lost.is_set():
                raise ConnectionError
            if running is not None and not running.begun and time.monotonic() > told + PATIENT_FOR:
                told = time.monotonic()
                self._tell(running.job, "waiting for the cluster")
        return self._connection.ray.get(reference)

    def _share_networks(self, job: Job) -> None:
        """Give the nodes what a job needs and only this machine has."""
        # A new copy remembers nothing, so it checks again whether a node has set something aside.
        store = copy.copy(self._store)
        for key in job.networks.values():
            artifact = store.find_here("network", key) or store.find_here("adapter", key)
            if artifact is not None:
                store.share(artifact)

    def _result(self, running: _RunningJob) -> JobResult:
        """Run a job, beginning it again whenever its process dies.

        Raises:
            DiagnosticError: A node cannot run any jobs.
            RayError: It cannot be run there, or the cluster is lost.
        """
        import ray

        job, why = running.job, ""
        while (task := self._submitted(running, why)) is not None:
            try:
                found: JobResult | tuple[Diagnostic, ...] = self._get(task, running)
            except ray.exceptions.TaskCancelledError:
                break
            except ray.exceptions.OutOfMemoryError:
                why = "its node ran out of memory"
            except ray.exceptions.NodeDiedError:
                why = "its node died"
            except ray.exceptions.WorkerCrashedError:
                why = "its process died"
            else:
                if isinstance(found, JobResult):
                    return found
                raise DiagnosticError(*found)
            if running.attempt == ATTEMPTS and not running.stopping:
                return _gave_up(job, ATTEMPTS, why)
        return JobResult("stopped")

    def _submitted(self, running: _RunningJob, why: str) -> Any:
        """Give a job to Ray and return the reference to its result.

        Args:
            running: The job.
            why: Why the last attempt failed; empty for the first one.

        Returns:
            None if it was asked to stop.
        """
        memory = self._memory_for(running.job)
        options = {"memory": memory} if memory else {}
        with self._lock:
            if running.stopping or not self._connection.is_open:
                return None
            if why:
                self._tell(running.job, f"started again: {why}")
            running.begun = False
            running.attempt += 1
            task = self._task.options(**options)
            running.task = task.remote(self._setup, running.job, running.attempt, self._queue)
            return running.task

    def _memory_for(self, job: Job) -> int:
        """Return how much memory to ask for; a request for more than any node has never ends."""
        if not job.memory or self._share.gpus:
            # On a GPU, what is known is the GPU's memory.
            return 0
        return min(job.memory, self._largest_memory)

    def _watch_head(self) -> None:
        if self._connection.wait_for_loss(self._closed, LOOK_EVERY):
            self._give_up(ConnectionError())

    def _watch_nodes(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            before = self.places
            try:
                self._see(self._connection.nodes())
            except Exception as error:
                self._give_up(error)
                return
            if self.places > before:
                # Wakes the thread that waits for messages, which then sees that there is room.
                self._inbox.put(_look_up)

    def _see(self, nodes: Sequence[Mapping[str, float]]) -> None:
        self.places = self._places_in(nodes)
        self._largest_memory = int(max((node.get("memory", 0.0) for node in nodes), default=0.0))

    def _places_in(self, nodes: Sequence[Mapping[str, float]]) -> int:
        return self._jobs or sum(self._share.times_in(node) for node in nodes)

    def _check_room(self) -> None:
        if self.places:
            return
        gpus = " and a GPU" if self._share.gpus else ""
        raise DiagnosticError.of(
            "LEGO740",
            f"no node of the Ray cluster has {self._share.cpus} CPUs{gpus}, which a job takes",
            help=[
                "add a node: ray start --address=HEAD:6379",
                "if the cluster adds nodes on demand, say how many jobs to run at once: --jobs 8",
            ],
        )

    def _give_token(self) -> None:
        self._store.prepare()
        write_whole(self._token, self._token.name.encode())
        self._store.publish(self._token)

    def _tell(self, job: Job, message: str) -> None:
        self._inbox.put(Message(job.key, JobProgress(0.0, message)))

    def _begin_thread(self, target: Any, *arguments: Any) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads = [item for item in self._threads if item.is_alive()] + [thread]
        thread.start()


def _look_up() -> None:
    """Do nothing, which is enough to wake the thread that waits for messages."""


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _gave_up(job: Job, attempts: int, why: str) -> JobResult:
    times = f" after {attempts} attempts" if attempts > 1 else ""
    found = Diagnostic(
        "LEGO741",
        f"{job.step.name} could not be finished on the cluster{times}: {why}",
        help=(
            "running out of memory is the usual cause: build fewer things at once with `--jobs`",
            "every node needs the same version of legonet; `ray logs` shows what went wrong there",
            "run `legonet build` again: it resumes from the last checkpoint",
        ),
    )
    return JobResult("failed", diagnostics=(found,))
