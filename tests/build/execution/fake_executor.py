"""An executor without torch: a test says when each order ends, and how."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from legonet.build.execution.executor import Advance, Ending, Inbox, Message
from legonet.build.execution.order import Order
from legonet.build.storage.store import Store


class FakeExecutor:
    """Takes orders and ends them when it is told to."""

    def __init__(self, store: Store, inbox: Inbox, places: int = 2) -> None:
        self.places = places
        self.begun: list[str] = []
        self.at_work: dict[str, Order] = {}
        self.stopped: list[str] = []
        self._store = store
        self._inbox = inbox

    def prepare(self, count: int) -> None:
        """Nothing has to be made ready."""

    def choose(self, ready: Sequence[Order]) -> Order:
        """Return the first."""
        return ready[0]

    def start(self, order: Order) -> None:
        """Begin an order."""
        assert len(self.at_work) < self.places
        self.begun.append(order.step.name)
        self.at_work[order.step.name] = order
        self._inbox.put(Message(order.key, Advance(0.5, "half")))

    def stop(self, key: str) -> None:
        """Note that an order shall stop, and stop it."""
        name = next(name for name, order in self.at_work.items() if order.key == key)
        self.stopped.append(name)
        self.end(name, Ending("stopped"))

    def close(self, patience: float) -> None:
        """Stop all."""
        for order in list(self.at_work.values()):
            self.stop(order.key)

    def make(self, name: str, value: float = 0.0, **certificate: object) -> None:
        """End an order with an artifact of one number."""
        order = self.at_work[name]
        found = {"inputs": order.step.inputs, "metrics": {}, "seconds": 0.0, **certificate}
        self._store.put(order.step.kind, order.key, {"value": torch.tensor(value)}, found)
        self.end(name, Ending("made", 1.0, 1000))

    def end(self, name: str, ending: Ending) -> None:
        """End an order."""
        self._inbox.put(Message(self.at_work.pop(name).key, ending))
