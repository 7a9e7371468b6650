"""Orders filled on a Ray cluster: in actors, each with a workshop on whatever node has room."""

from __future__ import annotations

import copy
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from legonet.build.execution.cluster_actors import Actor, Actors, Share
from legonet.build.execution.cluster_connection import Connection
from legonet.build.execution.cluster_node import TOKENS
from legonet.build.execution.cluster_place import PlaceSetup
from legonet.build.execution.executor import Advance, Ending, Inbox, Message
from legonet.build.execution.resources import Resources
from legonet.build.storage.files import write_whole
from legonet.build.storage.store import Store
from legonet.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from legonet.build.execution.order import Order

BEGINNINGS = 3
"""How often an order is begun, at most, if what fills it dies."""

SEARCHES = 10
"""How often an order gets an actor, at most, if their nodes die before it is begun."""

NODE_DIED = "its node died"

GONE_WITHIN = 1.0
"""Seconds in which Ray tells that an actor was ended."""

LOOK_FOR_IDLE_EVERY = 0.2
"""Seconds between two looks of an order that waits for a new actor at those that are idle."""

PATIENT_FOR = 5.0
"""Seconds after which an order that waits for a new actor has idle ones make room for it."""

LOOK_EVERY = 1.0
"""Seconds between two looks at what the cluster has, and at whether it is there."""


@dataclass(eq=False)
class _Errand:
    """An order at work."""

    order: Order
    actor: Actor | None = None
    begun: bool = False
    stopping: bool = False


