"""A worker process of a `ProcessExecutor`: ``python -m legonet.building.execution.worker``.

It reads pickles from standard input, first a `Setup`, then jobs and the keys of jobs that are to
stop, and writes messages to standard output. When standard input ends, it ends at once.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from legonet.building.execution.executor import Message
from legonet.building.execution.job import Job, StopSign, Update, Updates
from legonet.building.execution.resources import Resources
from legonet.building.storage.store import Store


@dataclass(frozen=True)
class Setup:
    """What a worker has to know before its first job.

    Args:
        store: Where artifacts go.
        resources: What to compute with; the memory is for what is kept between jobs.
        path: Where Python looks for modules, so that plugins are found.
    """

    store: Store
    resources: Resources
    path: tuple[str, ...]


def main() -> None:
    """Run jobs until standard input ends."""
    # Ctrl-C in a terminal reaches all processes; only the one that started this one reacts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a network's own code prints must not come between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = sys.stdin.buffer
    setup: Setup = pickle.load(commands)  # noqa: S301 - from the process that began this one
    sys.path[:] = setup.path
    jobs: SimpleQueue[tuple[Job, StopSign]] = SimpleQueue()
    Thread(target=_listen, args=(commands, jobs), daemon=True).start()

    import torch

    from legonet.building.execution.running import run_job
    from legonet.building.execution.step_runner import StepRunner

    resources = setup.resources
    torch.set_num_threads(resources.threads)
    runner = StepRunner(setup.store, resources.device, resources.memory)
    while True:
        job, stop = jobs.get()
        updates = Updates(partial(_send, answers, job.key))
        result = run_job(runner, job, updates.tell, stop, resources.device)
        updates.flush()
        _send(answers, job.key, result)


def _send(answers: BinaryIO, key: str, update: Update) -> None:
    pickle.dump(Message(key, update), answers)
    answers.flush()


def _listen(commands: BinaryIO, jobs: SimpleQueue[tuple[Job, StopSign]]) -> None:
    stops: dict[str, StopSign] = {}
    while True:
        try:
            command: Any = pickle.load(commands)  # noqa: S301 - as above
        except (EOFError, OSError):
            # Nothing waits for an answer any more; the last checkpoint is complete.
            os._exit(0)
        if isinstance(command, Job):
            stop = StopSign()
            stops = {command.key: stop}
            jobs.put((command, stop))
        elif command in stops:
            stops[command].set()


if __name__ == "__main__":
    main()
