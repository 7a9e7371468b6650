"""All modules of a network at which it can be cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from legonet.diagnostics import DiagnosticError
from legonet.modules.crossing import NoCutError, ancestors, below, crossing, on_meta
from legonet.modules.cut import bottom, not_traced, top
from legonet.modules.layout import Layout
from legonet.modules.recognition import layout_of
from legonet.modules.shapes import cannot_process
from legonet.modules.trace import TraceError, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class CutPoint:
    """A module after which a single tensor crosses.

    Args:
        names: Torch's own paths of the modules that give this tensor: a module, those that end with
            it, and dropouts after it. The first to run, and of these the outermost, comes first.
        layout: What its axes mean, and their sizes.
        signed: Whether it has negative values.
        parameters: Number of parameters below the cut and above it.
        layers: Number of layers with parameters below the cut and above it.
    """

    names: tuple[str, ...]
    layout: Layout
    signed: bool
    parameters: tuple[int, int]
    layers: tuple[int, int]

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]


def cut_points(network: nn.Module, pictures: Tensor) -> list[CutPoint]:
    """Return every place where a network can be cut, in the order in which the network runs.

    Args:
        network: The network, in evaluation and with values, since it answers about the pictures.
        pictures: ``(N, 3, H, W)``, float32.

    Raises:
        DiagnosticError: The network cannot be cut anywhere (``LEGO511``), or cannot process such
            pictures (``LEGO520``).
    """
    try:
        graph, outputs, untraced = _traced(network)
    except TraceError as error:
        found = list(_between_blocks(network, pictures))
        if not found:
            raise not_traced(network, error) from error
        return found
    named = _named(network, graph, outputs)
    cuts = [node for node in graph.nodes if node in named and _works(network, graph, node)]
    whole, shapes = _sizes(network, graph.nodes), on_meta(network)
    found = []
    passive = {node for node in cuts if not _has_parameters(network, named[node])}
    watched = _watched(network, graph, cuts, passive, pictures)
    for node, signed in watched.signs.items():
        try:
            bottom = fx.GraphModule(shapes, below(graph, node))
            layout = layout_of(network, bottom, pictures.shape[-1])
        except DiagnosticError:
            continue  # such as windows of pictures in place of pictures
        own = _sizes(network, ancestors(graph, node))
        parameters, layers = ((part, all_ - part) for part, all_ in zip(own, whole, strict=True))
        names = tuple(name for same in watched.equal[node] for name in named[same])
        found.append(CutPoint(names, layout, signed, parameters, layers))
    if untraced:
        known = {name for point in found for name in point.names}
        inside = _between_blocks(network, pictures, tuple(f"{name}." for name in untraced))
        found += [point for point in inside if point.name not in known]
        found.sort(key=lambda point: (point.layers[0], point.parameters[0]))
    return found


def _traced(network: nn.Module) -> tuple[fx.Graph, dict[str, list[fx.Node]], set[str]]:
    """Return a network's graph, down to layers as far as it can be traced, and its outputs.

    The modules that cannot be traced, and so are single nodes of the graph, are returned too.

    Raises:
        TraceError: The network's own forward pass cannot be traced.
    """
    whole: set[str] = set()
    while True:
        outputs: dict[str, list[fx.Node]] = {}
        try:
            graph = trace(
                network, lambda item, name: _has_parts(item) and name not in whole, outputs
            )
        except TraceError as error:
            if not error.path or error.path in whole:
                raise
            whole.add(error.path)
        else:
            return graph, outputs, whole


def _between_blocks(
    network: nn.Module, pictures: Tensor, within: tuple[str, ...] = ("",)
) -> Iterator[CutPoint]:
    """Yield the cuts between blocks of a network that cannot be traced as a whole.

    Args:
        network: The network.
        pictures: What it answers about.
        within: What the names of blocks begin with.
    """
    for name, features in _outputs(network, pictures).items():
        if not name.startswith(within):
            continue
        try:
            sides = bottom(network, name), top(network, name)
            layout = layout_of(network, on_meta(sides[0]), pictures.shape[-1])
        except DiagnosticError:
            continue
        signed = bool((features < 0).any())
        parameters = [sum(item.numel() for item in side.parameters()) for side in sides]
        layers = [sum(_has_own(layer) for layer in side.modules()) for side in sides]
        yield CutPoint(
            (name,), layout, signed, (parameters[0], parameters[1]), (layers[0], layers[1])
        )


def _outputs(network: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """Return the tensors that blocks give which run once, in running order.

    Blocks are the children of the network, of its sequences and lists, and of modules that return
    something else than a tensor, such as an object that has one.
    """
    found: dict[str, list[Any]] = {}

    def keep(name: str, module: nn.Module, given: object, output: object) -> None:  # noqa: ARG001
        found.setdefault(name, []).append(output)

    parts = {name: part for name, part in network.named_modules() if name}
    hooks = [part.register_forward_hook(partial(keep, name)) for name, part in parts.items()]
    try:
        with torch.no_grad():
            network(pictures)
    except Exception as error:
        # This runs the network's own code, which may raise anything at all.
        raise cannot_process(pictures.shape[1:], error) from error
    finally:
        for hook in hooks:
            hook.remove()
    opened = {""}
    for name, part in parts.items():
        several = any(not isinstance(output, Tensor) for output in found.get(name, ()))
        inner = several or isinstance(part, nn.Sequential | nn.ModuleList)
        if name.rpartition(".")[0] in opened and inner:
            opened.add(name)
    return {
        name: outputs[0]
        for name, outputs in found.items()
        if name.rpartition(".")[0] in opened
        and len(outputs) == 1
        and isinstance(outputs[0], Tensor)
    }


def _has_own(layer: nn.Module) -> bool:
    """Return whether a layer has parameters that no part of it has."""
    return any(True for _ in layer.parameters(recurse=False))


def _has_parts(module: nn.Module) -> bool:
    """Return whether a module is made of others that a cut can name."""
    own = type(module).__module__.startswith("torch.nn.") and type(module) is not nn.Sequential
    return not own and any(True for _ in module.children())


def _named(
    network: nn.Module, graph: fx.Graph, outputs: dict[str, list[fx.Node]]
) -> dict[fx.Node, tuple[str, ...]]:
    """Return the names of the modules that give a node's tensor, the outermost first."""
    alive = set(graph.nodes)
    found: dict[fx.Node, list[str]] = {}
    for name in sorted(outputs, key=lambda name: (name.count("."), name)):
        first, *more = outputs[name]
        # A layer without parameters that runs more than once can be cut at its first run.
        if first in alive and not (more and _has_parameters(network, [name])):
            found.setdefault(first, []).append(name)
    return {node: tuple(names) for node, names in found.items()}


