"""How large modules are, as far as the files in a store say it without their tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from legonet.build.storage.header import tensor_shapes
from legonet.spec.declarations import Network

if TYPE_CHECKING:
    from legonet.build import Artifact, Plan

Shapes = Mapping[str, tuple[int, ...]]

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")

# Their `features` come first, one numbered layer behind the other, so that a cut there tells which
# tensors lie in front of it.
_CHAINS = re.compile(r"legonet\.\w+|torchvision\.(alexnet|vgg\w+|squeezenet\w+|mobilenet_v2)")
_LAYER = re.compile(r"features\.(\d+)(?:\..*)?")


@dataclass(frozen=True)
class Size:
    """How large a module is.

    Args:
        parameters: How many it has; None where it cannot be known.
        channels: At its cut; of an adapter, below it and above it.
    """

    parameters: int | None = None
    channels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sizes:
    """The sizes of what is built, by the names in the spec; what is not known has no entry."""

    networks: Mapping[str, Size] = field(default_factory=dict)
    categories: Mapping[str, Size] = field(default_factory=dict)
    tasks: Mapping[str, Size] = field(default_factory=dict)
    adapters: Mapping[tuple[str, str], Size] = field(default_factory=dict)


def sizes_of(plan: Plan) -> Sizes:
    """Return the sizes of what stands of a plan."""
    spec = plan.graph.spec
    shapes = {step.name: _shapes(step.artifact) for step in plan.networks}
    below: dict[str, tuple[int, ...]] = {}
    above: dict[str, tuple[int, ...]] = {}
    adapters = {}
    for step in plan.edges:
        certificate = step.artifact.certificate if step.artifact else {}
        if shape := certificate.get("adapter"):
            category, task = step.adapter.category, step.adapter.task
            channels = shape["channels_in"], shape["channels_out"]
            below[category], above[task] = channels[:1], channels[1:]
            adapters[category, task] = Size(_parameters(_shapes(step.artifact)), channels)
    halves = {}
    for kind, name, network, cut in (
        *(("category", n, item.network, item.until) for n, item in spec.categories.items()),
        *(("task", n, item.network, item.after) for n, item in spec.tasks.items()),
    ):
        found = _cut(spec.networks[network], cut, shapes[network])
        halves[kind, name] = found[0 if kind == "category" else 1]
    return Sizes(
        {name: Size(_parameters(found)) for name, found in shapes.items() if found},
        {n: Size(halves["category", n], below.get(n, ())) for n in spec.categories},
        {n: Size(halves["task", n], above.get(n, ())) for n in spec.tasks},
        adapters,
    )


def _shapes(artifact: Artifact | None) -> Shapes:
    if artifact is None:
        return {}
    try:
        return tensor_shapes(artifact.file)
    except (OSError, ValueError):
        # A remote store knows it and its mirror has no file yet; what is not known is not said.
        return {}


def _parameters(shapes: Shapes) -> int | None:
    if not shapes:
        return None
    return sum(prod(shape) for name, shape in shapes.items() if not name.endswith(_BUFFERS))


def _cut(network: Network, cut: str, shapes: Shapes) -> tuple[int | None, int | None]:
    """Return how many parameters lie in front of a cut, and how many behind it."""
    last = _LAYER.fullmatch(cut)
    if last is None or not shapes or not _CHAINS.fullmatch(network.model.call):
        return None, None
    if cut != f"features.{last[1]}":
        return None, None
    numbers = {name: _LAYER.fullmatch(name) for name in shapes}
    front = {
        name: shapes[name]
        for name, layer in numbers.items()
        if layer is not None and int(layer[1]) <= int(last[1])
    }
    rest = {name: shape for name, shape in shapes.items() if name not in front}
    return _parameters(front), _parameters(rest)
