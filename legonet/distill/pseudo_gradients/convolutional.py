"""Fully connected layers as convs, so that a larger input gives a grid of outputs.

Experiment 2 of the paper enlarges the output gradient of a single output to an S x S map; the
gradient map at the input grows with it.
"""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.layer_rules import rule_of
from legonet.distill.pseudo_gradients.operations import (
    layer_of,
    linear_graph,
    name_of,
    values_of,
)
from legonet.modules.trace import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEEPING = {
    *(operator.add, operator.sub, operator.mul, torch.add, torch.cat, torch.concat),
    *(torch.dropout, functional.dropout),
}
_FLATTENING = {"view", "reshape", torch.reshape}
_MEANS = {"mean", torch.mean}


def convolutional(
    module: nn.Module, shape: tuple[int, ...], grid: int
) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module that gives a ``grid x grid`` map of outputs, and its input's shape.

    For ``grid = 1`` its output is the same as the module's, as a map of one position.

    Args:
        module: A task module that flattens its maps and ends in linear layers.
        shape: Shape ``(C, H, W)`` of its usual input.
        grid: S, the number of positions along each side of the output.

    Raises:
        DiagnosticError: The module has no fully connected layers, or it shrinks its maps in a way
            that has no grid (``LEGO603``).
    """
    read = _Reading(linear_graph(module), shape)
    growth = (grid - 1) * read.stride
    return read.module, (shape[0], shape[1] + growth, shape[2] + growth)


class _Reading:
    """Rewrites a graph node by node.

    Args:
        module: A surrogate's graph.
        shape: Shape of its usual input.
    """

    def __init__(self, module: fx.GraphModule, shape: tuple[int, ...]) -> None:
        self.module = module
        self._values = values_of(module, (1, *shape))
        self._flat: dict[fx.Node, tuple[int, ...]] = {}
        """Height and width of the maps from which each node was flattened."""
        self._strides: dict[fx.Node, int] = {}
        graph = module.graph
        for node in list(graph.nodes):
            self._read(node)
        (answer,) = next(iter(reversed(graph.nodes))).all_input_nodes
        if answer not in self._flat:
            raise _refusal("the task module has no fully connected layers")
        self.stride = self._strides[answer]
        tidy(graph)
        module.recompile()

    def _read(self, node: fx.Node) -> None:
        sources = [item for item in node.all_input_nodes if self._is_active(item)]
        self._strides[node] = max((self._strides[item] for item in sources), default=1)
        if node.op in ("placeholder", "output") or not sources or not self._is_active(node):
            return
        (source, *_) = sources
        window = self._flat.get(source)
        sizes = {item: value for item, value in self._values.items() if not _is_tensor(value)}
        layer = layer_of(self.module, node, sizes)
        shape = tuple(self._values[source].shape[2:])
        if isinstance(layer, nn.Flatten) or self._flattens(node, source):
            self._flat[source] = shape if window is None else window
            self._strides[source] = self._strides[node]
            node.replace_all_uses_with(source)
        elif isinstance(layer, nn.Linear):
            if window is None:
                raise _refusal("a fully connected layer comes before the flattening")
            self._replace(node, source, _conv(layer, window))
            self._flat[node] = (1, 1)
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            pool, strides = _pool(layer.output_size, shape)
            self._replace(node, source, pool)
            self._widen(node, strides)
        elif node.target in _MEANS and self._values[node].dim() == 2 and len(shape) == 2:
            self._replace(node, source, nn.AvgPool2d(shape))
            self._widen(node, shape)
            self._flat[node] = (1, 1)
        elif isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            stride = layer.stride if isinstance(layer.stride, tuple) else (layer.stride,) * 2
            self._widen(node, stride)
        elif node.target in _KEEPING or _keeps_maps(layer):
            if window is not None:
                self._flat[node] = window
        else:
            raise _refusal(f"`{name_of(node)}` has no grid of outputs")

    def _is_active(self, node: fx.Node) -> bool:
        value = self._values.get(node)
        return isinstance(value, Tensor) and value.is_meta

    def _flattens(self, node: fx.Node, source: fx.Node) -> bool:
        before, after = self._values[source], self._values[node]
        return node.target in _FLATTENING and after.dim() == 2 and before.dim() == 4

    def _widen(self, node: fx.Node, stride: Iterable[int]) -> None:
        down, across = stride
        if down != across:
            raise _refusal(f"`{node.name}` strides unevenly")
        self._strides[node] *= down

    def _replace(self, node: fx.Node, source: fx.Node, layer: nn.Module) -> None:
        """Call a layer instead of what a node did, under the same name if that was a layer."""
        path = str(node.target) if node.op == "call_module" else node.name
        self.module.add_submodule(path, layer)
        node.op, node.target, node.args, node.kwargs = "call_module", path, (source,), {}


def _conv(layer: nn.Linear, window: tuple[int, ...]) -> nn.Module:
    height, width = window
    weight = layer.weight.detach().reshape(len(layer.weight), -1, height, width)
    conv = nn.Conv2d(weight.shape[1], len(weight), (height, width), device="meta")
    conv.weight = nn.Parameter(weight, requires_grad=False)
    conv.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach(), False)
    return conv.eval()


def _pool(given: Any, shape: tuple[int, ...]) -> tuple[nn.Module, tuple[int, ...]]:
    """Return the plain pooling that does what an adaptive one does to maps, and its strides.

    Its windows are those of torch: they may overlap, as when 5 positions are pooled to 2 by windows
    of 3 that are 2 apart.
    """
    sides = given if isinstance(given, tuple | list) else (given, given)
    wanted = [side if side is not None else full for side, full in zip(sides, shape, strict=True)]
    kernels, strides = zip(*map(_windows, wanted, shape), strict=True)
    if None in kernels:
        raise _refusal(
            f"adaptive pooling of {list(shape)} to {wanted} has windows of several sizes"
        )
    whole = set(kernels) == {1}
    return (nn.Identity() if whole else nn.AvgPool2d(kernels, strides)), strides


def _windows(wanted: int, full: int) -> tuple[int | None, int]:
    """Return the size and distance of windows along one side; None as size where they differ."""
    starts = [place * full // wanted for place in range(wanted)]
    sizes = {-(-(place + 1) * full // wanted) - start for place, start in enumerate(starts)}
    distances = {after - before for before, after in pairwise(starts)} or {full}
    if len(sizes) > 1 or len(distances) > 1:
        return None, 0
    return sizes.pop(), distances.pop()


def _keeps_maps(layer: nn.Module | None) -> bool:
    """Return whether a layer can be applied to maps of any size, and keeps their size."""
    if layer is None or isinstance(layer, nn.BatchNorm1d):
        return False
    return rule_of(layer).keeps_shape


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _refusal(reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO603",
        f"no grid of outputs: {reason}",
        label="`output_grid` above 1",
        help=["leave `output_grid` at 1"],
    )
