"""Which operations of a task module have a linear surrogate, and which maps it takes.

======================  =====================================================================
operation               surrogate in the backward direction
======================  =====================================================================
affine in evaluation    its own transpose: convs of any stride, dilation and grouping, transposed
                        convs, linear, batch norm, average pools, upsampling, padding, flatten,
                        sums, concatenation, products with constants
dropout                 nothing
ReLU, ReLU6, Hardtanh   the identity (first kind), or times a map of ones and zeros (second kind)
LeakyReLU, PReLU        the identity, or times 1 where the map is one and the slope where it is zero
max-pool                the transpose of average-pool, or of picking given positions
======================  =====================================================================

A ReLU6 blocks what is below 0 and what is above 6. In which of the two ways a unit is blocked does
not matter to a gradient, so one map of ones and zeros describes it as it does a ReLU.

Everything else is refused. Sigmoid, softmax and hard-swish have no state that a map of ones and
zeros could give, attention multiplies features with each other, and layer norm divides by them.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.modules.trace import TraceError, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RELUS = (nn.ReLU, nn.Hardtanh, nn.LeakyReLU, nn.PReLU)
"""Layers that take a map; `nn.ReLU6` is a kind of `nn.Hardtanh`."""

POOLS = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)
"""Layers that pick positions."""

NOTHING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
"""Layers that do nothing in evaluation."""

AFFINE = (
    *(nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear),
    *(nn.BatchNorm1d, nn.BatchNorm2d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d),
    *(nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle),
    *(nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d),
    *(nn.Flatten, nn.Unflatten),
)
"""Layers that in evaluation are affine, so that they are their own surrogates."""

KEEPING_SHAPE = (*RELUS, *NOTHING, nn.BatchNorm1d, nn.BatchNorm2d)
"""Layers whose output has the shape of their input."""


def _max_pool2d(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> nn.Module:
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


LAYERS: dict[Any, Callable[..., nn.Module]] = {
    torch.relu: nn.ReLU,
    functional.relu: nn.ReLU,
    "relu": nn.ReLU,
    functional.relu6: nn.ReLU6,
    functional.hardtanh: nn.Hardtanh,
    functional.leaky_relu: nn.LeakyReLU,
    functional.max_pool2d: _max_pool2d,
    torch.max_pool2d: _max_pool2d,
    functional.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
    functional.avg_pool2d: nn.AvgPool2d,
    functional.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    torch.flatten: nn.Flatten,
    "flatten": nn.Flatten,
}
"""Functions and names of methods, and the layers that do the same with the same arguments."""

_LINEAR = {
    *(torch.reshape, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze),
    *(torch.movedim, torch.mean, torch.sum, torch.neg, torch.chunk, torch.split, torch.narrow),
    *(torch.select, torch.flip, torch.clone, torch.channel_shuffle, torch.div),
    *(operator.neg, operator.getitem, operator.truediv),
    *(functional.interpolate, functional.upsample, functional.pad, functional.pixel_shuffle),
    *(functional.conv2d, functional.conv_transpose2d, functional.linear, functional.batch_norm),
    *("reshape", "view", "permute", "transpose", "squeeze", "unsqueeze", "mean", "sum", "neg"),
    *("contiguous", "chunk", "split", "narrow", "select", "flip", "clone", "expand", "div"),
}
"""Functions and names of methods that are affine in their first argument."""

_SUMS = {
    *(operator.add, operator.sub, torch.add, torch.sub, torch.cat, torch.concat, torch.stack),
    *("add", "sub"),
}
_PRODUCTS = {operator.mul, operator.matmul, torch.mul, torch.matmul, "mul", "matmul"}
_DROPOUTS = {torch.dropout, functional.dropout, functional.dropout2d}
_PROPERTIES = {"shape", "ndim", "dtype", "device"}


def has_surrogate(module: nn.Module) -> bool:
    """Return whether pseudo-gradients can pass a module, a task module or a single layer."""
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
    if _is_torch(module):
        module = nn.Sequential(module)
    try:
        graph = trace(module, lambda item, _: not _is_torch(item))
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
    """Return whether a node asks for a tensor's shape or kind, not for its values."""
    if node.op == "call_method":
        return node.target in ("size", "dim")
    return node.target is getattr and node.args[1] in _PROPERTIES


def layer_of(
    module: nn.Module, node: fx.Node, sizes: Mapping[fx.Node, Any] | None = None
) -> nn.Module | None:
    """Return the layer that does what a node does: the one it calls, or one like its function.

    Args:
        module: What the node's graph belongs to.
        node: The node.
        sizes: Values of nodes that are arguments of functions.
    """
    if node.op == "call_module":
        return module.get_submodule(str(node.target))
    make = LAYERS.get(node.target)
    if make is None:
        return None
    options = {key: value for key, value in node.kwargs.items() if key != "input"}
    known = sizes or {}
    positional, named = fx.map_arg((node.args[1:], options), lambda item: known.get(item, item))
    return make(*positional, **named)


def _is_torch(module: nn.Module) -> bool:
    own = type(module).__module__.startswith("torch.nn")
    return own and type(module).forward is not nn.Sequential.forward


def _passes(module: nn.Module, node: fx.Node, active: set[fx.Node]) -> bool:
    given = _occurrences(node, active)
    layer = layer_of(module, node)
    if layer is not None:
        return given == 1 and _is_linear(layer)
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


def _is_linear(layer: nn.Module) -> bool:
    if isinstance(layer, POOLS) and layer.return_indices:
        return False
    if isinstance(layer, nn.MaxPool2d):
        return layer.dilation in (1, (1, 1), [1, 1])
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return layer.running_var is not None
    return isinstance(layer, (*RELUS, *POOLS, *NOTHING, *AFFINE))


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
        kind = repr(layer) if isinstance(layer, POOLS) else type(layer).__name__
        return f"`{node.target}`, a layer of kind {kind}"
    name = getattr(node.target, "__name__", str(node.target))
    inside = list(node.meta.get("nn_module_stack", {}))
    return f"the call of `{name}`" + (f" in `{inside[-1]}`" if inside and inside[-1] else "")


def _refusal(what: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO601",
        f"no linear surrogate for {what}",
        label="pseudo-gradients cannot pass it",
        help=[
            "use `stitching()` or `output_distillation()`, which need none",
            "or cut further up, so that this belongs to the category module",
        ],
    )
