"""A layer and its rule of another package: a ReLU-like layer with one slope above 0, one below."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from legonet.distill.layer_rules import Gate, LayerRule, Shape


class TwoSlopes(nn.Module):
    """Multiplies by 2 what is above 0, and by 0.5 what is below."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, multiplied."""
        return torch.where(values > 0, 2 * values, 0.5 * values)


class TwoSlopesRule(LayerRule):
    """A gradient is multiplied by 2 where the map is one, and by 0.5 where it is zero."""

    layers = (TwoSlopes,)
    gate = "map"
    keeps_shape = True
    draws = False

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:
        """Multiply by the slope that the map chooses."""
        return given if gate is None else given * (0.5 + 1.5 * gate.to(given))

    def opened(self, layer: Any, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and where the upper slope applies."""
        return layer(values), (values > 0).to(values.dtype)
