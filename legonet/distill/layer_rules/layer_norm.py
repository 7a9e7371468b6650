"""Layer norms with fixed statistics: a scale for each channel."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from legonet.distill.layer_rules.rule import Gate, Layers, Shape, TorchRule

_ALSO = {
    ("timm.layers.norm", "LayerNorm"),
    ("timm.layers.norm", "LayerNorm2d"),
    ("torchvision.models.convnext", "LayerNorm2d"),
}
"""Layer norms of the libraries, by module and class; those of maps divide along the channels."""


class LayerNormRule(TorchRule):
    """A layer norm scales each channel, with the standard deviation of its features held fixed.

    How far the mean and the deviation of a position follow its features is left out.
    """

    layers: ClassVar[Layers] = (nn.LayerNorm,)
    gate = "statistics"
    keeps_shape = True
    approximate = True

    def serves(self, layer: nn.Module) -> bool:
        """Return whether the rule is about a layer."""
        kind = (type(layer).__module__, type(layer).__name__)
        return kind in _ALSO or super().serves(layer)

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Scale the gradient as the layer scales its input."""
        if layer.weight is not None:
            weight: Tensor = layer.weight.detach()
            given = given * (weight.reshape(-1, 1, 1) if _of_maps(layer) else weight)
        return given if gate is None else given * gate.to(given)

    def opened(self, layer: Any, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and the mean over all positions of 1 over their deviation."""
        axes = [1] if _of_maps(layer) else [-1 - i for i in range(len(layer.normalized_shape))]
        variance = values.var(axes, correction=0)
        return layer(values), (variance + layer.eps).rsqrt().mean()


def _of_maps(layer: nn.Module) -> bool:
    return type(layer).__name__ == "LayerNorm2d"
