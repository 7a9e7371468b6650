"""Layers that are affine in evaluation, and so their own surrogates."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from legonet.distill.layer_rules.rule import Functions, Gate, Layers, Shape, TorchRule

_PADDING_AS_TENSORFLOW = {("timm.layers.conv2d_same", "Conv2dSame")}
"""Convs of timm, by module and class, whose padding depends on the size of their input."""


class IdentityRule(TorchRule):
    """A layer that does nothing passes everything."""

    layers: ClassVar[Layers] = (nn.Identity,)
    keeps_shape = True

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Return the gradient."""
        return given


class DropoutRule(IdentityRule):
    """Dropout does nothing in evaluation."""

    layers = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
    draws = True


class LinearRule(TorchRule):
    """A fully connected layer passes a gradient through its transposed weights."""

    layers = (nn.Linear,)

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Multiply the gradient by the weights."""
        weight: Tensor = layer.weight
        return given @ weight.detach()


class BatchNormRule(TorchRule):
    """Batch norm with running statistics scales each channel."""

    layers = (nn.BatchNorm1d, nn.BatchNorm2d)
    keeps_shape = True

    def passes(self, layer: nn.Module) -> bool:
        """Return whether it has running statistics."""
        return layer.running_var is not None

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Scale the gradient as the layer scales its input."""
        scale: Tensor = (layer.running_var + layer.eps).rsqrt()
        if layer.affine:
            scale = scale * layer.weight.detach()
        return given * scale.reshape(-1, *(1 for _ in shape[2:]))


class ConvRule(TorchRule):
    """A conv passes a gradient through the transposed conv; timm's that pad as TensorFlow, too."""

    layers = (nn.Conv2d,)

    def serves(self, layer: nn.Module) -> bool:
        """Return whether the rule is about a layer."""
        kind = (type(layer).__module__, type(layer).__name__)
        return kind in _PADDING_AS_TENSORFLOW or super().serves(layer)

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Return the gradient where torch has a function for it; autograd finds others."""
        if layer.padding_mode != "zeros" or isinstance(layer.padding, str) or given.dim() != 4:
            return None
        if type(layer).forward is not nn.Conv2d.forward:
            return None
        options = (layer.stride, layer.padding, layer.dilation, layer.groups)
        found: Tensor = conv2d_input(shape, layer.weight.detach(), given, *options)  # type: ignore[no-untyped-call]
        return found


class AffineRule(TorchRule):
    """All other layers that are affine in evaluation; autograd finds their transposes."""

    layers = (
        *(nn.Conv1d, nn.ConvTranspose1d, nn.ConvTranspose2d),
        *(nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d),
        *(nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle),
        *(nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d),
        *(nn.Flatten, nn.Unflatten),
    )
    functions: ClassVar[Functions] = {
        functional.avg_pool2d: nn.AvgPool2d,
        functional.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
        torch.flatten: nn.Flatten,
        "flatten": nn.Flatten,
    }
