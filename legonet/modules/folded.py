"""Frozen modules that compute the same in less time: batch norms folded into convolutions.

In evaluation a batch norm is a factor and an offset for each channel. After a convolution these
belong to its weights and its bias, and a pass forward and back has one operation less. With its
weights in channels-last order, a convolution also runs faster on CPUs and on tensor cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from legonet.modules.freeze import freeze
from legonet.modules.trace import TraceError, tidy, trace

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONV_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_NORM_ARGUMENTS = (
    *("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
)


def folded(module: nn.Module) -> nn.Module:
    """Return a frozen module with the same outputs, up to rounding, that takes less time.

    A batch norm is folded into the convolution before it where nothing else uses that
    convolution's output. Weights of convolutions are copied into channels-last order; all else is
    shared.

    Args:
        module: A frozen module; it is not changed. One that cannot be traced, or that has no
            convolution, is returned as it is.
    """
    try:
        graph = trace(module, lambda item, _: not _is_layer(item))
    except TraceError:
        return module
    result = fx.GraphModule(module, graph, class_name="Folded")
    convolutions = [conv for node in graph.nodes if (conv := _convolution(module, node))]
    if not convolutions:
        return module
    for number, conv in enumerate(convolutions):
        _replace(result, conv, _norm_after(module, conv.node), f"convolution_{number}")
    tidy(graph)
    result.delete_all_unused_submodules()
    result.recompile()
    return freeze(result)


@dataclass(frozen=True)
class _Convolution:
    """A convolution in a graph, with the options of `functional.conv2d`."""

    node: fx.Node
    weight: Tensor
    bias: Tensor | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class _Norm:
    """A batch norm in a graph, in evaluation, with its running mean and variance."""

    node: fx.Node
    mean: Tensor
    variance: Tensor
    weight: Tensor | None
    bias: Tensor | None
    epsilon: float


def _is_layer(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        # Other libraries' convolutions pad by the size that they see, or scale their weights.
        return True
    own = type(module).__module__.startswith("torch.nn")
    return own and type(module).forward is not nn.Sequential.forward


def _convolution(module: nn.Module, node: fx.Node) -> _Convolution | None:
    """Return the convolution that a node computes, if it is one."""
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros":
            return None
        options = {name: getattr(layer, name) for name in _CONV_ARGUMENTS[3:]}
        return _Convolution(node, layer.weight, layer.bias, options)
    if node.target is not functional.conv2d:
        return None
    given = dict(zip(_CONV_ARGUMENTS, node.args, strict=False)) | node.kwargs
    tensors = _tensors(module, given, ("weight", "bias"))
    if tensors is None or tensors["weight"] is None:
        return None
    options = {name: given[name] for name in _CONV_ARGUMENTS[3:] if name in given}
    return _Convolution(node, tensors["weight"], tensors["bias"], options)


def _norm_after(module: nn.Module, convolution: fx.Node) -> _Norm | None:
    """Return the batch norm that alone uses the output of a convolution, if there is one."""
    if len(convolution.users) != 1:
        return None
    (node,) = convolution.users
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        if type(layer) is not nn.BatchNorm2d:
            return None
        if layer.running_mean is None or layer.running_var is None:
            return None
        return _Norm(
            node, layer.running_mean, layer.running_var, layer.weight, layer.bias, layer.eps
        )
    if node.target is not functional.batch_norm:
        return None
    given: dict[str, Any] = dict(zip(_NORM_ARGUMENTS, node.args, strict=False)) | node.kwargs
    tensors = _tensors(module, given, _NORM_ARGUMENTS[1:5])
    if tensors is None or given.get("training"):
        return None
    mean, variance = tensors["running_mean"], tensors["running_var"]
    if mean is None or variance is None or given["input"] is not convolution:
        return None
    epsilon = float(given.get("eps", 1e-5))
    return _Norm(node, mean, variance, tensors["weight"], tensors["bias"], epsilon)


def _tensors(
    module: nn.Module, given: Mapping[str, Any], names: tuple[str, ...]
) -> dict[str, Tensor | None] | None:
    """Return arguments that are a module's own tensors or missing; None if one is computed."""
    found: dict[str, Tensor | None] = {}
    for name in names:
        node = given.get(name)
        if node is not None and (not isinstance(node, fx.Node) or node.op != "get_attr"):
            return None
        found[name] = None if node is None else _attribute(module, str(node.target))
    return found


def _attribute(module: nn.Module, path: str) -> Tensor:
    place, _, name = path.rpartition(".")
    tensor: Tensor = getattr(module.get_submodule(place), name)
    return tensor


def _replace(
    result: fx.GraphModule, convolution: _Convolution, norm: _Norm | None, name: str
) -> None:
    """Put one convolution in the place of another one and of the batch norm after it."""
    weight, bias = convolution.weight, convolution.bias
    if norm is not None:
        given = (weight, bias, norm.mean, norm.variance, norm.weight, norm.bias)
        kernel, offset, mean, variance, *rest = (
            None if part is None else part.detach().double() for part in given
        )
        fused = fuse_conv_bn_weights(kernel, offset, mean, variance, norm.epsilon, *rest)  # type: ignore[arg-type]
        weight, bias = (part.to(convolution.weight.dtype) for part in fused)
    last = norm.node if norm is not None else convolution.node
    (inputs,) = (node for node in convolution.node.all_input_nodes if node.op != "get_attr")
    with result.graph.inserting_before(convolution.node):
        new = result.graph.call_function(
            functional.conv2d,
            (inputs, _kept(result, f"{name}_weight", weight), _kept(result, f"{name}_bias", bias)),
            dict(convolution.options),
        )
    last.replace_all_uses_with(new)


def _kept(result: fx.GraphModule, name: str, tensor: Tensor | None) -> fx.Node | None:
    """Return a node of a new tensor of a graph's module."""
    if tensor is None:
        return None
    order = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
    result.register_buffer(name, tensor.detach().clone(memory_format=order))
    return result.graph.get_attr(name)
