"""Orders filled in processes: on the CPU, where threads would share one interpreter."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import IO

from legonet.build.execution.executor import Ending, Inbox, Message
from legonet.build.execution.order import Order
from legonet.build.execution.worker import Setup
from legonet.build.storage.store import Store
from legonet.diagnostics import Diagnostic

LAST_WORDS = 20
"""Lines of what a process wrote that are shown if it dies."""

LINGERING = 0.5
"""Seconds to wait for the end of what a dead process wrote; one that it started may go on."""


class ProcessExecutor:
    """Fills orders in processes, one in each. A process that dies takes one order with it.

    Args:
        store: Where artifacts go.
        inbox: Where messages go.
        device: Where torch computes.
        places: How many processes.
        threads: In how many threads torch computes each order.
        memory: Bytes for what all processes keep between orders; None for no limit.
    """

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        *,
        device: str = "cpu",
        places: int,
        threads: int,
        memory: int | None = None,
    ) -> None:
        self.places = places
        each = None if memory is None else memory // places
        self._setup = Setup(store, device, threads, each, tuple(sys.path))
        self._inbox = inbox
        self._workers: list[_Worker] = []

    def prepare(self, count: int) -> None:
        """Start as many processes as so many orders need."""
        missing = min(self.places, count) - len(self._workers)
        self._workers += [_Worker(self._setup, self._inbox) for _ in range(missing)]

    def choose(self, ready: Sequence[Order]) -> Order:
        """Return an edge whose task module an idle process knows, else one that none knows."""
        known = {worker.task_module for worker in self._workers} - {None}
        idle = {worker.task_module for worker in self._workers if worker.idle} & known
        modules = [order.task_module for order in ready]
        for good in (
            [module in idle for module in modules],
            [module not in known for module in modules],
        ):
            if any(good):
                return ready[good.index(True)]
        return ready[0]

    def start(self, order: Order) -> None:
        """Give an order to an idle process, or to a new one."""
        self._bury()
        idle = [worker for worker in self._workers if worker.idle]
        knows = (worker for worker in idle if worker.task_module == order.task_module)
        worker = next(knows, next(iter(idle), None))
        if worker is None:
            worker = _Worker(self._setup, self._inbox)
            self._workers.append(worker)
        worker.take(order)

    def stop(self, key: str) -> None:
        """Ask an order to stop and keep its checkpoint."""
        for worker in self._workers:
            if worker.order is not None and worker.order.key == key:
                worker.stop()

    def close(self, patience: float) -> None:
        """Ask all orders to stop, and kill the processes that do not in time."""
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + patience
        for worker in self._workers:
            worker.close(deadline)
        self._workers = []

    def _bury(self) -> None:
        """Forget processes that died."""
        dead = [worker for worker in self._workers if not worker.idle and worker.order is None]
        for worker in dead:
            self._workers.remove(worker)
            worker.close(0.0)


class _Worker:
    """One process, with a thread that reads its messages."""

    def __init__(self, setup: Setup, inbox: Inbox) -> None:
        self.order: Order | None = None
        self.task_module: tuple[str, str] | None = None
        self._over = False
        self._closed = False
        self._lock = Lock()
        self._inbox = inbox
        self._said: deque[str] = deque(maxlen=LAST_WORDS)
        threads = str(setup.threads)
        with _signals_held():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "legonet.build.execution.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={
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
        """Whether it waits for an order."""
        return self.order is None and not self._over

    def take(self, order: Order) -> None:
        """Begin an order."""
        self.order = order
        self.task_module = order.task_module or self.task_module
        self._send(order)
        if self._over:
            self._mourn()

    def stop(self) -> None:
        """Ask the order at work to stop and keep its checkpoint."""
        if self.order is not None:
            self._send(self.order.key)

    def close(self, deadline: float) -> None:
        """End the process: when its order has stopped, or at a moment of the monotonic clock."""
        while self.order is not None and not self._over and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closed = True
        self._process.kill()
        self._process.wait()
        _close(self._process.stdin)
        for thread in self._listeners:
            thread.join(LINGERING)

    def _send(self, command: Setup | Order | str) -> None:
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
                if isinstance(message.news, Ending):
                    self.order = None
                self._inbox.put(message)
        self._over = True
        self._mourn()

    def _forward(self) -> None:
        """Pass on what a network's own code prints."""
        with self._process.stderr or io.BytesIO() as stream:
            for written in stream:
                line = written.decode(errors="replace").rstrip()
                self._said.append(line)
                # Where nobody reads it the process must still be able to write.
                with suppress(OSError, ValueError):
                    print(line, file=sys.stderr)

    def _mourn(self) -> None:
        """Tell, once, of the order that the process took with it if it had one."""
        with self._lock:
            order, self.order = self.order, None
        if order is not None and not self._closed:
            self._listeners[1].join(LINGERING)
            ending = Ending("failed", diagnostics=(self._death(order),))
            self._inbox.put(Message(order.key, ending))

    def _death(self, order: Order) -> Diagnostic:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        words = next((line for line in reversed(self._said) if line), "")
        return Diagnostic(
            "LEGO711",
            f"the process that built {order.step.name} {how}" + (f": {words}" if words else ""),
            help=(
                "memory that ran out is the usual cause: try fewer `--jobs`, or set `--memory`",
                "run `legonet build` again: it goes on from the last checkpoint",
            ),
        )


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back: a process that is started meanwhile never gets them.

    A terminal or a cluster sends them to all processes of a build; the first one decides.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:
        # What was left to send has nobody to read it.
        return
