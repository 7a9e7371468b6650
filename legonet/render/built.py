"""What a store knows about a graph: how far each edge has come, and how large modules are.

Sizes are what the headers of files say; no tensor is read for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from legonet.building.storage.header import tensor_shapes
from legonet.graph import EdgeState, State
from legonet.language.declarations import Adapter, Network
from legonet.modules.layout import Layout

if TYPE_CHECKING:
    from legonet.building import Artifact, Plan

Shapes = Mapping[str, tuple[int, ...]]

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")

# Their `features` come first, one numbered layer after another, so that a cut there shows which
# tensors come before it.
_CHAINS = re.compile(r"legonet\.\w+|torchvision\.(alexnet|vgg\w+|squeezenet\w+|mobilenet_v2)")
_LAYER = re.compile(r"features\.(\d+)(?:\..*)?")


@dataclass(frozen=True)
class Size:
    """How large a module is.

    Args:
        parameters: The number of its parameters; None if it is not known.
        channels: The number of channels at its cut; for an adapter, its input and output channels.
        layouts: The layouts at the same places, and how they are resized, where they are not maps
            of one size.
    """

    parameters: int | None = None
    channels: tuple[int, ...] = ()
    layouts: str = ""


@dataclass(frozen=True)
class Sizes:
    """The sizes of what is built, by the names in the spec; unknown sizes have no entry."""

    networks: Mapping[str, Size] = field(default_factory=dict)
    categories: Mapping[str, Size] = field(default_factory=dict)
    tasks: Mapping[str, Size] = field(default_factory=dict)
    adapters: Mapping[tuple[str, str], Size] = field(default_factory=dict)


EdgeKey = tuple[str, str]
"""A category and a task."""


@dataclass(frozen=True)
class Built:
    """What a store knows about a graph.

    Args:
        states: How far each edge has come, by category and task; one that is not listed is direct
            or missing, as the spec says.
        networks: How far each network has come; nothing is known about one that is not listed.
        sizes: How large modules are.
        joints: How good joint paths are, by their names.
    """

    states: Mapping[EdgeKey, EdgeState] = field(default_factory=dict)
    networks: Mapping[str, EdgeState] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=Sizes)
    joints: Mapping[str, EdgeState] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Built:
        """Return what a plan found in its store."""
        return cls(plan.states(), plan.network_states(), sizes_of(plan), plan.joint_states())

    def state(self, adapter: Adapter) -> EdgeState:
        """Return how far an edge has come."""
        known = self.states.get((adapter.category, adapter.task))
        return known or EdgeState(State.DIRECT if adapter.learning is None else State.MISSING)

    def size(self, adapter: Adapter) -> Size:
        """Return how large an adapter is."""
        return self.sizes.adapters.get((adapter.category, adapter.task), Size())


def sizes_of(plan: Plan) -> Sizes:
    """Return the sizes of what is built of a plan."""
    spec = plan.graph.spec
    shapes = {step.name: _shapes(step.artifact) for step in plan.networks}
    below: dict[str, tuple[tuple[int, ...], str]] = {}
    above: dict[str, tuple[tuple[int, ...], str]] = {}
    adapters = {}
    for step in plan.edges:
        certificate = step.artifact.certificate if step.artifact else {}
        if shape := certificate.get("adapter"):
            category, task = step.edge.category, step.edge.task
            channels = shape["channels_in"], shape["channels_out"]
            reads, writes, layouts = _layouts(shape.get("bridge"))
            below[category], above[task] = (channels[:1], reads), (channels[1:], writes)
            adapters[category, task] = Size(_parameters(_shapes(step.artifact)), channels, layouts)
    modules = {}
    for kind, name, network, cut in (
        *(("category", n, item.network, item.until) for n, item in spec.categories.items()),
        *(("task", n, item.network, item.after) for n, item in spec.tasks.items()),
    ):
        found = _cut(spec.networks[network], cut, shapes[network])
        modules[kind, name] = found[0 if kind == "category" else 1]
    return Sizes(
        {name: Size(_parameters(found)) for name, found in shapes.items() if found},
        {n: Size(modules["category", n], *below.get(n, ())) for n in spec.categories},
        {n: Size(modules["task", n], *above.get(n, ())) for n in spec.tasks},
        adapters,
    )


def _layouts(bridge: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Return the words for the layouts on both sides of an adapter, and for the adapter's own."""
    if bridge is None:
        return "", "", ""
    sides = [Layout(**bridge[side]) for side in ("reads", "writes")]
    reads, writes = (side.name for side in sides)
    grids = " → ".join(dict.fromkeys(f"{side.height}x{side.width}" for side in sides))
    return reads, writes, f"{' → '.join(dict.fromkeys((reads, writes)))} of {grids}"


def _shapes(artifact: Artifact | None) -> Shapes:
    if artifact is None:
        return {}
    try:
        return tensor_shapes(artifact.file)
    except (OSError, ValueError):
        # A remote store has it, but the mirror has no file yet: its size is not known.
        return {}


def _parameters(shapes: Shapes) -> int | None:
    if not shapes:
        return None
    return sum(prod(shape) for name, shape in shapes.items() if not name.endswith(_BUFFERS))


def _cut(network: Network, cut: str, shapes: Shapes) -> tuple[int | None, int | None]:
    """Return how many parameters are before a cut, and how many after it."""
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
