"""What routes answer to a fixed batch of pictures, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from legonet.building.execution.caches import filled, input_in
from legonet.building.execution.routes import ModuleRef, Route, Source
from legonet.building.storage.store import Artifact, DamagedError, Store
from legonet.data import to_tensor
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.modules.adapter import Adapter
from legonet.modules.calibration import Calibration, without_calibration
from legonet.modules.cut import bottom, top
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze
from legonet.modules.loading import load_tensors

PICTURES = 2
"""Pictures in a batch."""

SEED = 20180306
"""Seed of the pictures; changing it makes every route a new one."""

MOST_BYTES = 2**30
"""Memory for features by default."""

Cut = Callable[[nn.Module, str], nn.Module]
Found = TypeVar("Found")


@dataclass
class Answers:
    """What was found.

    Args:
        routes: The digest of each route's answer; a route that failed, or that passes through
            something damaged, has none.
        modules: The digest of each network and adapter that was read, by its content key.
        damaged: What is damaged in the store or missing from it, by its content key.
        failed: Why a route gave no answer.
        errors: Why the store cannot be read, each reason once.
    """

    routes: dict[Route, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, DamagedError] = field(default_factory=dict)
    failed: dict[Route, Diagnostic] = field(default_factory=dict)
    errors: dict[Diagnostic, None] = field(default_factory=dict)


def ask(
    routes: Collection[Route],
    networks: Iterable[Artifact],
    store: Store,
    *,
    device: str,
    memory: int | None = None,
) -> Answers:
    """Return what routes answer; every digest in the store is verified on the way.

    While the features of all categories fit in memory, each network is read at most twice.

    Args:
        routes: The routes.
        networks: Networks to read even if no route passes through them.
        store: Where networks and adapters are.
        device: Where to compute.
        memory: Bytes for features; one network and one adapter at a time come on top.
    """
    evaluation = _Evaluation(store, device, MOST_BYTES if memory is None else memory)
    with torch.inference_mode():
        evaluation.ask(routes)
    evaluation.read_others(networks)
    return evaluation.answers


def pictures(size: int) -> Tensor:
    """Return the batch of pictures of a given size: noise that is the same on every machine.

    Args:
        size: Pixels across and down.

    Returns:
        ``(2, 3, size, size)``, float32, as `legonet.data.to_tensor` makes them.
    """
    shape = (PICTURES, size, size, 3)
    # From raw bits, because numpy's distributions may change from version to version.
    words = np.random.Philox(SEED).random_raw(-(-int(np.prod(shape)) // 8))
    noise = words.astype("<u8").view(np.uint8)[: int(np.prod(shape))]
    return to_tensor(noise.reshape(shape))


class _Evaluation:
    def __init__(self, store: Store, device: str, memory: int) -> None:
        self.answers = Answers()
        self._store = store
        self._device = device
        self._memory = memory
        self._templates = _Templates(device)

    def ask(self, routes: Collection[Route]) -> None:
        for features in self._features(routes):
            ready = [route for route in routes if route.source in features]
            for task_module, group in self._modules(top, ready, attrgetter("target")):
                for route in group:
                    seen = features[route.source]
                    answer = self._try([route], partial(self._answer, route, seen, task_module))
                    if answer is not None:
                        self.answers.routes[route] = state_digest({"answer": answer})

    def read(self, artifact: Artifact) -> dict[str, Tensor]:
        """Return an artifact's tensors.

        Raises:
            DamagedError: They are damaged or missing; building them again repairs either.
            DiagnosticError: The store cannot be read.
        """
        try:
            tensors = self._store.tensors(artifact)
        except DamagedError:
            raise
        except DiagnosticError as error:
            found = self._store.find(artifact.kind, artifact.key)
            if found is not None and found.sha256 == artifact.sha256:
                raise
            raise DamagedError(error.diagnostics[0], artifact.kind, artifact.key) from None
        self.answers.modules[artifact.key] = artifact.sha256
        return tensors

    def read_others(self, networks: Iterable[Artifact]) -> None:
        """Read the networks that no route passes through."""
        for artifact in networks:
            if artifact.key not in self.answers.modules:
                self._try([], partial(self.read, artifact))

    def _features(self, routes: Collection[Route]) -> Iterator[dict[Source, Tensor]]:
        """Yield the features of all categories, as many at once as memory holds."""
        held: dict[Source, Tensor] = {}
        for category_module, group in self._modules(bottom, routes, attrgetter("source.half")):
            for sharing in _grouped(group, attrgetter("source.size")):
                source = sharing[0].source
                found = self._try(sharing, partial(self._seen, category_module, source.size))
                if found is None:
                    continue
                if held and sum(item.nbytes for item in (*held.values(), found)) > self._memory:
                    yield held
                    held = {}
                held[source] = found
        yield held

    def _modules(
        self, cut: Cut, routes: Iterable[Route], ref_of: Callable[[Route], ModuleRef]
    ) -> Iterator[tuple[nn.Module, list[Route]]]:
        """Yield each category or task module with its routes; each network is read only once.

        A module is valid until the next one is requested.
        """
        for sharing in _grouped(routes, lambda route: ref_of(route).key):
            tensors = self._try(sharing, partial(self.read, ref_of(sharing[0]).artifact))
            if tensors is None:
                continue
            for group in _grouped(sharing, lambda route: ref_of(route).cut):
                fill = partial(self._templates.filled, cut, ref_of(group[0]), tensors)
                module = self._try(group, fill)
                if module is not None:
                    yield module, group

    def _seen(self, category_module: nn.Module, size: int) -> Tensor:
        features: Tensor = category_module(pictures(size).to(self._device))
        return features.cpu()

    def _answer(self, route: Route, features: Tensor, task_module: nn.Module) -> Tensor:
        features = features.to(self._device)
        if route.adapter is None:
            answer: Tensor = task_module(features)
            return answer
        adapter, calibration = edge_modules(route.adapter, self.read(route.adapter))
        answer = task_module(adapter.to(self._device)(features))
        return answer if calibration is None else calibration.to(self._device)(answer)

    def _try(self, routes: Collection[Route], find: Callable[[], Found]) -> Found | None:
        """Return what `find` returns, or note why these routes have no answer."""
        try:
            return find()
        except DamagedError as error:
            self.answers.damaged.setdefault(error.key, error)
        except DiagnosticError as error:
            self.answers.errors.update(dict.fromkeys(error.diagnostics))
        except Exception as error:
            # A network's own code runs here, and it may raise anything at all.
            self.answers.failed |= {route: _unforeseen(route, error) for route in routes}
        return None


class _Templates:
    """Modules to be filled with weights; those of equal models are made and cut only once."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._made: dict[tuple[Cut, str, str], nn.Module] = {}

    def filled(self, cut: Cut, ref: ModuleRef, tensors: Mapping[str, Tensor]) -> nn.Module:
        """Return a module with a network's weights, frozen; the next call may return it again."""
        settings = input_in(ref.artifact)
        place = (cut, repr((ref.model, settings)), ref.cut)
        if place not in self._made:
            network = filled(ref.model, tensors, settings).to(self._device)
            self._made[place] = freeze(cut(network, ref.cut))
        template = self._made[place]
        own = {name: tensors[name].to(self._device) for name in template.state_dict()}
        load_tensors(template, own, assign=True)
        return template


def _grouped(routes: Iterable[Route], by: Callable[[Route], Any]) -> Iterator[list[Route]]:
    """Yield groups of routes that share something."""
    for _, group in groupby(sorted(routes, key=by), key=by):
        yield list(group)


def edge_modules(
    artifact: Artifact, tensors: Mapping[str, Tensor]
) -> tuple[Adapter, Calibration | None]:
    """Return an edge's adapter, and its calibration if it has one, frozen.

    Args:
        artifact: The edge's artifact.
        tensors: What the artifact holds.
    """
    own, calibration = without_calibration(tensors)
    adapter = Adapter.of(artifact.certificate["adapter"])
    adapter.load_state_dict(own)
    return freeze(adapter), None if calibration is None else freeze(calibration)


def _unforeseen(route: Route, error: Exception) -> Diagnostic:
    reason = (str(error).splitlines() or [""])[0]
    if not isinstance(error, RuntimeError):
        reason = f"{type(error).__name__}: {reason}"
    return Diagnostic(
        "LEGO733",
        f"the path `{route.name}` gives no answer: {reason}",
        label="nothing is known of this path",
        help=(
            "if memory is short, choose another `--device` and run `legonet build --prove`",
            "what is built is kept",
        ),
    )
