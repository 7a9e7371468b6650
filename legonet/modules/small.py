"""The two small networks that come with legonet, for small pictures and small computers.

Both are chains of named children with torchvision's names, so that they can be cut anywhere.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from legonet.language.models import ModelForm

if TYPE_CHECKING:
    from torch import nn

_DEEPER = (64, 64, 128, 128)
"""Channels after each conv of the blocks that follow the first one."""


class SmallVgg(ModelForm):
    """A small VGG for small pictures, with torchvision's ``features`` and ``classifier``.

    Args:
        classes: Number of outputs; 1 for a network that knows a single category.
        channels: Channels after the first pooling (``features.4``).
    """

    call = "legonet.small_vgg"
    goal = "classification"
    classes: int = Field(ge=1)
    channels: int = Field(default=32, ge=1)

    def build(self) -> nn.Sequential:
        """Return the network."""
        return small_vgg(self.classes, self.channels)


class SmallFcn(ModelForm):
    """A fully convolutional network on the features of ``legonet.small_vgg``: outputs per pixel.

    Args:
        classes: Number of output maps; 1 for a network that knows a single category.
        channels: Channels after the first pooling (``features.4``).
        stride: Pixels between neighbouring outputs before they are upsampled to the picture's size;
            a smaller stride resolves finer edges and takes longer.
    """

    call = "legonet.small_fcn"
    goal = "segmentation"
    classes: int = Field(ge=1)
    channels: int = Field(default=32, ge=1)
    stride: Literal[2, 4, 8] = 4

    def build(self) -> nn.Sequential:
        """Return the network."""
        return small_fcn(self.classes, self.channels, self.stride)


def small_vgg(classes: int, channels: int = 32) -> nn.Sequential:
    """Return a small VGG for pictures of about 16 to 96 pixels.

    ``(N, 3, H, W)`` float32 goes in, H and W at least 8, and ``(N, classes)`` logits come out.
    ``features.0`` to ``features.4`` are conv, ReLU, conv, ReLU, max-pool.

    Args:
        classes: Outputs; 1 for a network that knows a single category.
        channels: Channels after the first pooling.
    """
    from torch import nn

    side = 2
    classifier = nn.Sequential(
        nn.Linear(_DEEPER[-1] * side * side, 256),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(256, classes),
    )
    return _initialised(
        nn.Sequential(
            OrderedDict(
                features=_features(channels),
                avgpool=nn.AdaptiveAvgPool2d(side),
                flatten=nn.Flatten(),
                classifier=classifier,
            )
        )
    )


def small_fcn(classes: int, channels: int = 32, stride: int = 4) -> nn.Sequential:
    """Return a fully convolutional network over the features of `small_vgg`.

    ``(N, 3, H, W)`` float32 goes in, H and W divisible by the stride, and logits per pixel,
    ``(N, classes, H, W)``, come out: 1x1 convs in place of the fully connected layers, then
    bilinear upsampling.

    Once the stride is reached, the poolings keep the size and the convs are dilated instead, so
    that each unit still sees as much of the picture as in `small_vgg` (the "hole algorithm" of
    Chen et al., DeepLab, arXiv 1412.7062, section 3.1).

    Args:
        classes: Output maps; 1 for a network that knows a single category.
        channels: Channels after the first pooling.
        stride: Pixels between neighbouring answers before upsampling: 2, 4 or 8.
    """
    from torch import nn

    classifier = nn.Sequential(
        nn.Conv2d(_DEEPER[-1], 256, 1),
        nn.ReLU(),
        nn.Dropout(),
        nn.Conv2d(256, classes, 1),
    )
    upsample = nn.Upsample(scale_factor=stride, mode="bilinear", align_corners=False)
    return _initialised(
        nn.Sequential(
            OrderedDict(
                features=_features(channels, stride), classifier=classifier, upsample=upsample
            )
        )
    )


def _features(channels: int, stride: int = 8) -> nn.Sequential:
    """Return three blocks of conv, ReLU, conv, ReLU and max-pool."""
    from torch import nn

    layers: list[nn.Module] = []
    widths = (3, channels, channels, *_DEEPER)
    reached = dilation = 1
    for number, (before, after) in enumerate(pairwise(widths)):
        layers += [nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        if number % 2 == 0:
            continue
        if reached < stride:
            layers.append(nn.MaxPool2d(2))
            reached *= 2
        else:
            layers.append(nn.MaxPool2d(3, stride=1, padding=1))
            dilation *= 2
    return nn.Sequential(*layers)


def _initialised(network: nn.Sequential) -> nn.Sequential:
    """Draw He's normal start, without which a deep chain of ReLUs learns nothing at first."""
    from torch import nn

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
