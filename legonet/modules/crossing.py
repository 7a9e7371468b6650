"""What crosses a cut through a network's graph, and the graphs on both sides."""

from __future__ import annotations

from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor, fx, nn

from legonet.modules.trace import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable

PICTURE = (1, 3, 512, 512)
"""The shape of the picture on which strides are measured; common strides divide its size."""


class NoCutError(Exception):
    """Something other than one tensor crosses a cut; says what."""


def scaled_shape(features: Tensor, channels: int, down: int, across: int) -> tuple[int, ...]:
    """Return the shape of a tensor below a cut whose size is a multiple of the features' size."""
    count, _, height, width = features.shape
    return (count, channels, height * down, width * across)


def below(graph: fx.Graph, node: fx.Node) -> fx.Graph:
    """Return the graph of everything that a node needs."""
    return _copied(graph, ancestors(graph, node), [node])


def above(network: nn.Module, graph: fx.Graph, node: fx.Node) -> fx.Graph:
    """Return the graph of everything after a node, with the node's output as its input."""
    earlier = ancestors(graph, node)
    strides = crossing(network, graph, node)
    rest = fx.Graph()
    copies = {node: rest.placeholder("features")}
    for item in graph.nodes:
        if item in earlier and not earlier[item]:
            copies[item] = rest.node_copy(item, copies.__getitem__)
        elif item not in earlier and _source_of_size(item) in strides:
            shape = rest.call_function(
                scaled_shape, (copies[node], *strides[_source_of_size(item)])
            )
            copies[item] = _size(rest, item, shape)
        elif item not in earlier:
            copies[item] = rest.node_copy(item, copies.__getitem__)
    tidy(rest)
    return rest


def crossing(
    network: nn.Module, graph: fx.Graph, node: fx.Node
) -> dict[fx.Node | None, tuple[int, int, int]]:
    """Return the tensors, besides a node's output, of which only the size is needed after it.

    Args:
        network: The network.
        graph: Its graph.
        node: The node at which it is cut.

    Returns:
        For each such tensor its channels, and its height and width relative to the output's.

    Raises:
        NoCutError: More than sizes is needed, or sizes that are not multiples of the output's.
    """
    earlier = ancestors(graph, node)
    needed = [
        item
        for item, depends in earlier.items()
        if depends and item is not node and any(user not in earlier for user in item.users)
    ]
    for item in needed:
        if any(user not in earlier and _source_of_size(user) is not item for user in item.users):
            raise NoCutError(f"{_described(item)} is also needed after it")
    if not needed:
        return {}
    return _strides(network, graph, node, needed)


def ancestors(graph: fx.Graph, node: fx.Node) -> dict[fx.Node, bool]:
    """Return a node and all that it needs, in running order, and whether each needs the input."""
    wanted = {node}
    for item in reversed(graph.nodes):
        if item in wanted:
            wanted.update(item.all_input_nodes)
    found: dict[fx.Node, bool] = {}
    for item in graph.nodes:
        if item in wanted:
            inputs = item.all_input_nodes
            found[item] = item.op == "placeholder" or any(found[before] for before in inputs)
    return found


def _copied(graph: fx.Graph, nodes: Iterable[fx.Node], outputs: list[fx.Node]) -> fx.Graph:
    part = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    kept = set(nodes)
    for item in graph.nodes:
        if item in kept:
            copies[item] = part.node_copy(item, copies.__getitem__)
    given = [copies[item] for item in outputs]
    part.output(given[0] if len(given) == 1 else tuple(given))
    return part


def _source_of_size(node: fx.Node) -> fx.Node | None:
    """Return the tensor whose size a node asks for, if it does nothing else."""
    asks = (node.op == "call_method" and node.target == "size") or (
        node.op == "call_function" and node.target is getattr and node.args[1:] == ("shape",)
    )
    return node.args[0] if asks and isinstance(node.args[0], fx.Node) else None


def _size(graph: fx.Graph, node: fx.Node, shape: fx.Node) -> fx.Node:
    if node.op == "call_method" and len(node.args) > 1:
        return graph.call_method("__getitem__", (shape, node.args[1]))
    return shape


def _strides(
    network: nn.Module, graph: fx.Graph, node: fx.Node, needed: list[fx.Node]
) -> dict[fx.Node | None, tuple[int, int, int]]:
    below = _copied(graph, ancestors(graph, node), [*needed, node])
    try:
        part = fx.GraphModule(on_meta(network), below)
        with torch.no_grad():
            *sizes, own = (item.shape for item in part(torch.empty(PICTURE, device="meta")))
    except Exception as error:
        # This runs the network's own code, which may raise anything at all.
        raise NoCutError(f"the size of {_described(needed[0])} is needed after it") from error
    found: dict[fx.Node | None, tuple[int, int, int]] = {}
    for item, size in zip(needed, sizes, strict=True):
        if len(own) != 4 or len(size) != 4 or size[2] % own[2] or size[3] % own[3]:
            raise NoCutError(f"the size of {_described(item)} is needed after it")
        found[item] = (size[1], size[2] // own[2], size[3] // own[3])
    return found


def on_meta(module: nn.Module) -> nn.Module:
    """Return a copy of a module on torch's meta device; no tensor is copied.

    The module is not changed at any time, so other threads may use it.
    """
    tensors = list(chain(module.parameters(), module.buffers()))
    if all(tensor.is_meta for tensor in tensors):
        return module
    # Whatever is in the memo counts as already copied.
    return deepcopy(module, {id(tensor): tensor.detach().to("meta") for tensor in tensors})


def _described(node: fx.Node) -> str:
    if node.op == "placeholder":
        return "the picture"
    if node.op == "call_module":
        return f"the output of `{node.target}`"
    return f"the result of `{node.name}`"
