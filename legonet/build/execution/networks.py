"""Frozen networks in memory: each loaded once while it is kept, and proved unchanged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import torch
from torch import nn

from legonet.build.storage.store import DamagedError, Store
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze
from legonet.modules.models import instantiate
from legonet.modules.streams import settle
from legonet.spec.models import Model


@dataclass(frozen=True)
class Frozen:
    """A built network with the digest of the bits that must not change."""

    name: str
    module: nn.Module
    sha256: str

    @cached_property
    def bytes(self) -> int:
        """Memory that its tensors take."""
        return sum(tensor.nbytes for tensor in self.module.state_dict().values())

    def check(self) -> None:
        """Check that the network is what it was, and cannot be trained.

        Raises:
            DiagnosticError: It is not, or it can.
        """
        changed = state_digest(self.module) != self.sha256
        trainable = self.module.training or any(
            parameter.requires_grad for parameter in self.module.parameters()
        )
        if changed or trainable:
            raise DiagnosticError.of(
                "LEGO705",
                f"the frozen network `{self.name}` was "
                + ("changed" if changed else "made trainable")
                + " while an adapter was learned",
                help=["nothing of this edge was kept; this is a bug in legonet"],
            )


class FrozenNetworks:
    """Loads networks from a store; safe to use from several threads.

    Args:
        store: Where they stand.
        device: Where they go.
        most_bytes: Memory to fill; those that were not asked for longest are dropped. One that is
            larger stays until the next.
    """

    def __init__(self, store: Store, device: str, most_bytes: int | None = None) -> None:
        self._store = store
        self._device = device
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Frozen] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, name: str, model: Model) -> Frozen:
        """Return a network, frozen and on the device; its digest is verified when it is read.

        Args:
            key: Its content key.
            name: What to call it in an error.
            model: What it is an instance of.

        Raises:
            DamagedError: It is damaged in the store, or no longer there.
        """
        with self._lock:
            artifact = self._store.find("network", key)
            if artifact is None:
                gone = Diagnostic(
                    "LEGO704",
                    f"the network `{name}` vanished from the store while it was needed",
                    help=("let nothing else empty the store while a build runs",),
                )
                raise DamagedError(gone, "network", key)
            found = self._kept.get(key)
            # A network that was lost and trained again may have other bits under the same key.
            if found is None or found.sha256 != artifact.sha256:
                module = filled(model, self._store.tensors(artifact)).to(self._device)
                settle(self._device)
                found = self._kept[key] = Frozen(name, freeze(module), artifact.sha256)
                self._drop()
            self._kept.move_to_end(key)
            return found

    def check(self, networks: Collection[Frozen]) -> None:
        """Check that networks are what they were; who asks for one that is not gets it anew.

        Args:
            networks: Some that were given.

        Raises:
            DiagnosticError: One of them is not, or can be trained.
        """
        for network in networks:
            try:
                network.check()
            except DiagnosticError:
                with self._lock:
                    self._kept = OrderedDict(
                        (key, kept) for key, kept in self._kept.items() if kept is not network
                    )
                raise

    def _drop(self) -> None:
        if self._most_bytes is None:
            return
        sizes = {key: network.bytes for key, network in self._kept.items()}
        held = sum(sizes.values())
        for key in list(self._kept)[:-1]:
            if held <= self._most_bytes:
                return
            held -= sizes[key]
            del self._kept[key]


def filled(model: Model, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return a network with given weights, without drawing a start that they replace."""
    module = instantiate(model, device="meta")
    module.load_state_dict(tensors, assign=True)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        # What is in no state dict, such as a table of positions, only the constructor knows.
        module = instantiate(model)
        module.load_state_dict(tensors)
    return module
