"""The fully convolutional networks that come with legonet, as a spec names them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.models import LibraryModel, ModelForm

if TYPE_CHECKING:
    from torch import nn


class VggFcn(ModelForm):
    """A fully convolutional VGG with skips, FCN-8s, 16s or 32s (Long et al. 2015).

    Its ``features`` are those of torchvision's VGG without batch norm, so a torchvision VGG can be
    its ancestor (``init``). The size of the pictures must be divisible by 32.

    Args:
        classes: Number of output maps; 1 for a network that knows a single category.
        depth: Depth of the VGG.
        stride: Pixels between neighbouring outputs before they are upsampled to the picture's size.
    """

    call = "legonet.vgg_fcn"
    goal = "segmentation"
    classes: int = Field(ge=1)
    depth: Literal[11, 13, 16, 19] = 16
    stride: Literal[8, 16, 32] = 8

    def build(self) -> nn.Module:
        """Return the network."""
        from legonet.modules.fcn_networks import FullyConvolutionalVgg

        return FullyConvolutionalVgg(self.classes, self.depth, self.stride)


class EfficientNetFcn(ModelForm):
    """A fully convolutional EfficientNet from timm with skips, FCN-8s, 16s or 32s.

    Its layers have the same names as timm's own, so the same EfficientNet, fine-tuned or with
    pretrained weights, can be its ancestor (``init``). The size of the pictures must be divisible
    by 32.

    Args:
        backbone: One of ``timm.list_models(module="efficientnet")``, such as
            ``tf_efficientnet_lite0``.
        classes: Number of output maps; 1 for a network that knows a single category.
        stride: Pixels between neighbouring outputs before they are upsampled to the picture's size.
    """

    call = "legonet.efficientnet_fcn"
    goal = "segmentation"
    backbone: str
    classes: int = Field(ge=1)
    stride: Literal[8, 16, 32] = 8

    def build(self) -> nn.Module:
        """Return the network over timm's own.

        Raises:
            DiagnosticError: timm is not installed, or has no such EfficientNet.
        """
        from legonet.modules.fcn_networks import FullyConvolutionalEfficientNet
        from legonet.modules.models import library_constructor

        constructor = library_constructor(LibraryModel(library="timm", name=self.backbone))
        known = importlib.import_module("timm").list_models(module="efficientnet")
        if self.backbone not in known:
            raise DiagnosticError.of(
                "LEGO501",
                f"`{self.call}` expects a timm EfficientNet, found `{self.backbone}`",
                label="not an EfficientNet",
                help=[
                    *did_you_mean(self.backbone, known, "backbone"),
                    'name one of `timm.list_models(module="efficientnet")`',
                ],
            )
        return FullyConvolutionalEfficientNet(constructor(), self.classes, self.stride)
