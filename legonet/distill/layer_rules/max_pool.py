"""Max-pools: the transpose of average-pool, or of picking given positions."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.distill.layer_rules.rule import Functions, Gate, Layers, Shape, TorchRule


def _max_pool2d(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> nn.Module:
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


class MaxPoolRule(TorchRule):
    """A max-pool passes a gradient to the positions that it picks, or to all of its window."""

    layers: ClassVar[Layers] = (nn.MaxPool2d,)
    functions: ClassVar[Functions] = {
        functional.max_pool2d: _max_pool2d,
        torch.max_pool2d: _max_pool2d,
    }
    gate = "positions"

    def passes(self, layer: nn.Module) -> bool:
        """Return whether it returns nothing but values, and its windows have no holes."""
        return not layer.return_indices and layer.dilation in (1, (1, 1), [1, 1])

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Put the gradient where the positions say; without any, leave it to autograd."""
        if gate is None:
            return None
        empty = given.new_zeros(shape).flatten(2)
        picked = gate.to(given.device).flatten(2)
        return empty.scatter_add_(2, picked, given.flatten(2)).view(shape)

    def linear(self, layer: nn.Module, values: Tensor) -> Tensor:
        """Return the average of each window."""
        return functional.avg_pool2d(values, **_window(layer))

    def opened(self, layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest values, and their positions."""
        found: tuple[Tensor, Tensor]
        found = functional.max_pool2d(values, **_window(layer), return_indices=True)
        return found


class AdaptiveMaxPoolRule(MaxPoolRule):
    """The same for windows that follow from the size of the output."""

    layers = (nn.AdaptiveMaxPool2d,)
    functions: ClassVar[Functions] = {functional.adaptive_max_pool2d: nn.AdaptiveMaxPool2d}

    def passes(self, layer: nn.Module) -> bool:
        """Return whether it returns nothing but values."""
        return not layer.return_indices

    def linear(self, layer: nn.Module, values: Tensor) -> Tensor:
        """Return the average of each window."""
        size: Any = layer.output_size
        return functional.adaptive_avg_pool2d(values, size)

    def opened(self, layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest values, and their positions."""
        size: Any = layer.output_size
        found: tuple[Tensor, Tensor]
        found = functional.adaptive_max_pool2d(values, size, return_indices=True)
        return found


def _window(layer: nn.Module) -> dict[str, Any]:
    names = ("kernel_size", "stride", "padding", "ceil_mode")
    return {name: getattr(layer, name) for name in names}
