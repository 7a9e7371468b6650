"""Jobs run in processes: on the CPU, where threads would share one interpreter.

No library's pool does it. When one process is killed, loky and `concurrent.futures` end all jobs;
pebble ends that one alone, but needs a ``__main__`` guard in the user's program. In all of them, a
process works on after the program was killed, and what it prints is not captured.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Lock, Thread
from typing import IO, ClassVar

from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, JobResult, TaskModule
from legonet.building.execution.resources import WAITING, Resources
from legonet.building.execution.worker import Setup
from legonet.building.storage.store import Store
from legonet.diagnostics import Diagnostic

LAST_WORDS = 20
"""How many lines of a process's output are shown if it dies."""

LINGERING = 0.5
"""Seconds to wait for the end of a dead process's output; its own children may keep writing."""


class ProcessExecutor(Executor):
    """Runs jobs in processes, one in each; a process that dies takes one job with it.

    Args:
        store: Where artifacts go.
        inbox: Where messages go.
        resources: What to compute with.
    """

    summary: ClassVar[str] = "processes, each with its own torch threads"
    # Threads would share one interpreter.
    default_on: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None:
        self.places = resources.jobs
        memory = None if resources.memory is None else resources.memory // resources.jobs
        self._setup = Setup(store, replace(resources, jobs=1, memory=memory), tuple(sys.path))
        self._inbox = inbox
        self._workers: list[_Worker] = []

    def prepare(self, count: int) -> None:
        """Start the processes that so many jobs need."""
        missing = min(self.places, count) - len(self._workers)
        self._workers += [_Worker(self._setup, self._inbox) for _ in range(missing)]

    def task_modules(self) -> tuple[Collection[TaskModule], Collection[TaskModule]]:
        """Return the task modules that processes know, and those that idle ones know."""
        known = [(item.task_module, item.idle) for item in self._workers if item.task_module]
        return {module for module, _ in known}, {module for module, idle in known if idle}

    def start(self, job: Job) -> None:
        """Give a job to an idle process, or to a new one."""
        self._remove_dead()
        idle = [worker for worker in self._workers if worker.idle]
        knows = (worker for worker in idle if worker.task_module == job.task_module)
        worker = next(knows, next(iter(idle), None))
        if worker is None:
            worker = _Worker(self._setup, self._inbox)
            self._workers.append(worker)
        worker.take(job)

    def stop(self, key: str) -> None:
        """Ask a job to stop and keep its checkpoint."""
        for worker in self._workers:
            if worker.job is not None and worker.job.key == key:
                worker.stop()

    def close(self, patience: float) -> None:
        """Ask all jobs to stop, and kill the processes that do not stop in time."""
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + patience
        for worker in self._workers:
            worker.close(deadline)
        self._workers = []

    def _remove_dead(self) -> None:
        """Forget processes that died."""
        dead = [worker for worker in self._workers if not worker.idle and worker.job is None]
        for worker in dead:
            self._workers.remove(worker)
            worker.close(0.0)


class _Worker:
    """One process, with a thread that reads its messages."""

    def __init__(self, setup: Setup, inbox: Inbox) -> None:
        self.job: Job | None = None
        self.task_module: TaskModule | None = None
        self._over = False
        self._closed = False
        self._lock = Lock()
        self._inbox = inbox
        self._said: deque[str] = deque(maxlen=LAST_WORDS)
        threads = str(setup.resources.threads)
        with _signals_held():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "legonet.building.execution.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={
                    **WAITING,
                    **os.environ,
                    "OMP_NUM_THREADS": threads,
                    "PYTHONPATH": os.pathsep.join(item for item in setup.path if item),
                },
            )
        self._listeners = [
            Thread(target=self._listen, daemon=True),
            Thread(target=self._forward, daemon=True),
        ]
        for thread in self._listeners:
            thread.start()
        self._send(setup)

    @property
    def idle(self) -> bool:
        """Whether it waits for a job."""
        return self.job is None and not self._over

    def take(self, job: Job) -> None:
        """Begin a job."""
        self.job = job
        self.task_module = job.task_module or self.task_module
        self._send(job)
        if self._over:
            self._report_death()

    def stop(self) -> None:
        """Ask the running job to stop and keep its checkpoint."""
        if self.job is not None:
            self._send(self.job.key)

    def close(self, deadline: float) -> None:
        """End the process when its job has stopped, or at a time of the monotonic clock."""
        while self.job is not None and not self._over and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closed = True
        self._process.kill()
        self._process.wait()
        _close(self._process.stdin)
        for thread in self._listeners:
            thread.join(LINGERING)

    def _send(self, command: Setup | Job | str) -> None:
        stream = self._process.stdin
        try:
            if stream is not None:
                pickle.dump(command, stream)
                stream.flush()
        except OSError:
            # It died, and the thread that listens to it says so.
            self._over = True

    def _listen(self) -> None:
        with self._process.stdout or io.BytesIO() as stream:
            while True:
                try:
                    message: Message = pickle.load(stream)  # noqa: S301 - from our own process
                except (EOFError, OSError, pickle.UnpicklingError):
                    break
                if isinstance(message.news, JobResult):
                    self.job = None
                self._inbox.put(message)
        self._over = True
        self._report_death()

    def _forward(self) -> None:
        """Pass on what a network's own code prints."""
        with self._process.stderr or io.BytesIO() as stream:
            for written in stream:
                line = written.decode(errors="replace").rstrip()
                self._said.append(line)
                # The process must be able to write even if nothing reads its output.
                with suppress(OSError, ValueError):
                    print(line, file=sys.stderr)

    def _report_death(self) -> None:
        """Report, once, the job that died with the process, if it had one."""
        with self._lock:
            job, self.job = self.job, None
        if job is not None and not self._closed:
            self._listeners[1].join(LINGERING)
            result = JobResult("failed", diagnostics=(self._death(job),))
            self._inbox.put(Message(job.key, result))

    def _death(self, job: Job) -> Diagnostic:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        words = next((line for line in reversed(self._said) if line), "")
        return Diagnostic(
            "LEGO711",
            f"the process that built {job.step.name} {how}" + (f": {words}" if words else ""),
            help=(
                "running out of memory is the usual cause: try fewer `--jobs`, or set `--memory`",
                "run `legonet build` again: it resumes from the last checkpoint",
            ),
        )


_OF_A_BUILD = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block Ctrl-C, SIGTERM and SIGHUP: a process that is started meanwhile never receives them.

    A terminal or a cluster sends them to all processes of a build; only the first one reacts.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_BUILD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:
        # Nothing is left to read what was still to be sent.
        return
