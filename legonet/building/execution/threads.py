"""Jobs run in threads of this process: on a GPU, or one after another."""

from __future__ import annotations

import contextlib
import time
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, JobProgress, JobResult, StopSign
from legonet.building.execution.resources import Resources
from legonet.building.storage.store import Store

if TYPE_CHECKING:
    from legonet.building.execution.step_runner import StepRunner
    from legonet.distill.progress import Point


class ThreadExecutor(Executor):
    """Runs jobs in threads that share one step runner; on a GPU each has a CUDA stream.

    Args:
        store: Where artifacts go.
        inbox: Where messages go.
        resources: What to compute with.
    """

    summary: ClassVar[str] = "threads of one process, each with its own CUDA stream on a GPU"
    # In one process, jobs share the GPU's memory.
    default_on: ClassVar[tuple[str, ...]] = ("cuda",)

    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None:
        self.places = resources.jobs
        self._store = store
        self._inbox = inbox
        self._resources = resources
        self._opened: StepRunner | None = None
        self._stops: dict[str, StopSign] = {}
        self._at_work: list[Thread] = []

    def start(self, job: Job) -> None:
        """Begin a job in a thread."""
        if self._opened is None:
            # Torch is imported only where something is to be built.
            from legonet.building.execution.step_runner import StepRunner

            self._opened = StepRunner(self._store, self._resources.device, self._resources.memory)
        stop = self._stops[job.key] = StopSign()
        # A daemon, so that a job never keeps the program from ending.
        thread = Thread(target=self._work, args=(self._opened, job, stop), daemon=True)
        self._at_work = [item for item in self._at_work if item.is_alive()] + [thread]
        thread.start()

    def stop(self, key: str) -> None:
        """Ask a job to stop and keep its checkpoint."""
        self._stops[key].set()

    def close(self, patience: float) -> None:
        """Ask all jobs to stop, and wait for them."""
        for stop in self._stops.values():
            stop.set()
        deadline = time.monotonic() + patience
        for thread in self._at_work:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, runner: StepRunner, job: Job, stop: StopSign) -> None:
        try:
            self._inbox.put(Message(job.key, self._run(runner, job, stop)))
        except BaseException as error:
            self._inbox.put(error)

    def _run(self, runner: StepRunner, job: Job, stop: StopSign) -> JobResult:
        import torch

        from legonet.building.execution.running import run_job

        def tell(update: JobProgress | Point) -> None:
            content = update if isinstance(update, JobProgress) else (update,)
            self._inbox.put(Message(job.key, content))

        device = self._resources.device
        torch.set_num_threads(self._resources.threads)
        stream: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if torch.device(device).type == "cuda":
            own = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            stream = torch.cuda.stream(own)
        with stream:
            return run_job(runner, job, tell, stop, device)
