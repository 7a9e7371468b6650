"""Orders filled in threads of this process: on a GPU, or one after the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING

from legonet.build.execution.executor import Advance, Ending, Inbox, Message
from legonet.build.execution.stopping import StopSign
from legonet.build.storage.store import Store

if TYPE_CHECKING:
    from legonet.build.execution.order import Order
    from legonet.build.execution.workshop import Workshop
    from legonet.distill.progress import Point


class ThreadExecutor:
    """Fills orders in threads that share one workshop; on a GPU each has a CUDA stream.

    Args:
        store: Where artifacts go.
        inbox: Where messages go.
        device: Where torch computes.
        places: How many orders at once.
        threads: In how many threads torch computes each on the CPU.
        memory: Bytes for what is kept between orders; None for no limit.
    """

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        *,
        device: str = "cpu",
        places: int = 1,
        threads: int,
        memory: int | None = None,
    ) -> None:
        self.places = places
        self._store = store
        self._inbox = inbox
        self._device = device
        self._threads = threads
        self._memory = memory
        self._opened: Workshop | None = None
        self._stops: dict[str, StopSign] = {}
        self._at_work: list[Thread] = []

    def prepare(self, count: int) -> None:
        """Do nothing: threads begin at once."""

    def choose(self, ready: Sequence[Order]) -> Order:
        """Return the first: all places share what is kept."""
        return ready[0]

    def start(self, order: Order) -> None:
        """Begin an order in a thread."""
        if self._opened is None:
            # Torch is imported only where something is to be built.
            from legonet.build.execution.workshop import Workshop

            self._opened = Workshop(self._store, self._device, self._memory)
        stop = self._stops[order.key] = StopSign()
        # A daemon, as nobody waits longer for an order than for the program's end.
        thread = Thread(target=self._work, args=(self._opened, order, stop), daemon=True)
        self._at_work = [item for item in self._at_work if item.is_alive()] + [thread]
        thread.start()

    def stop(self, key: str) -> None:
        """Ask an order to stop and keep its checkpoint."""
        self._stops[key].set()

    def close(self, patience: float) -> None:
        """Ask all orders to stop, and wait for them."""
        for stop in self._stops.values():
            stop.set()
        deadline = time.monotonic() + patience
        for thread in self._at_work:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, workshop: Workshop, order: Order, stop: StopSign) -> None:
        try:
            self._inbox.put(Message(order.key, self._filled(workshop, order, stop)))
        except BaseException as error:
            self._inbox.put(error)

    def _filled(self, workshop: Workshop, order: Order, stop: StopSign) -> Ending:
        import torch

        from legonet.build.execution.filling import fill

        def tell(news: Advance | Point) -> None:
            told = news if isinstance(news, Advance) else (news,)
            self._inbox.put(Message(order.key, told))

        torch.set_num_threads(self._threads)
        stream: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        if torch.device(self._device).type == "cuda":
            own = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            stream = torch.cuda.stream(own)
        with stream:
            return fill(workshop, order, tell, stop, self._device)
