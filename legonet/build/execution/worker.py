"""The process behind a place of a `ProcessExecutor`: ``python -m legonet.build.execution.worker``.

It reads pickles from standard input, a `Setup`, then orders and the keys of those that shall stop,
and writes messages to standard output. When standard input ends it ends, too, at once.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, BinaryIO

from legonet.build.execution.executor import Advance, Ending, Message
from legonet.build.execution.order import Order
from legonet.build.execution.stopping import StopSign
from legonet.build.storage.store import Store

if TYPE_CHECKING:
    from legonet.distill.progress import Point

NEWS_EVERY = 0.1
"""Seconds between two messages about the same order."""


@dataclass(frozen=True)
class Setup:
    """What a worker has to know before its first order.

    Args:
        store: Where artifacts go.
        device: Where torch computes.
        threads: In how many threads torch computes on the CPU.
        memory: Bytes for what is kept between orders; None for no limit.
        path: Where Python looks for modules, so that plugins are found.
    """

    store: Store
    device: str
    threads: int
    memory: int | None
    path: tuple[str, ...]


def main() -> None:
    """Fill orders until standard input ends."""
    # Ctrl-C in a terminal reaches all processes; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a network's own code prints must not come between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = sys.stdin.buffer
    setup: Setup = pickle.load(commands)  # noqa: S301 - from the process that began this one
    sys.path[:] = setup.path
    orders: SimpleQueue[tuple[Order, StopSign]] = SimpleQueue()
    Thread(target=_listen, args=(commands, orders), daemon=True).start()

    import torch

    from legonet.build.execution.filling import fill
    from legonet.build.execution.workshop import Workshop

    torch.set_num_threads(setup.threads)
    workshop = Workshop(setup.store, setup.device, setup.memory)
    while True:
        order, stop = orders.get()
        news = _News(answers, order.key)
        ending = fill(workshop, order, news.tell, stop, setup.device)
        news.end(ending)


def _listen(commands: BinaryIO, orders: SimpleQueue[tuple[Order, StopSign]]) -> None:
    stops: dict[str, StopSign] = {}
    while True:
        try:
            command: Any = pickle.load(commands)  # noqa: S301 - as above
        except (EOFError, OSError):
            # Nobody waits for an answer any more; the last checkpoint is good.
            os._exit(0)
        if isinstance(command, Order):
            stop = StopSign()
            stops = {command.key: stop}
            orders.put((command, stop))
        elif command in stops:
            stops[command].set()


class _News:
    """Messages about one order, not more often than a person or a file can follow."""

    def __init__(self, answers: BinaryIO, key: str) -> None:
        self._answers = answers
        self._key = key
        self._points: list[Point] = []
        self._advance: Advance | None = None
        self._next = 0.0

    def tell(self, news: Advance | Point) -> None:
        """Take up news, and send what has come together."""
        if isinstance(news, Advance):
            self._advance = news
        else:
            self._points.append(news)
        if time.monotonic() >= self._next:
            self._send()

    def end(self, ending: Ending) -> None:
        """Send what is left, and how the order ended."""
        self._send()
        self._write(ending)

    def _send(self) -> None:
        if self._points:
            self._write(tuple(self._points))
            self._points = []
        if self._advance is not None:
            self._write(self._advance)
            self._advance = None
        self._next = time.monotonic() + NEWS_EVERY

    def _write(self, news: Advance | tuple[Point, ...] | Ending) -> None:
        pickle.dump(Message(self._key, news), self._answers)
        self._answers.flush()


if __name__ == "__main__":
    main()
