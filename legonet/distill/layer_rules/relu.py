"""ReLUs: the identity (the paper's first kind), or times a map of ones and zeros (its second)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.distill.layer_rules.rule import Functions, Gate, Layers, Shape, TorchRule


class ReluRule(TorchRule):
    """A ReLU passes a gradient where its map is one."""

    layers: ClassVar[Layers] = (nn.ReLU,)
    functions: ClassVar[Functions] = {
        torch.relu: nn.ReLU,
        functional.relu: nn.ReLU,
        "relu": nn.ReLU,
    }
    gate = "map"
    keeps_shape = True

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Multiply the gradient by the slope at each place of the map."""
        return given if gate is None else given * self.slope(layer, gate.to(given))

    def slope(self, layer: nn.Module, gate: Tensor) -> Tensor:  # noqa: ARG002
        """Return the slope where a map is one and where it is zero."""
        return gate

    def opened(self, layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and a map of ones where the input is let through unchanged."""
        # The layer may work in place.
        return layer(values.clone()), self.passed(layer, values).to(values.dtype)

    def passed(self, layer: nn.Module, values: Tensor) -> Tensor:  # noqa: ARG002
        """Return where the input is let through unchanged."""
        return values > 0


class HardtanhRule(ReluRule):
    """A ReLU6 or Hardtanh blocks what is below and what is above.

    Which of the two blocks a unit does not matter to a gradient, so one map describes it.
    """

    layers = (nn.Hardtanh, nn.ReLU6)
    functions: ClassVar[Functions] = {
        functional.relu6: nn.ReLU6,
        functional.hardtanh: nn.Hardtanh,
    }

    def passed(self, layer: Any, values: Tensor) -> Tensor:
        """Return where the input is between both ends."""
        return (values > float(layer.min_val)) & (values < float(layer.max_val))


class LeakyReluRule(ReluRule):
    """A leaky ReLU passes a gradient times its slope where its map is zero."""

    layers = (nn.LeakyReLU,)
    functions: ClassVar[Functions] = {functional.leaky_relu: nn.LeakyReLU}

    def slope(self, layer: Any, gate: Tensor) -> Tensor:
        """Return 1 or the slope."""
        return gate + float(layer.negative_slope) * (1 - gate)


class PReluRule(ReluRule):
    """A PReLU passes a gradient times its channel's slope where its map is zero."""

    layers = (nn.PReLU,)
    functions: ClassVar[Functions] = {}

    def slope(self, layer: Any, gate: Tensor) -> Tensor:
        """Return 1 or the channel's slope."""
        slope: Tensor = layer.weight.detach().to(gate)
        return gate + slope.reshape(-1, *(1 for _ in gate.shape[2:])) * (1 - gate)
