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
from torch import Tensor, fx, nn

from legonet.build.execution.networks import filled
from legonet.build.execution.routes import Half, Route, Source
from legonet.build.storage.store import Artifact, DamagedError, Store
from legonet.data import to_tensor
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze

PICTURES = 2
"""Pictures in a batch."""

SEED = 20180306
"""What the pictures are drawn from; to change it makes all routes new ones."""

MOST_BYTES = 2**30
"""Memory for features, unless said."""

Cut = Callable[[nn.Module, str], fx.GraphModule]
Found = TypeVar("Found")


@dataclass
class Answers:
    """What was found.

    Args:
        routes: The digest of each route's answer; one that passes through something damaged, or
            that failed, has none.
        modules: The digest of each network and adapter that was read, by its content key.
        damaged: What is damaged in the store, or gone, by its content key.
        failed: Why a route gave no answer.
        errors: Why the store cannot be read, each once.
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
        store: Where networks and adapters stand.
        device: Where to compute.
        memory: Bytes for features; beside them are one network and one adapter at a time.
    """
    questioning = _Questioning(store, device, MOST_BYTES if memory is None else memory)
    with torch.inference_mode():
        questioning.ask(routes)
    questioning.read_others(networks)
    return questioning.answers


def pictures(size: int) -> Tensor:
    """Return the batch of pictures of a size: noise, the same wherever it is drawn.

    Args:
        size: Pixels across and down.

    Returns:
        ``(2, 3, size, size)``, float32, as `legonet.data.to_tensor` makes them.
    """
    shape = (PICTURES, size, size, 3)
    # Of the bits alone, as numpy's distributions may change from version to version.
    words = np.random.Philox(SEED).random_raw(-(-int(np.prod(shape)) // 8))
    noise = words.astype("<u8").view(np.uint8)[: int(np.prod(shape))]
    return to_tensor(noise.reshape(shape))


class _Questioning:
    def __init__(self, store: Store, device: str, memory: int) -> None:
        self.answers = Answers()
        self._store = store
        self._device = device
        self._memory = memory
        self._templates = _Templates(device)

    def ask(self, routes: Collection[Route]) -> None:
        for features in self._features(routes):
            ready = [route for route in routes if route.source in features]
            for task_module, group in self._halves(top, ready, attrgetter("target")):
                for route in group:
                    seen = features[route.source]
                    answer = self._try([route], partial(self._answer, route, seen, task_module))
                    if answer is not None:
                        self.answers.routes[route] = state_digest({"answer": answer})

    def read(self, artifact: Artifact) -> dict[str, Tensor]:
        """Return an artifact's tensors.

        Raises:
            DamagedError: They are damaged, or gone; both are mended by building them again.
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
        """Give the features of all categories, as many at once as memory holds."""
        held: dict[Source, Tensor] = {}
        for category_module, group in self._halves(bottom, routes, attrgetter("source.half")):
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

    def _halves(
        self, cut: Cut, routes: Iterable[Route], half_of: Callable[[Route], Half]
    ) -> Iterator[tuple[nn.Module, list[Route]]]:
        """Give each category or task module with its routes; a network is read once for all.

        A module is good until the next one is asked for.
        """
        for sharing in _grouped(routes, lambda route: half_of(route).key):
            tensors = self._try(sharing, partial(self.read, half_of(sharing[0]).artifact))
            if tensors is None:
                continue
            for group in _grouped(sharing, lambda route: half_of(route).cut):
                fill = partial(self._templates.filled, cut, half_of(group[0]), tensors)
                module = self._try(group, fill)
                if module is not None:
                    yield module, group

    def _seen(self, category_module: nn.Module, size: int) -> Tensor:
        features: Tensor = category_module(pictures(size).to(self._device))
        return features.cpu()

    def _answer(self, route: Route, features: Tensor, task_module: nn.Module) -> Tensor:
        features = features.to(self._device)
        if route.adapter is not None:
            adapter = _adapter(route.adapter, self.read(route.adapter))
            features = adapter.to(self._device)(features)
        answer: Tensor = task_module(features)
        return answer

    def _try(self, routes: Collection[Route], find: Callable[[], Found]) -> Found | None:
        """Find something, or note why these routes have no answer."""
        try:
            return find()
        except DamagedError as error:
            self.answers.damaged.setdefault(error.key, error)
        except DiagnosticError as error:
            self.answers.errors.update(dict.fromkeys(error.diagnostics))
        except Exception as error:
            # A network's own code runs here, which may raise anything at all.
            self.answers.failed |= {route: _unforeseen(route, error) for route in routes}
        return None


class _Templates:
    """Halves of networks to be filled with weights: those of equal models are made and cut once."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._made: dict[tuple[Cut, str, str], fx.GraphModule] = {}

    def filled(self, cut: Cut, half: Half, tensors: Mapping[str, Tensor]) -> nn.Module:
        """Return a half with a network's weights, frozen; the next one may be the same module."""
        place = (cut, repr(half.model), half.cut)
        if place not in self._made:
            network = filled(half.model, tensors).to(self._device)
            self._made[place] = freeze(cut(network, half.cut))
        template = self._made[place]
        own = {name: tensors[name].to(self._device) for name in template.state_dict()}
        template.load_state_dict(own, assign=True)
        return template


def _grouped(routes: Iterable[Route], by: Callable[[Route], Any]) -> Iterator[list[Route]]:
    """Give the routes that share something."""
    for _, group in groupby(sorted(routes, key=by), key=by):
        yield list(group)


def _adapter(artifact: Artifact, tensors: dict[str, Tensor]) -> Adapter:
    shape = artifact.certificate["adapter"]
    adapter = Adapter(shape["channels_in"], shape["channels_out"], shape["kernels"])
    adapter.load_state_dict(tensors)
    return freeze(adapter)


def _unforeseen(route: Route, error: Exception) -> Diagnostic:
    reason = (str(error).splitlines() or [""])[0]
    if not isinstance(error, RuntimeError):
        reason = f"{type(error).__name__}: {reason}"
    return Diagnostic(
        "LEGO733",
        f"the path `{route.name}` gives no answer: {reason}",
        label="nothing is known of this path",
        help=(
            "with less memory at hand, choose another `--device`, and run `legonet build --prove`",
            "what is built is kept",
        ),
    )
