"""Which operations of a task module have a linear surrogate, and the transpose of each.

Layers, and the functions that do the same, have the rules of `layer_rules`. Other functions have a
surrogate where they are affine in evaluation: sums, concatenation, products with constants,
reshaping, interpolation. Everything else is refused: sigmoid and softmax have no state that a map
could give, and attention and squeeze-and-excitation multiply features with each other.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.layer_rules import NO_RULE, layer_functions, rule_of, unusable_rules
from legonet.modules.crossing import on_meta
from legonet.modules.trace import TraceError, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Values = Mapping[fx.Node, Any]
    Parts = Iterable[tuple[fx.Node, Tensor]]

_LINEAR = {
    *(torch.reshape, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze),
    *(torch.movedim, torch.mean, torch.sum, torch.neg, torch.chunk, torch.split, torch.narrow),
    *(torch.select, torch.flip, torch.clone, torch.channel_shuffle, torch.div),
    *(operator.neg, operator.getitem, operator.truediv),
    *(functional.interpolate, functional.upsample, functional.pad, functional.pixel_shuffle),
    *(functional.conv2d, functional.conv_transpose2d, functional.linear, functional.batch_norm),
    *("reshape", "view", "permute", "transpose", "squeeze", "unsqueeze", "mean", "sum", "neg"),
    *("contiguous", "chunk", "split", "narrow", "select", "flip", "clone", "expand", "div"),
    *("unflatten", "movedim"),
}
"""Functions and method names that are affine in their first argument."""

_SUMS = {
    *(operator.add, operator.sub, torch.add, torch.sub, torch.cat, torch.concat, torch.stack),
    *("add", "sub"),
}
_PRODUCTS = {operator.mul, operator.matmul, torch.mul, torch.matmul, "mul", "matmul"}
_DROPOUTS = {torch.dropout, functional.dropout, functional.dropout2d}
_PROPERTIES = {"shape", "ndim", "dtype", "device"}


def has_surrogate(module: nn.Module) -> bool:
    """Return whether pseudo-gradients can pass through a task module or a single layer."""
    try:
        linear_graph(module)
    except DiagnosticError:
        return False
    return True


def linear_graph(module: nn.Module) -> fx.GraphModule:
    """Return a task module as a graph of torch's own layers and functions.

    Raises:
        DiagnosticError: An operation has no surrogate, or there is no such graph (``LEGO601``).
    """
    if is_layer(module):
        module = nn.Sequential(module)
    try:
        graph = trace(module, lambda item, _: not is_layer(item))
    except TraceError as error:
        inside = f"`{error.path}`" if error.path else "the whole module"
        raise _refusal(f"{inside}, which {error}") from error
    active: set[fx.Node] = set()
    for node in graph.nodes:
        depends = node.op == "placeholder" or not active.isdisjoint(node.all_input_nodes)
        if depends and node.op != "output" and not is_property(node):
            active.add(node)
            if node.op != "placeholder" and not _passes(module, node, active):
                raise _refusal(_described(module, node))
    return fx.GraphModule(module, graph, class_name="Surrogate")


def is_property(node: fx.Node) -> bool:
    """Return whether a node reads a tensor's shape or type, not its values."""
    if node.op == "call_method":
        return node.target in ("size", "dim")
    return node.target is getattr and node.args[1] in _PROPERTIES


def layer_of(
    module: nn.Module, node: fx.Node, sizes: Mapping[fx.Node, Any] | None = None
) -> nn.Module | None:
    """Return the layer that does what a node does: the one it calls or one like its function.

    Args:
        module: The module to which the node's graph belongs.
        node: The node.
        sizes: Values of nodes that are arguments of functions.
    """
    if node.op == "call_module":
        return module.get_submodule(str(node.target))
    make = layer_functions().get(node.target)
    if make is None:
        return None
    options = {key: value for key, value in node.kwargs.items() if key != "input"}
    known = sizes or {}
    positional, named = fx.map_arg((node.args[1:], options), lambda item: known.get(item, item))
    return make(*positional, **named)


def name_of(node: fx.Node) -> str:
    """Return what people call a node: the dotted name of its layer in the network, if it has one.

    A task module that takes another layout than maps is inside of what makes it (`Leaving`).
    """
    return str(node.target).removeprefix("module.") if node.op == "call_module" else node.name


