"""An executor without torch: a test says when each job ends, and how."""

from __future__ import annotations

import torch

from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, JobProgress, JobResult
from legonet.building.storage.store import Store


class FakeExecutor(Executor):
    """Takes jobs and ends them when it is told to."""

    def __init__(self, store: Store, inbox: Inbox, places: int = 2) -> None:
        self.places = places
        self.begun: list[str] = []
        self.at_work: dict[str, Job] = {}
        self.stopped: list[str] = []
        self._store = store
        self._inbox = inbox

    def start(self, job: Job) -> None:
        """Begin a job."""
        assert len(self.at_work) < self.places
        self.begun.append(job.step.name)
        self.at_work[job.step.name] = job
        self._inbox.put(Message(job.key, JobProgress(0.5, "half")))

    def stop(self, key: str) -> None:
        """Note that a job shall stop, and stop it."""
        name = next(name for name, job in self.at_work.items() if job.key == key)
        self.stopped.append(name)
        self.end(name, JobResult("stopped"))

    def close(self, patience: float) -> None:
        """Stop all."""
        for job in list(self.at_work.values()):
            self.stop(job.key)

    def make(self, name: str, value: float = 0.0, **certificate: object) -> None:
        """End a job with an artifact of one number."""
        job = self.at_work[name]
        found = {"inputs": job.step.inputs, "metrics": {}, "seconds": 0.0, **certificate}
        self._store.put(job.step.kind, job.key, {"value": torch.tensor(value)}, found)
        self.end(name, JobResult("made", 1.0, 1000))

    def end(self, name: str, ending: JobResult) -> None:
        """End a job."""
        self._inbox.put(Message(self.at_work.pop(name).key, ending))
