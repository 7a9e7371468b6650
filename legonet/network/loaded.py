"""Frozen modules in memory: each loaded when it is first needed, and once for all who share it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Mapping
from threading import RLock

import torch
from torch import Tensor, fx, nn

from legonet.build import Artifact, Store
from legonet.build.execution.networks import filled
from legonet.build.execution.routes import Half
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.modules.shapes_only import shapes_only
from legonet.modules.streams import settle
from legonet.network.routes import Ends

Way = tuple[nn.Module, ...]
"""Category module, adapter where one was learned, and task module: what pictures go through."""

Cut = Callable[[nn.Module, str], fx.GraphModule]

Identity = tuple[object, ...]
"""What tells a module from all others, such as its content key, the digest of its bits, its cut."""


class LoadedModules:
    """Category modules, adapters and task modules on one device; safe to use from several threads.

    Of a network only the tensors of the halves that are needed stay in memory. Halves of one
    network that overlap share their tensors.

    Args:
        store: Where networks and adapters stand.
        device: Where the modules go.
    """

    def __init__(self, store: Store, device: torch.device) -> None:
        self.device = device
        self._store = store
        self._modules: dict[Identity, nn.Module] = {}
        self._ways: dict[Ends, tuple[Identity, Way]] = {}
        self._lock = RLock()

    def way(self, ends: Ends, identity: Identity, load: Callable[[], Way]) -> Way:
        """Return the modules between a category and a task, and load those that are missing.

        Args:
            ends: The names of the two.
            identity: What determines the modules; the names may stand for others later.
            load: Asks for each of the modules.
        """
        # A look that takes no lock: what answers already never waits for what is being loaded.
        known = self._ways.get(ends)
        if known is not None and known[0] == identity:
            return known[1]
        # Who is in inference mode would else load tensors that nobody can use outside of it.
        with self._lock, torch.inference_mode(False):
            known = self._ways.get(ends)
            if known is None or known[0] != identity:
                known = self._ways[ends] = (identity, load())
            return known[1]

    def category_module(self, half: Half) -> nn.Module:
        """Return a network's bottom, frozen.

        Raises:
            DamagedError: The network is damaged in the store.
        """
        return self._half(bottom, half)

    def task_module(self, half: Half) -> nn.Module:
        """Return a network's top, frozen.

        Raises:
            DamagedError: The network is damaged in the store.
        """
        return self._half(top, half)

    def adapter(self, artifact: Artifact) -> nn.Module:
        """Return an adapter, frozen.

        Raises:
            DamagedError: It is damaged in the store.
        """

        def load() -> nn.Module:
            shape = artifact.certificate["adapter"]
            with shapes_only():
                adapter = Adapter(shape["channels_in"], shape["channels_out"], shape["kernels"])
            adapter.load_state_dict(self._store.tensors(artifact), assign=True)
            return adapter

        return self._once(("adapter", artifact.key, artifact.sha256), load)

    def drop(self, names: Collection[str] | None) -> None:
        """Forget modules, and give their memory back as far as nobody else holds them.

        Args:
            names: What is needed for these categories and tasks alone is forgotten; all if None.
        """
        with self._lock:
            self._ways = {
                ends: way
                for ends, way in self._ways.items()
                if names is not None and not set(ends) & set(names)
            }
            used = {id(module) for _, way in self._ways.values() for module in way}
            self._modules = {
                identity: module for identity, module in self._modules.items() if id(module) in used
            }
        # Graphs refer to themselves, so that their memory would come back at some later time.
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def bytes(self) -> int:
        """Memory that the tensors of all modules take."""
        with self._lock:
            storages = {
                storage.data_ptr(): storage.nbytes()
                for module in self._modules.values()
                for tensor in module.state_dict().values()
                for storage in [tensor.untyped_storage()]
            }
        return sum(storages.values())

    def _half(self, cut: Cut, half: Half) -> nn.Module:
        network = (half.artifact.key, half.artifact.sha256)

        def load() -> nn.Module:
            shared = {
                name: tensor
                for identity, module in self._modules.items()
                if identity[1:3] == network
                for name, tensor in module.state_dict().items()
            }
            return self._filled(cut, half, shared)

        return self._once((cut.__name__, *network, half.cut), load)

    def _filled(self, cut: Cut, half: Half, shared: Mapping[str, Tensor]) -> nn.Module:
        """Return half a network; tensors that another half has are taken from there."""
        module = cut(instantiate(half.model, device="meta"), half.cut)
        names = module.state_dict().keys()
        tensors = shared
        if not names <= shared.keys():
            tensors = {**self._store.tensors(half.artifact), **shared}
        module.load_state_dict({name: tensors[name] for name in names}, assign=True)
        if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
            # What is in no state dict, such as a table of positions, only the constructor knows.
            return cut(filled(half.model, self._store.tensors(half.artifact)), half.cut)
        return module

    def _once(self, identity: Identity, load: Callable[[], nn.Module]) -> nn.Module:
        if identity not in self._modules:
            # Frozen by the route that it is a part of: a graph that froze itself, which makes it
            # refer to itself, could not be pickled.
            module = load().requires_grad_(False).eval().to(self.device)
            settle(self.device)
            self._modules[identity] = module
        return self._modules[identity]
