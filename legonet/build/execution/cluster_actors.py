"""The actors of a Ray cluster that fill orders: made by need, kept between orders, and ended."""

from __future__ import annotations

from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from legonet.build.execution.cluster_connection import Connection
from legonet.build.execution.cluster_place import Place, PlaceSetup
from legonet.build.execution.resources import JOBS_ON_A_GPU

if TYPE_CHECKING:
    from legonet.build.execution.order import Order

TaskModule = tuple[str, str]

SMALLEST_MEMORY = 2**28
"""Bytes that an actor asks for, at least, where it asks for any."""


@dataclass(frozen=True)
class Share:
    """What one order takes of a node.

    Args:
        cpus: Cores.
        gpus: GPUs, or a part of one.
    """

    cpus: int
    gpus: float = 0.0

    @classmethod
    def of(cls, device: str, threads: int) -> Share:
        """Return what an order takes on a device, in so many threads on the CPU."""
        return cls(threads, 0.0 if device == "cpu" else 1 / JOBS_ON_A_GPU)

    def times_in(self, resources: dict[str, float]) -> int:
        """Return how many orders a node takes at once, by its resources."""
        times = int(resources.get("CPU", 0.0) / self.cpus)
        if self.gpus:
            # A third of a GPU three times is less than a whole one, to a computer.
            times = min(times, int(resources.get("GPU", 0.0) / self.gpus + 1e-6))
        return times


@dataclass(eq=False)
class Actor:
    """A `Place` on some node, as this process knows it.

    Args:
        handle: Ray's.
        checked: What its check is had for, as soon as it has started.
        memory: Bytes that it asked for.
        busy: Whether it is somebody's.
        task_module: The one of which it keeps something.
    """

    handle: Any
    checked: Any
    memory: int
    busy: bool = True
    task_module: TaskModule | None = None


class Actors:
    """The actors of one build; safe to use from several threads.

    Args:
        connection: To the cluster.
        setup: What each has to know.
        share: What each takes of a node.

    Attributes:
        places: How many of them the cluster takes at once.
        largest_memory: Bytes that the largest node has.
    """

    def __init__(self, connection: Connection, setup: PlaceSetup, share: Share) -> None:
        self.places = 0
        self.largest_memory = 0
        self._connection = connection
        self._setup = setup
        self._share = share
        self._lock = RLock()
        self._all: list[Actor] = []
        self._closed = False

    def task_modules(self) -> tuple[set[TaskModule], set[TaskModule]]:
        """Return the task modules that actors know, and those that idle ones know."""
        with self._lock:
            known = [(item.task_module, item.busy) for item in self._all]
        every = {module for module, _ in known if module is not None}
        return every, {module for module, busy in known if module is not None and not busy}

    def take(self, order: Order) -> Actor | None:
        """Return an idle actor that is large enough, or a new one; None when all are ended.

        It is the caller's until it is left or ended.
        """
        memory = self._memory_for(order)
        with self._lock:
            if self._closed:
                return None
            fitting = (item for item in self._all if not item.busy and item.memory >= memory)
            actor = min(fitting, key=lambda item: self._reluctance(item, order), default=None)
            if actor is None:
                if len(self._all) >= self.places:
                    self.end_idle()
                actor = self._new(memory)
            actor.busy = True
            actor.task_module = order.task_module or actor.task_module
            return actor

    def exchange(self, order: Order, actor: Actor) -> Actor | None:
        """Return an actor that became idle, in the place of one that has not started."""
        with self._lock:
            actor.busy = False
            other = self.take(order)
            if other is not actor and len(self._all) > self.places:
                self.end(actor)
            return other

    def has_started(self, actor: Actor, timeout: float = 0.0) -> bool:
        """Wait so many seconds for an actor; whether it has started, or died."""
        return bool(self._connection.ray.wait([actor.checked], timeout=timeout)[0])

    def leave(self, actor: Actor) -> None:
        """Keep an actor for other orders."""
        with self._lock:
            actor.busy = False

    def end(self, actor: Actor) -> None:
        """End an actor, and whatever it does."""
        with self._lock:
            if actor in self._all:
                self._all.remove(actor)
        if self._connection.is_open:
            self._connection.ray.kill(actor.handle)

    def end_idle(self) -> None:
        """Give back what idle actors hold."""
        with self._lock:
            for actor in [item for item in self._all if not item.busy]:
                self.end(actor)

    def end_all(self) -> None:
        """End every actor, and make no more."""
        with self._lock:
            self._closed = True
            for actor in list(self._all):
                self.end(actor)

    def _reluctance(self, actor: Actor, order: Order) -> tuple[bool, bool]:
        return not self.has_started(actor), actor.task_module != order.task_module

    def _new(self, memory: int) -> Actor:
        options: dict[str, Any] = {"memory": memory} if memory else {}
        kind = self._connection.ray.remote(Place).options(
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
            # One call waits for news, while another may ask to stop.
            max_concurrency=3,
            max_restarts=0,
            **options,
        )
        handle = kind.remote(self._setup)
        actor = Actor(handle, handle.check.remote(), memory)
        self._all.append(actor)
        return actor

    def _memory_for(self, order: Order) -> int:
        """Return what to ask for: a power of two, so that orders that are alike share actors."""
        if not order.memory or self._share.gpus:
            # On a GPU it is the GPU's memory that is known.
            return 0
        rounded = 1 << (max(order.memory, SMALLEST_MEMORY) - 1).bit_length()
        # More than any node has would never be given.
        return min(rounded, self.largest_memory)
