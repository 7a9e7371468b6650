"""The transpose of each operation of a surrogate, and what its real one lets through."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from legonet.distill.operations import KEEPING_SHAPE, NOTHING, POOLS, RELUS, is_property
from legonet.modules.crossing import on_meta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Values = Mapping[fx.Node, Any]
    Parts = Iterable[tuple[fx.Node, Tensor]]


def values_of(module: fx.GraphModule, shape: tuple[int, ...]) -> dict[fx.Node, Any]:
    """Return the values of all nodes: on the meta device where they depend on the input.

    Args:
        module: A surrogate's graph.
        shape: Shape of its input with the batch axis.
    """
    known = next(module.parameters(), torch.zeros(()))
    values: dict[fx.Node, Any] = {}
    active: set[fx.Node] = set()
    for node in module.graph.nodes:
        if node.op == "placeholder":
            values[node] = torch.empty(shape, dtype=known.dtype, device="meta")
            active.add(node)
        elif node.op == "output":
            continue
        elif active.isdisjoint(node.all_input_nodes):
            values[node] = _evaluated(module, node, values)
        elif node.op == "call_module" and isinstance(
            module.get_submodule(str(node.target)), KEEPING_SHAPE
        ):
            values[node] = values[node.all_input_nodes[0]]
            active.add(node)
        else:
            values[node] = _evaluated(module, node, values, meta=True)
            if not is_property(node):
                active.add(node)
    return values


def transposed(
    module: fx.GraphModule,
    node: fx.Node,
    layer: nn.Module | None,
    values: Values,
    given: Tensor,
    gate: Tensor | None,
) -> Parts:
    """Return what a node's transpose makes of a gradient, for each tensor that the node takes.

    Args:
        module: The surrogate's graph.
        node: The node.
        layer: What it does, where that is a layer.
        values: Of all nodes, see `values_of`.
        given: The gradient by the node's output.
        gate: For a ReLU its map, for a max-pool the positions that it picks.
    """
    if layer is not None:
        source = node.all_input_nodes[0]
        found = _through(layer, values[source].shape, given, gate)
        if found is not None:
            return [(source, found)]
    elif node.target in (torch.add, operator.add) and not node.kwargs:
        terms = [term for term in node.args if isinstance(term, fx.Node)]
        if all(values[term].shape == given.shape for term in terms):
            return [(term, given) for term in terms if values[term].is_meta]
    return _by_autograd(module, node, layer, values, given)


def passed(layer: nn.Module, values: Tensor) -> Tensor:
    """Return ones where a ReLU lets its input through in full, else zeros."""
    if isinstance(layer, nn.Hardtanh):
        through = (values > layer.min_val) & (values < layer.max_val)
    else:
        through = values > 0
    return through.to(values.dtype)


def relu(layer: nn.Module, values: Tensor) -> Tensor:
    """Return what a ReLU makes of its input, which it leaves as it is."""
    if isinstance(layer, nn.Hardtanh):
        return values.clamp(layer.min_val, layer.max_val)
    if isinstance(layer, nn.PReLU):
        return functional.prelu(values, layer.weight)
    if isinstance(layer, nn.LeakyReLU):
        return functional.leaky_relu(values, layer.negative_slope)
    return functional.relu(values)


def max_pool(layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest values and their positions."""
    found: tuple[Tensor, Tensor]
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        size: Any = layer.output_size
        found = functional.adaptive_max_pool2d(values, size, return_indices=True)
    else:
        found = functional.max_pool2d(values, **_window(layer), return_indices=True)
    return found