def _has_parameters(network: nn.Module, names: Iterable[str]) -> bool:
    return any(True for name in names for _ in network.get_submodule(name).parameters())


def _works(network: nn.Module, graph: fx.Graph, node: fx.Node) -> bool:
    """Return whether a single tensor crosses after a node, and something is left to compute."""
    if all(user.op == "output" for user in node.users):
        return False
    try:
        crossing(network, graph, node)
    except NoCutError:
        return False
    return True


def _watched(
    network: nn.Module,
    graph: fx.Graph,
    cuts: list[fx.Node],
    passive: set[fx.Node],
    pictures: Tensor,
) -> _Watched:
    """Return what is seen of the tensors at cuts while a network answers about pictures."""
    watched = _Watched(network, graph, cuts, passive)
    try:
        with torch.no_grad():
            watched.run(pictures)
    except Exception as error:
        # This runs the network's own code, which may raise anything at all.
        raise cannot_process(pictures.shape[1:], error) from error
    return watched


class _Watched(fx.Interpreter):
    """Runs a network and looks at some of its tensors.

    Args:
        network: The network.
        graph: Its graph.
        cuts: The nodes that give the tensors.
        passive: Those of them that have no parameters.

    Attributes:
        signs: For each of them, by its node, whether it has negative values; tensors that are one
            and the same, such as those before and after a dropout, are looked at once.
        equal: The nodes of the same tensor, in running order, by the first of them.
    """

    def __init__(
        self, network: nn.Module, graph: fx.Graph, cuts: list[fx.Node], passive: set[fx.Node]
    ) -> None:
        super().__init__(fx.GraphModule(network, graph))
        self._passive = passive
        self.signs: dict[fx.Node, bool] = {}
        self.equal: dict[fx.Node, list[fx.Node]] = {}
        self._last: tuple[fx.Node, Tensor] | None = None
        own = self.graph.nodes  # copies of the graph's, in the same order
        self._watched = {
            copy: node for copy, node in zip(own, graph.nodes, strict=True) if node in set(cuts)
        }

    def run_node(self, n: fx.Node) -> Any:
        found = super().run_node(n)
        if n in self._watched and isinstance(found, Tensor):
            self._look(self._watched[n], found)
        return found

    def _look(self, node: fx.Node, found: Tensor) -> None:
        if self._last is not None and node in self._passive:
            first, before = self._last
            if found.data_ptr() == before.data_ptr() and found.stride() == before.stride():
                self.equal[first].append(node)
                return
        self._last = node, found
        self.signs[node] = bool((found < 0).any())
        self.equal[node] = [node]


def _sizes(network: nn.Module, nodes: Iterable[fx.Node]) -> tuple[int, int]:
    """Return how many parameters and how many layers with parameters some nodes use."""
    parameters: dict[int, int] = {}
    layers: set[int] = set()
    for node in nodes:
        if node.op == "call_module":
            for layer in network.get_submodule(str(node.target)).modules():
                own = {id(item): item.numel() for item in layer.parameters(recurse=False)}
                parameters |= own
                layers |= {id(layer)} if own else set()
        elif node.op == "get_attr":
            value = attrgetter(str(node.target))(network)
            if isinstance(value, nn.Parameter):
                parameters[id(value)] = value.numel()
    return sum(parameters.values()), len(layers)
