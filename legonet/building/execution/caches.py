"""What a process keeps for later jobs: frozen networks and decoded pictures, each read once."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import TypeVar

import torch
from torch import nn

from legonet.building.execution.decoded_pictures import DecodedPictures
from legonet.building.storage.store import Artifact, DamagedError, Store
from legonet.data import Pictures, Split, TaskDataset
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.language.inputs import Input
from legonet.language.models import Model
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze
from legonet.modules.inputs import convert_input
from legonet.modules.loading import load_tensors
from legonet.modules.models import instantiate
from legonet.modules.streams import settle

MOST_PICTURES = 2**30
"""Memory for decoded pictures by default."""

Key = TypeVar("Key")
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Frozen:
    """A built network with the digest of the bits that must not change.

    Args:
        name: Its name.
        module: The network.
        sha256: The digest of its bits.
        input: What it expects of its pictures; None for what legonet gives them.
    """

    name: str
    module: nn.Module
    sha256: str
    input: Input | None = None

    @cached_property
    def bytes(self) -> int:
        """Memory that its tensors take."""
        return sum(tensor.nbytes for tensor in self.module.state_dict().values())

    def check(self) -> None:
        """Check that the network is unchanged and cannot be trained.

        Raises:
            DiagnosticError: It was changed, or it can be trained.
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
        store: Where they are stored.
        device: Where they are loaded.
        most_bytes: Memory to fill; the least recently used networks are dropped. One that is
            larger stays until the next one is loaded.
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
                    help=("make sure that nothing empties the store while a build runs",),
                )
                raise DamagedError(gone, "network", key)
            found = self._kept.get(key)
            # A network that was lost and trained again may have other bits under the same key.
            if found is None or found.sha256 != artifact.sha256:
                tensors = self._store.tensors(artifact)
                module = filled(model, tensors, input_in(artifact)).to(self._device)
                settle(self._device)
                found = self._kept[key] = Frozen(
                    name, freeze(module), artifact.sha256, input_in(artifact)
                )
                sizes = {key: kept.bytes for key, kept in self._kept.items()}
                _drop_oldest(self._kept, sizes, self._most_bytes)
            self._kept.move_to_end(key)
            return found

    def check(self, networks: Collection[Frozen]) -> None:
        """Check that networks are unchanged; one that is not is loaded again when next needed.

        Args:
            networks: Networks that `get` returned.

        Raises:
            DiagnosticError: One of them was changed, or can be trained.
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


def input_in(artifact: Artifact) -> Input | None:
    """Return what a built network expects of its pictures; None for what legonet gives them."""
    settings = artifact.certificate.get("input")
    return None if settings is None else Input.model_validate_json(json.dumps(settings))


def filled(
    model: Model, tensors: Mapping[str, torch.Tensor], settings: Input | None = None
) -> nn.Module:
    """Return a network with given weights, without initialising weights that they replace.

    Args:
        model: What it is an instance of.
        tensors: Its weights.
        settings: What it expects of its pictures.
    """
    module = convert_input(instantiate(model, device="meta"), settings)
    load_tensors(module, tensors, assign=True)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        # Only the constructor knows what is in no state dict, such as a table of positions.
        module = convert_input(instantiate(model), settings)
        load_tensors(module, tensors)
    return module


@dataclass
class _Entry:
    lock: Lock = field(default_factory=Lock)
    pictures: Pictures | None = None


class PictureCache:
    """Pictures by what determines them; safe to use from several threads.

    Args:
        decoded: Where pictures are read that some process decoded before; None for nowhere.
        most_bytes: Memory to fill; the least recently used pictures are dropped. A set that is
            larger stays until the next one is read.
    """

    def __init__(
        self, decoded: DecodedPictures | None = None, most_bytes: int = MOST_PICTURES
    ) -> None:
        self._decoded = decoded
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = Lock()

    def read(self, contents: Hashable, dataset: TaskDataset, split: Split) -> Pictures:
        """Return the pictures of a dataset's split, decoded at most once while they are kept.

        Args:
            contents: What determines the pictures: the digests of their files and the dataset.
                Sources are opened again for each step and cannot tell whether a file has changed.
            dataset: Reads them. Other threads that ask for the same pictures wait.
            split: Which split.

        Raises:
            DiagnosticError: There are no such pictures, or one of them cannot be read.
        """
        # Which labels a library publishes is no part of the contents.
        asked = (contents, split, dataset.asked)
        with self._lock:
            entry = self._entries.setdefault(asked, _Entry())
            self._entries.move_to_end(asked)
        with entry.lock:
            if entry.pictures is None:
                if self._decoded is not None:
                    dataset = replace(dataset, source=self._decoded.source(dataset.source))
                entry.pictures = dataset.read(split)
                with self._lock:
                    read = {
                        key: item.pictures.nbytes
                        for key, item in self._entries.items()
                        if item.pictures is not None
                    }
                    _drop_oldest(self._entries, read, self._most_bytes)
            return entry.pictures


def _drop_oldest(
    kept: OrderedDict[Key, Kept], sizes: Mapping[Key, int], most_bytes: int | None
) -> None:
    """Drop what was used least recently until the rest fits, or only the last one is left.

    Args:
        kept: What is kept, the most recently used last.
        sizes: The bytes of those that can be dropped, in the same order.
        most_bytes: Memory to fill; None for no limit.
    """
    held = sum(sizes.values())
    for key in list(sizes)[:-1]:
        if most_bytes is None or held <= most_bytes:
            return
        held -= sizes[key]
        del kept[key]
