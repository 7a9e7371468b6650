"""The process of a Ray cluster that fills one order at a time, and keeps what the next may need."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING

from legonet.build.execution.cluster_node import Node
from legonet.build.execution.executor import Advance, Ending
from legonet.build.execution.order import Order
from legonet.build.execution.resources import JOBS_ON_A_GPU, cores, memory_at_hand
from legonet.build.execution.stopping import StopSign
from legonet.build.execution.worker import NEWS_EVERY
from legonet.build.storage.store import Store
from legonet.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from legonet.build.execution.workshop import Workshop
    from legonet.distill.progress import Point

News = Advance | tuple["Point", ...] | Ending


@dataclass(frozen=True)
class PlaceSetup:
    """What a place has to know before its first order.

    Args:
        store: As the machine that plans sees it.
        token: The name of a file in it, by which a node knows that it sees the same store.
        device: Where torch computes: ``cpu`` or ``cuda``.
        threads: In how many threads torch computes on the CPU.
        memory: Bytes for what is kept between orders; None for a fair share of the node's.
        folder: Where relative paths begin.
        path: Where Python looks for modules, so that plugins are found.
    """

    store: Store
    token: str
    device: str
    threads: int
    memory: int | None
    folder: str
    path: tuple[str, ...]


class Place:
    """Fills orders on a node, one at a time. Its methods are called by the machine that plans.

    Args:
        setup: What it has to know.
    """

    def __init__(self, setup: PlaceSetup) -> None:
        # Where there is no such folder, relative paths lead nowhere, and the checks say so.
        with suppress(OSError):
            os.chdir(setup.folder)
        sys.path += [item for item in setup.path if item not in sys.path]
        self._setup = setup
        self._node = Node(setup.store, setup.token)
        self._workshop: Workshop | None = None
        self._order = ""
        self._stop = StopSign()
        self._pile = _Pile()

    def check(self) -> tuple[Diagnostic, ...]:
        """Return why this node can fill no orders at all, if that is so."""
        try:
            self._node.check_store()
        except DiagnosticError as error:
            return error.diagnostics
        return ()

    def begin(self, order: Order) -> None:
        """Begin an order, behind the ending of the last one."""
        self._order, self._stop, self._pile = order.key, StopSign(), _Pile()
        Thread(target=self._fill, args=(order, self._stop, self._pile), daemon=True).start()

    def news(self) -> tuple[News, ...]:
        """Return the news of the order at work, as soon as there is any; an ending comes last."""
        return self._pile.take()

    def stop(self, key: str) -> None:
        """Ask an order to stop and keep its checkpoint, if it is the one at work."""
        if key == self._order:
            self._stop.set()

    def _fill(self, order: Order, stop: StopSign, pile: _Pile) -> None:
        try:
            pile.end(self._ending(order, stop, pile))
        finally:
            if not pile.ended:
                # What is not even an exception of Python's ends the process, as it would elsewhere.
                os._exit(1)

    def _ending(self, order: Order, stop: StopSign, pile: _Pile) -> Ending:
        try:
            self._node.check_order(order)
        except DiagnosticError as error:
            return Ending("failed", diagnostics=error.diagnostics)
        import torch

        from legonet.build.execution.filling import fill
        from legonet.build.execution.workshop import Workshop

        setup = self._setup
        torch.set_num_threads(setup.threads)
        if self._workshop is None:
            memory = setup.memory or _share_of_memory(setup)
            self._workshop = Workshop(self._node.store, setup.device, memory)
        return fill(self._workshop, order, pile.tell, stop, setup.device)


class _Pile:
    """News that wait to be taken, not more often than a person or a file can follow."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._points: list[Point] = []
        self._advance: Advance | None = None
        self._ending: Ending | None = None

    @property
    def ended(self) -> bool:
        """Whether an ending is among them."""
        return self._ending is not None

    def tell(self, news: Advance | Point) -> None:
        """Add news."""
        with self._changed:
            if isinstance(news, Advance):
                self._advance = news
            else:
                self._points.append(news)
            self._changed.notify_all()

    def end(self, ending: Ending) -> None:
        """Add the last news."""
        with self._changed:
            self._ending = ending
            self._changed.notify_all()

    def take(self) -> tuple[News, ...]:
        """Wait for news, and return all there are."""
        with self._changed:
            self._changed.wait_for(lambda: self._points or self._advance or self._ending)
            self._changed.wait_for(lambda: self._ending, NEWS_EVERY)
            points: tuple[News, ...] = (tuple(self._points),) if self._points else ()
            others = tuple(item for item in (self._advance, self._ending) if item is not None)
            self._points, self._advance = [], None
            return (*points, *others)


def _share_of_memory(setup: PlaceSetup) -> int | None:
    memory = memory_at_hand(setup.device)
    if memory is None:
        return None
    others = JOBS_ON_A_GPU if setup.device != "cpu" else max(1, cores() // setup.threads)
    return memory // others