def _through(
    layer: nn.Module, shape: torch.Size, given: Tensor, gate: Tensor | None
) -> Tensor | None:
    """Return the gradient by a layer's only input, or None where autograd has to find it."""
    if isinstance(layer, NOTHING):
        return given
    if isinstance(layer, RELUS):
        return given if gate is None else given * _opening(layer, gate.to(given))
    if isinstance(layer, POOLS) and gate is not None:
        empty = given.new_zeros(shape).flatten(2)
        picked = gate.to(given.device).flatten(2)
        return empty.scatter_add_(2, picked, given.flatten(2)).view(shape)
    if isinstance(layer, nn.Linear):
        return given @ layer.weight.detach()
    if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d) and layer.running_var is not None:
        scale = (layer.running_var + layer.eps).rsqrt()
        if layer.affine:
            scale = scale * layer.weight.detach()
        return given * scale.reshape(-1, *(1 for _ in shape[2:]))
    if isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and given.dim() == 4:
        if isinstance(layer.padding, str):
            return None
        options = (layer.stride, layer.padding, layer.dilation, layer.groups)
        back: Tensor = conv2d_input(shape, layer.weight.detach(), given, *options)  # type: ignore[no-untyped-call]
        return back
    return None


def _opening(layer: nn.Module, gate: Tensor) -> Tensor:
    """Return what a ReLU's input is multiplied with, for its map."""
    if isinstance(layer, nn.LeakyReLU):
        return gate + layer.negative_slope * (1 - gate)
    if isinstance(layer, nn.PReLU):
        slope = layer.weight.detach().to(gate)
        return gate + slope.reshape(-1, *(1 for _ in gate.shape[2:])) * (1 - gate)
    return gate


def _window(layer: nn.Module) -> dict[str, Any]:
    names = ("kernel_size", "stride", "padding", "ceil_mode")
    return {name: getattr(layer, name) for name in names}


def _by_autograd(
    module: fx.GraphModule, node: fx.Node, layer: nn.Module | None, values: Values, given: Tensor
) -> Parts:
    """Return the vector-Jacobian product at zero, which is that of the linear part."""
    starts: dict[fx.Node, Any] = {
        source: given.new_zeros(values[source].shape).requires_grad_()
        for source in _sources(node, values)
    }
    with torch.enable_grad():
        if isinstance(layer, POOLS):
            (start,) = starts.values()
            end = _average_pool(layer, start)
        else:
            end = _evaluated(module, node, {**values, **starts}, started=starts)
        found = torch.autograd.grad(end, list(starts.values()), given)
    return zip(starts, found, strict=True)


def _average_pool(layer: nn.Module, values: Tensor) -> Tensor:
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        return functional.adaptive_avg_pool2d(values, layer.output_size)
    return functional.avg_pool2d(values, **_window(layer))


def _evaluated(
    module: fx.GraphModule,
    node: fx.Node,
    values: Values,
    *,
    meta: bool = False,
    started: Iterable[fx.Node] = (),
) -> Any:
    """Return the value of a node, for the values of its inputs.

    Args:
        module: The graph.
        node: The node.
        values: Of its inputs.
        meta: Work on the meta device.
        started: Tensors that several outputs of a node, as of `chunk`, are computed anew from.
    """

    def value(source: fx.Node) -> Any:
        if started and _is_several(values[source]):
            return _evaluated(module, source, values, started=started)
        return _to_meta(values[source]) if meta else values[source]

    arguments, named = fx.map_arg((node.args, node.kwargs), value)
    if node.op == "get_attr":
        path, _, name = str(node.target).rpartition(".")
        return getattr(module.get_submodule(path), name).detach()
    if node.op == "call_method":
        return getattr(arguments[0], str(node.target))(*arguments[1:], **named)
    if node.op == "call_function":
        return node.target(*arguments, **named)  # type: ignore[operator]
    layer = module.get_submodule(str(node.target))
    if not meta:
        return layer(*arguments, **named)
    with torch.no_grad():
        return on_meta(layer)(*arguments, **named)


def _sources(node: fx.Node, values: Values) -> list[fx.Node]:
    """Return the tensors that a node depends on, behind those that come several at once."""
    found: dict[fx.Node, None] = {}
    for source in node.all_input_nodes:
        if _is_several(values[source]):
            found |= dict.fromkeys(_sources(source, values))
        elif isinstance(values[source], Tensor) and values[source].is_meta:
            found[source] = None
    return list(found)


def _is_several(value: Any) -> bool:
    return isinstance(value, tuple | list) and any(isinstance(item, Tensor) for item in value)


def _to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) else value
