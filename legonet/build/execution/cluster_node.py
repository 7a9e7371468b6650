"""What a node of a cluster sees of the store and of the files behind an order."""

from __future__ import annotations

import hashlib
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from legonet.build.execution.order import Order
from legonet.build.planning.inputs import Inputs, InputsOfGraph
from legonet.build.planning.plan import EdgeStep
from legonet.build.planning.questions import Questions
from legonet.build.storage.contents import Contents
from legonet.build.storage.keys import key_of
from legonet.build.storage.store import Store
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.syntax.cache_folder import cache_folder

TOKENS = "tokens"
"""The folder in a store for files by which a node knows that it sees the same store."""

REASONS = (
    ("version", "another version of legonet"),
    ("weights", "another weight file"),
    ("data", "other pictures"),
    ("train", "other pictures"),
)
"""Fields of a step's inputs that can differ between machines, and what a difference means."""


class Node:
    """A node's own view, for all orders that are filled by one process there.

    Args:
        store: The store as the machine that plans sees it.
        token: The name of a file in it.
    """

    def __init__(self, store: Store, token: str) -> None:
        self.name = socket.gethostname()
        self._url = str(getattr(store, "url", store.folder))
        folder = cache_folder() or Path(tempfile.mkdtemp(prefix="legonet-"))
        place = hashlib.sha256(self._url.encode()).hexdigest()[:16]
        self.store = store.at(folder / "stores" / place)
        self._token = token
        self._contents = Contents(folder / "contents.json")

    def check_store(self) -> None:
        """Check that the store here is the one that the machine that plans sees.

        Raises:
            DiagnosticError: It is another one, or none.
        """
        file = self.store.folder / TOKENS / self._token
        if file.is_file() or self.store.fetch(file):
            return
        raise DiagnosticError.of(
            "LEGO743",
            f"the node `{self.name}` does not see the store `{self._url}`",
            help=[
                "name a store that all nodes reach: --store s3://BUCKET/FOLDER, or a shared folder",
                "a shared folder has to have the same path on every machine",
            ],
        )

    def check_order(self, order: Order) -> None:
        """Check that an order means here what it means on the machine that plans.

        Raises:
            DiagnosticError: Files differ, or are missing.
        """
        try:
            seen = InputsOfOrder(order, self._contents).inputs
        except DiagnosticError as error:
            raise DiagnosticError(*(self._missing(item) for item in error.diagnostics)) from None
        # To remember digests for the other processes of the node saves time and nothing else.
        with suppress(DiagnosticError):
            self._contents.remember()
        if key_of(seen) == order.key:
            return
        wanted = order.step.inputs
        other = next((what for field, what in REASONS if seen.get(field) != wanted.get(field)), "")
        raise DiagnosticError.of(
            "LEGO744",
            f"the node `{self.name}` sees {other or 'another step'} than this machine",
            help=["the same files have to stand under the same path on every machine"],
        )

    def _missing(self, found: Diagnostic) -> Diagnostic:
        return Diagnostic(
            "LEGO744",
            f"the node `{self.name}` cannot do this step: {found.message}",
            found.span,
            found.label,
            (*found.help, "the same files have to stand under the same path on every machine"),
        )


class InputsOfOrder(InputsOfGraph):
    """What determines the result of an order, by the files of the machine that asks.

    Args:
        order: The order; what its networks are made of is not asked again.
        contents: Knows what files contain.
    """

    def __init__(self, order: Order, contents: Contents) -> None:
        super().__init__(order.graph, Questions(order.graph), contents)
        self._order = order

    def network_key(self, name: str) -> str:
        """Return a network's content key, as the order has it."""
        return self._order.networks[name]

    @property
    def inputs(self) -> Inputs:
        """The inputs of the order's step.

        Raises:
            DiagnosticError: Weights or pictures cannot be found.
        """
        step = self._order.step
        if isinstance(step, EdgeStep) and step.adapter.learning is not None:
            return self.of_edge(step.adapter, step.adapter.learning)
        return self.of_network(step.name)