class RayExecutor:
    """Fills orders on an existing Ray cluster. An order whose node dies is begun again elsewhere.

    Args:
        store: Where artifacts go; all nodes have to reach it.
        inbox: Where messages go.
        resources: What to compute with; `jobs` is 0 for as many as the cluster takes.

    Attributes:
        places: How many orders it takes at once; it follows the nodes that come and go.

    Raises:
        DiagnosticError: There is no such cluster, or none of its nodes can take an order.
    """

    def __init__(self, store: Store, inbox: Inbox, resources: Resources) -> None:
        self.places = 0
        self._inbox = inbox
        self._jobs = resources.jobs
        self._lock = Lock()
        self._errands: dict[str, _Errand] = {}
        self._threads: list[Thread] = []
        self._closed = Event()
        self._lost = Event()
        # A copy that knows its way from everywhere.
        self._store = copy.copy(store)
        self._store.folder = Path(store.folder).absolute()
        self._token = uuid.uuid4().hex
        device = resources.device.partition(":")[0]
        self._share = Share.of(device, resources.threads)
        self._connection = Connection(resources.address)
        try:
            nodes = self._connection.nodes()
            setup = PlaceSetup(
                self._store,
                self._token,
                device,
                resources.threads,
                resources.memory and resources.memory // max(1, self._places_in(nodes)),
                str(Path.cwd()),
                tuple(sys.path),
            )
            self._actors = Actors(self._connection, setup, self._share)
            self._see(nodes)
            self._check_room()
            self._give_token()
        except BaseException:
            self._connection.close()
            raise
        for watch in (self._watch_head, self._watch_nodes):
            self._begin_thread(watch)

    def prepare(self, count: int) -> None:
        """Do nothing: how much memory an actor asks for is known with its first order."""

    def choose(self, ready: Sequence[Order]) -> Order:
        """Return an edge whose task module an idle actor knows, else one that none knows."""
        known, idle = self._actors.task_modules()
        modules = [order.task_module for order in ready]
        for good in (
            [module in idle for module in modules],
            [module not in known for module in modules],
        ):
            if any(good):
                return ready[good.index(True)]
        return ready[0]

    def start(self, order: Order) -> None:
        """Begin an order on an idle actor, or on a new one as soon as a node has room."""
        errand = _Errand(order)
        with self._lock:
            self._errands[order.key] = errand
        self._begin_thread(self._attend, errand)

    def stop(self, key: str) -> None:
        """Ask an order to stop and keep its checkpoint."""
        errand = self._errands.get(key)
        if errand is not None:
            errand.stopping = True
            # What is not begun yet sees the request before it begins.
            if errand.begun and errand.actor is not None:
                self._ask(errand.actor.handle.stop, key)

    def close(self, patience: float) -> None:
        """Ask all orders to stop, and end the actors that do not in time."""
        self._closed.set()
        if not self._lost.is_set():
            self._stop_all(time.monotonic() + patience)
        self._connection.close(lost=self._lost.is_set())
        self._take_token_back()

    def _stop_all(self, deadline: float) -> None:
        with self._lock:
            keys = list(self._errands)
        for key in keys:
            self.stop(key)
        while self._errands and time.monotonic() < deadline:
            time.sleep(0.01)
        self._actors.end_all()
        for thread in self._threads:
            # Each ends at once, as what it waits for is gone.
            thread.join(GONE_WITHIN)

    def _attend(self, errand: _Errand) -> None:
        """See an order through to its ending, wherever it is filled."""
        import ray

        told: Message | BaseException
        try:
            self._share_networks(errand.order)
            told = Message(errand.order.key, self._ending(errand))
        except ray.exceptions.RayTaskError as error:
            # The node has another legonet, or lacks a package that the order names.
            given_up = _gave_up(errand.order, 1, _last_line(error))
            told = Message(errand.order.key, Ending("failed", diagnostics=(given_up,)))
        except (ray.exceptions.RayError, ConnectionError):
            self._lost.set()
            told = self._connection.loss()
        except BaseException as error:
            told = error
        with self._lock:
            del self._errands[errand.order.key]
        self._inbox.put(told)

    def _share_networks(self, order: Order) -> None:
        """Give nodes what an order needs and only this machine has."""
        # A new one knows of nothing, and so it looks whether a node has set something aside.
        store = copy.copy(self._store)
        for key in order.networks.values():
            artifact = store.find_here("network", key)
            if artifact is not None:
                store.share(artifact)

    def _ending(self, errand: _Errand) -> Ending:
        """Fill an order, on another actor whenever one dies."""
        import ray

        order = errand.order
        beginnings, why = 0, NODE_DIED
        for _ in range(SEARCHES):
            try:
                actor = self._actor_for(errand)
                return Ending("stopped") if actor is None else self._filled(errand, actor)
            except ray.exceptions.RayActorError as error:
                why = _why(error)
            if errand.stopping:
                return Ending("stopped")
            if why == NODE_DIED and not errand.begun:
                # The actor had not heard of the order.
                continue
            beginnings += 1
            if beginnings == BEGINNINGS:
                break
            self._tell(order, f"begun again: {why}")
        return Ending("failed", diagnostics=(_gave_up(order, beginnings, why),))

    def _actor_for(self, errand: _Errand) -> Actor | None:
        """Return an actor that has started; None for an order that is stopped.

        Raises:
            RayActorError: It died.
            DiagnosticError: Its node can fill no orders at all.
        """
        errand.begun, errand.actor = False, None
        actor = self._actors.take(errand.order)
        waited = 0.0
        while actor is not None and not self._actors.has_started(actor, LOOK_FOR_IDLE_EVERY):
            waited += LOOK_FOR_IDLE_EVERY
            if waited >= PATIENT_FOR:
                waited = 0.0
                self._tell(errand.order, "waits for the cluster")
                self._actors.end_idle()
            if errand.stopping:
                self._actors.end(actor)
                return None
            actor = self._actors.exchange(errand.order, actor)
        if actor is None:
            return None
        try:
            wrong: tuple[Diagnostic, ...] = self._connection.ray.get(actor.checked)
            if wrong:
                raise DiagnosticError(*wrong)
        except BaseException:
            self._actors.end(actor)
            raise
        return actor

    def _filled(self, errand: _Errand, actor: Actor) -> Ending:
        """Fill an order on an actor.

        Raises:
            RayActorError: It died.
        """
        get, order = self._connection.ray.get, errand.order
        try:
            get(self._ask(actor.handle.begin, order))
            errand.actor, errand.begun = actor, True
            if errand.stopping:
                self._ask(actor.handle.stop, order.key)
            while True:
                for news in get(self._ask(actor.handle.news)):
                    if isinstance(news, Ending):
                        self._actors.leave(actor)
                        return news
                    self._inbox.put(Message(order.key, news))
        except BaseException:
            self._actors.end(actor)
            raise

    def _watch_head(self) -> None:
        if self._connection.wait_for_loss(self._closed, LOOK_EVERY):
            self._lost.set()
            self._inbox.put(self._connection.loss())

    def _watch_nodes(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            before = self.places
            try:
                self._see(self._connection.nodes())
            except Exception as error:
                # A connection that is closed or lost knows no nodes; that is told elsewhere.
                if not (self._closed.is_set() or self._lost.is_set()):
                    self._inbox.put(error)
                return
            if self.places > before:
                # Whoever waits for messages looks up, and sees that there is room.
                self._inbox.put(_look_up)

    def _see(self, nodes: Sequence[dict[str, float]]) -> None:
        self.places = self._actors.places = self._places_in(nodes)
        memory = [node.get("memory", 0.0) for node in nodes]
        self._actors.largest_memory = int(max(memory, default=0.0))

    def _places_in(self, nodes: Sequence[dict[str, float]]) -> int:
        return self._jobs or sum(self._share.times_in(node) for node in nodes)

    def _check_room(self) -> None:
        if self.places:
            return
        gpus = " and a GPU" if self._share.gpus else ""
        raise DiagnosticError.of(
            "LEGO740",
            f"no node of the Ray cluster has {self._share.cpus} CPUs{gpus}, which an order takes",
            help=[
                "add a node: ray start --address=HEAD:6379",
                "where nodes come when they are asked for, say for how many orders: --jobs 8",
            ],
        )

    def _give_token(self) -> None:
        file = self._store.folder / TOKENS / self._token
        self._store.prepare()
        write_whole(file, self._token.encode())
        self._store.publish(file)

    def _take_token_back(self) -> None:
        file = self._store.folder / TOKENS / self._token
        file.unlink(missing_ok=True)
        self._store.withdraw(file)

    def _ask(self, method: Any, *arguments: Any) -> Any:
        """Call a method of an actor; return what its answer can be had for."""
        if not self._connection.is_open:
            raise ConnectionError
        return method.remote(*arguments)

    def _tell(self, order: Order, message: str) -> None:
        self._inbox.put(Message(order.key, Advance(0.0, message)))

    def _begin_thread(self, target: Any, *arguments: Any) -> None:
        thread = Thread(target=target, args=arguments, daemon=True)
        self._threads = [item for item in self._threads if item.is_alive()] + [thread]
        thread.start()


def _look_up() -> None:
    """Do nothing, which is enough to wake who waits for messages."""


def _why(error: Exception) -> str:
    """Return in a few words why an actor is gone."""
    text = str(error)
    if getattr(error, "actor_init_failed", False):
        return f"it did not start: {_last_line(error)}"
    if "low on memory" in text:
        return "its node ran out of memory"
    if "node has died" in text or "node was terminated" in text or "unavailable" in text:
        return NODE_DIED
    return "its process died"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _gave_up(order: Order, beginnings: int, why: str) -> Diagnostic:
    times = f" after {beginnings} beginnings" if beginnings > 1 else ""
    return Diagnostic(
        "LEGO741",
        f"{order.step.name} could not be finished on the cluster{times}: {why}",
        help=(
            "memory that ran out is the usual cause: build fewer things at once with `--jobs`",
            "every node needs the same version of legonet; `ray logs` shows what went wrong there",
            "run `legonet build` again: it goes on from the last checkpoint",
        ),
    )
