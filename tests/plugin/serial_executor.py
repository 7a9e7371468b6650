"""An executor of another package: one job after another, in the thread that starts it."""

from __future__ import annotations

from typing import ClassVar

from legonet.building.execution.executor import Executor, Inbox, Message
from legonet.building.execution.job import Job, StopSign, Update, Updates
from legonet.building.execution.resources import Resources
from legonet.building.storage.store import Store


class SerialExecutor(Executor):
    """Runs a job while it is started; nothing is left to stop or to close."""

    summary: ClassVar[str] = "the thread that asks"

    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None:
        self.places = 1
        self._store = store
        self._inbox = inbox
        self._device = resources.device

    def start(self, job: Job) -> None:
        """Run a job."""
        from legonet.building.execution.running import run_job
        from legonet.building.execution.step_runner import StepRunner

        def send(update: Update) -> None:
            self._inbox.put(Message(job.key, update))

        updates = Updates(send)
        runner = StepRunner(self._store, self._device)
        result = run_job(runner, job, updates.tell, StopSign(), self._device)
        updates.flush()
        send(result)

    def stop(self, key: str) -> None:
        """Nothing is at work between two calls."""

    def close(self, patience: float) -> None:
        """Nothing is left open."""


class Fancy(SerialExecutor):
    """The same, with a package that does not exist."""

    requires: ClassVar[dict[str, str]] = {"nowhere_to_be_found": "odd-networks[fancy]"}
