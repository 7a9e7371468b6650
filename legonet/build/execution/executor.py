"""Where orders are filled: the port between the scheduler and threads, processes or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal, Protocol

from legonet.build.execution.order import Order
from legonet.build.storage.store import ArtifactKind
from legonet.diagnostics import Diagnostic
from legonet.distill.progress import Point

Outcome = Literal["made", "failed", "stopped", "damaged"]


@dataclass(frozen=True)
class Advance:
    """How far an order is, as a fraction of its work and in a few words."""

    fraction: float
    message: str


@dataclass(frozen=True)
class Ending:
    """How an order ended.

    Args:
        outcome: ``made``: the artifact is in the store. ``failed``: it cannot be made.
            ``stopped``: somebody asked for it; the checkpoint is kept. ``damaged``: something that
            the order needs is damaged in the store, and was set aside.
        seconds: Of work.
        memory: Bytes at the peak, where that is known.
        diagnostics: Why it failed, or what is damaged.
        trace: The traceback of an error that nobody foresaw.
        damaged: What has to be built again.
    """

    outcome: Outcome
    seconds: float = 0.0
    memory: int | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    damaged: tuple[ArtifactKind, str] | None = None
    trace: str = ""


@dataclass(frozen=True)
class Message:
    """News of an order, known by its content key; after an `Ending` there is none."""

    key: str
    news: Advance | tuple[Point, ...] | Ending


Inbox = SimpleQueue[Message | Callable[[], None] | BaseException]
"""Where executors put messages, from any thread, and errors of their own; and others calls."""


class Executor(Protocol):
    """Fills orders, several at once. Its methods are called from one thread.

    Attributes:
        places: How many orders it takes at once.
    """

    places: int

    def prepare(self, count: int) -> None:
        """Make ready for so many orders, without waiting."""

    def choose(self, ready: Sequence[Order]) -> Order:
        """Return the order that is best begun next, of some that are ready."""

    def start(self, order: Order) -> None:
        """Begin an order. Its messages, with an ending at last, come to the inbox."""

    def stop(self, key: str) -> None:
        """Ask an order to stop and keep its checkpoint."""

    def close(self, patience: float) -> None:
        """Stop everything, within so many seconds."""