def is_layer(module: nn.Module) -> bool:
    """Return whether a module is treated as a whole, without looking inside."""
    if type(module).forward is nn.Sequential.forward:
        return False
    return type(module).__module__.startswith("torch.nn") or rule_of(module) is not NO_RULE


def _passes(module: nn.Module, node: fx.Node, active: set[fx.Node]) -> bool:
    given = _occurrences(node, active)
    layer = layer_of(module, node)
    if layer is not None:
        return given == 1 and rule_of(layer).passes(layer)
    if node.target in _SUMS:
        return True
    if node.target in _PRODUCTS:
        return given == 1
    first = node.args[0] if node.args else node.kwargs.get("input")
    if given != 1 or first not in active:
        return False
    if node.target in _DROPOUTS:
        return not _training(node, 2)
    if node.target is functional.batch_norm:
        return not _training(node, 5)
    return node.target in _LINEAR


def _occurrences(node: fx.Node, active: set[fx.Node]) -> int:
    found: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), found.append)
    return sum(item in active for item in found)


def _training(node: fx.Node, place: int) -> bool:
    default = node.target is not functional.batch_norm
    given = node.args[place] if len(node.args) > place else node.kwargs.get("training", default)
    return bool(given)


def _described(module: nn.Module, node: fx.Node) -> str:
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        # A rule that refuses it does so for one of its options.
        kind = type(layer).__name__ if rule_of(layer) is NO_RULE else repr(layer)
        return f"`{name_of(node)}`, a layer of kind {kind}"
    name = getattr(node.target, "__name__", str(node.target))
    inside = [path.removeprefix("module.") for path in node.meta.get("nn_module_stack", {})]
    return f"the call of `{name}`" + (f" in `{inside[-1]}`" if inside and inside[-1] else "")


def _refusal(what: str) -> DiagnosticError:
    unusable = unusable_rules().items()
    return DiagnosticError.of(
        "LEGO601",
        f"no linear surrogate for {what}",
        label="pseudo-gradients cannot pass through it",
        help=[
            "use `stitching()` or `output_distillation()`, which need none",
            "or cut further up, so that this belongs to the category module",
            *(f"the layer rule `{name}` cannot be used: {why}" for name, why in unusable),
        ],
    )


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
        elif (
            node.op == "call_module" and rule_of(module.get_submodule(str(node.target))).keeps_shape
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
    """Return a node's transpose applied to a gradient, for each tensor that the node takes.

    Args:
        module: The surrogate's graph.
        node: The node.
        layer: The layer that does what the node does, if there is one.
        values: Of all nodes; see `values_of`.
        given: The gradient with respect to the node's output.
        gate: For a ReLU its map, for a max-pool the positions that it picks.
    """
    if layer is not None:
        source = node.all_input_nodes[0]
        found = rule_of(layer).back(layer, tuple(values[source].shape), given, gate)
        if found is not None:
            return [(source, found)]
    elif node.target in (torch.add, operator.add) and not node.kwargs:
        terms = [term for term in node.args if isinstance(term, fx.Node)]
        if all(values[term].shape == given.shape for term in terms):
            return [(term, given) for term in terms if values[term].is_meta]
    return _by_autograd(module, node, layer, values, given)


def _by_autograd(
    module: fx.GraphModule, node: fx.Node, layer: nn.Module | None, values: Values, given: Tensor
) -> Parts:
    """Return the vector-Jacobian product at zero, which is that of the linear part."""
    starts: dict[fx.Node, Any] = {
        source: given.new_zeros(values[source].shape).requires_grad_()
        for source in _sources(node, values)
    }
    with torch.enable_grad():
        if layer is not None and rule_of(layer).gate is not None:
            (start,) = starts.values()
            end = rule_of(layer).linear(layer, start)
        else:
            end = _evaluated(module, node, {**values, **starts}, started=starts)
        found = torch.autograd.grad(end, list(starts.values()), given)
    return zip(starts, found, strict=True)


def _evaluated(
    module: fx.GraphModule,
    node: fx.Node,
    values: Values,
    *,
    meta: bool = False,
    started: Iterable[fx.Node] = (),
) -> Any:
    """Return the value of a node for given values of its inputs.

    Args:
        module: The graph.
        node: The node.
        values: Of its inputs.
        meta: Whether to work on the meta device.
        started: Tensors from which nodes with several outputs, such as `chunk`, are recomputed.
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
    """Return the tensors that a node depends on, looking through nodes with several outputs."""
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
