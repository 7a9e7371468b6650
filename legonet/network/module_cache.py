"""Frozen modules in memory: each is loaded when first needed, and once for all its routes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from threading import RLock

import torch
from torch import Tensor, nn

from legonet.building import Artifact, Store
from legonet.building.execution.caches import filled, input_in
from legonet.building.execution.routes import ModuleRef
from legonet.modules.adapter import Adapter
from legonet.modules.calibration import without_calibration
from legonet.modules.cut import bottom, top
from legonet.modules.inputs import convert_input
from legonet.modules.loading import load_tensors
from legonet.modules.models import instantiate
from legonet.modules.shapes_only import shapes_only
from legonet.modules.streams import settle
from legonet.network.routes import EdgeKey


@dataclass(frozen=True)
class RouteModules:
    """The modules that pictures go through between a category and a task.

    Args:
        category_module: The first module.
        adapter: The second, if one was learned.
        task_module: The next.
        calibration: The last, if the edge has one.
    """

    category_module: nn.Module
    adapter: nn.Module | None
    task_module: nn.Module
    calibration: nn.Module | None

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The existing modules, in running order."""
        found = (self.category_module, self.adapter, self.task_module, self.calibration)
        return tuple(module for module in found if module is not None)


Cut = Callable[[nn.Module, str], nn.Module]

Identity = tuple[object, ...]
"""What identifies a module, such as its content key, the digest of its bits, and its cut."""


class LoadedModules:
    """Category modules, adapters and task modules on one device; safe to use from several threads.

    Only the tensors of the needed parts of a network stay in memory. Modules of one network that
    overlap share their tensors.

    Args:
        store: Where networks and adapters are.
        device: Where the modules are loaded.
    """

    def __init__(self, store: Store, device: torch.device) -> None:
        self.device = device
        self._store = store
        self._modules: dict[Identity, nn.Module] = {}
        self._ways: dict[EdgeKey, tuple[Identity, RouteModules]] = {}
        self._lock = RLock()

    def way(
        self, ends: EdgeKey, identity: Identity, load: Callable[[], RouteModules]
    ) -> RouteModules:
        """Return the modules between a category and a task, loading any that are missing.

        Args:
            ends: The names of the two.
            identity: What determines the modules; the names may refer to other modules later.
            load: Loads the modules.
        """
        # Checked without the lock: a loaded route never waits for one that is being loaded.
        known = self._ways.get(ends)
        if known is not None and known[0] == identity:
            return known[1]
        # A caller in inference mode would otherwise load tensors that are unusable outside of it.
        with self._lock, torch.inference_mode(False):
            known = self._ways.get(ends)
            if known is None or known[0] != identity:
                known = self._ways[ends] = (identity, load())
            return known[1]

    def category_module(self, half: ModuleRef) -> nn.Module:
        """Return the bottom of a network, frozen.

        Raises:
            DamagedError: The network is damaged in the store.
        """
        return self._network_module(bottom, half)

    def task_module(self, half: ModuleRef) -> nn.Module:
        """Return the top of a network, frozen.

        Raises:
            DamagedError: The network is damaged in the store.
        """
        return self._network_module(top, half)

    def learned(self, artifact: Artifact) -> tuple[nn.Module, nn.Module | None]:
        """Return an edge's adapter, and its calibration if it has one, frozen.

        Raises:
            DamagedError: They are damaged in the store.
        """
        version = (artifact.key, artifact.sha256)
        calibrated = artifact.certificate["adapter"]["calibrated"]
        wanted = [("adapter", *version)] + [("calibration", *version)] * calibrated
        if not all(identity in self._modules for identity in wanted):
            with shapes_only():
                adapter = Adapter.of(artifact.certificate["adapter"])
            tensors, calibration = without_calibration(self._store.tensors(artifact))
            adapter.load_state_dict(tensors, assign=True)
            self._keep(("adapter", *version), adapter)
            if calibration is not None:
                self._keep(("calibration", *version), calibration)
        return (
            self._modules["adapter", *version],
            self._modules["calibration", *version] if calibrated else None,
        )

    def drop(self, names: Collection[str] | None) -> None:
        """Drop modules, and free their memory unless something else still uses them.

        Args:
            names: Drop what only these categories and tasks need; None drops everything.
        """
        with self._lock:
            self._ways = {
                ends: way
                for ends, way in self._ways.items()
                if names is not None and not set(ends) & set(names)
            }
            used = {id(module) for _, way in self._ways.values() for module in way.modules}
            self._modules = {
                identity: module for identity, module in self._modules.items() if id(module) in used
            }
        # Graphs refer to themselves, so without this their memory would only be freed later.
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

    def _network_module(self, cut: Cut, half: ModuleRef) -> nn.Module:
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

    def _filled(self, cut: Cut, half: ModuleRef, shared: Mapping[str, Tensor]) -> nn.Module:
        """Return one of a network's modules, sharing tensors that are already loaded."""
        settings = input_in(half.artifact)
        network = convert_input(instantiate(half.model, device="meta"), settings)
        module = cut(network, half.cut)
        names = module.state_dict().keys()
        tensors = shared
        if not names <= shared.keys():
            tensors = {**self._store.tensors(half.artifact), **shared}
        load_tensors(module, {name: tensors[name] for name in names}, assign=True)
        if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
            # Only the constructor knows what is in no state dict, such as a table of positions.
            tensors = self._store.tensors(half.artifact)
            return cut(filled(half.model, tensors, settings), half.cut)
        return module

    def _once(self, identity: Identity, load: Callable[[], nn.Module]) -> nn.Module:
        if identity not in self._modules:
            self._keep(identity, load())
        return self._modules[identity]

    def _keep(self, identity: Identity, module: nn.Module) -> None:
        # Only set to evaluation here; the route keeps it frozen. A graph that froze itself would
        # refer to itself and could not be pickled.
        self._modules[identity] = module.requires_grad_(False).eval().to(self.device)
        settle(self.device)
