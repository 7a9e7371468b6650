"""Smooth activations: a gate of slopes, which the teacher's own features give."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.distill.layer_rules.relu import ReluRule
from legonet.distill.layer_rules.rule import Functions, Layers

_OF_TIMM = {"GELU", "GELUTanh", "QuickGELU", "Swish", "HardSwish", "Mish"}
"""Activations of `timm.layers.activations`."""


class SmoothRule(ReluRule):
    """A smooth activation passes a gradient times its slope; a drawn map makes it a ReLU's."""

    layers: ClassVar[Layers] = (nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.ELU)
    functions: ClassVar[Functions] = {
        functional.gelu: nn.GELU,
        functional.silu: nn.SiLU,
        functional.hardswish: nn.Hardswish,
        functional.mish: nn.Mish,
        functional.elu: nn.ELU,
    }
    approximate = True

    def serves(self, layer: nn.Module) -> bool:
        """Return whether the rule is about a layer."""
        place, name = type(layer).__module__, type(layer).__name__
        return (place == "timm.layers.activations" and name in _OF_TIMM) or super().serves(layer)

    def opened(self, layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and the slope at each value."""
        with torch.enable_grad():
            inputs = values.detach().clone().requires_grad_()
            # The layer may work in place.
            output = layer(inputs.clone())
            (slopes,) = torch.autograd.grad(output.sum(), inputs)
        return output.detach(), slopes
