"""VGG and EfficientNet as fully convolutional networks, FCN-32s, 16s and 8s.

Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of VGG's five blocks."""

HIDDEN = 4096
"""Channels of the fully connected layers."""

CONVS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convs in each block, by VGG's depth; every block ends with a max-pool."""

STRIDES = (16, 8)
"""Strides of EfficientNet's features that add scores of their own, the coarser stride first."""


class FullyConvolutionalVgg(nn.Module):
    """A fully convolutional VGG with the names of the paper's layers.

    ``(N, 3, H, W)`` float32 goes in, H and W divisible by 32, and logits per pixel,
    ``(N, classes, H, W)``, come out. ``features`` has the layers, names and shapes of
    torchvision's VGG without batch norm, and ``classifier`` its fully connected layers as convs,
    padded so that the maps keep their size. Finer strides add scores of lower poolings; the
    layers that double a map are learned and begin as bilinear, while the last upsampling is fixed
    and bilinear.

    Args:
        classes: Output maps.
        depth: 11, 13, 16 or 19.
        stride: Pixels between neighbouring answers before the last upsampling: 8, 16 or 32.
    """

    def __init__(self, classes: int, depth: int = 16, stride: int = 8) -> None:
        super().__init__()
        self.features = _features(depth)
        self.classifier = nn.Sequential(
            nn.Conv2d(WIDTHS[-1], HIDDEN, 7, padding=3),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(HIDDEN, HIDDEN, 1),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv2d(HIDDEN, classes, 1),
        )
        if stride <= 16:
            self.score_pool4 = nn.Conv2d(WIDTHS[3], classes, 1)
            self.upscore2 = _doubling(classes)
        if stride <= 8:
            self.score_pool3 = nn.Conv2d(WIDTHS[2], classes, 1)
            self.upscore_pool4 = _doubling(classes)
        self.upscore = nn.Upsample(scale_factor=stride, mode="bilinear", align_corners=False)
        self.stride = stride
        self._initialise()

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits per pixel."""
        pooled = []
        values = pictures
        for layer in self.features:
            values = layer(values)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(values)
        scores: Tensor = self.classifier(values)
        if self.stride <= 16:
            scores = self.upscore2(scores) + self.score_pool4(pooled[3])
        if self.stride <= 8:
            scores = self.upscore_pool4(scores) + self.score_pool3(pooled[2])
        answer: Tensor = self.upscore(scores)
        return answer

    def _initialise(self) -> None:
        """Draw He's normal start; scores of lower poolings begin at zero, as in the paper."""
        for name, layer in self.named_modules():
            if not isinstance(layer, nn.Conv2d):
                continue
            if name.startswith("score_pool"):
                nn.init.zeros_(layer.weight)
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class FullyConvolutionalEfficientNet(nn.Module):
    """An EfficientNet that answers per pixel; its layers keep timm's names.

    ``(N, 3, H, W)`` float32 goes in, H and W divisible by 32, and logits per pixel,
    ``(N, classes, H, W)``, come out. In place of the pooling and the fully connected layer, a 1x1
    conv scores each position of the last features; finer strides add scores of lower blocks,
    which begin at zero, as in the paper. All upsampling is fixed and bilinear.

    Args:
        backbone: The network as timm creates it; its layers are reused, not copied.
        classes: Output maps.
        stride: Pixels between neighbouring answers before the last upsampling: 8, 16 or 32.
    """

    def __init__(self, backbone: Any, classes: int, stride: int = 8) -> None:
        super().__init__()
        self.conv_stem: nn.Module = backbone.conv_stem
        self.bn1: nn.Module = backbone.bn1
        self.blocks: nn.Sequential = backbone.blocks
        self.conv_head: nn.Module = backbone.conv_head
        self.bn2: nn.Module = backbone.bn2
        self.score = nn.Conv2d(backbone.num_features, classes, 1)
        last = {item["reduction"]: item for item in backbone.feature_info}
        skips = [last[reached] for reached in STRIDES if reached >= stride]
        self._places = [int(item["module"].rpartition(".")[2]) for item in skips]
        self.skips = nn.ModuleList(_zero_conv(item["num_chs"], classes) for item in skips)
        self.upscore2 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.upscore = nn.Upsample(scale_factor=stride, mode="bilinear", align_corners=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits per pixel."""
        values = self.bn1(self.conv_stem(pictures))
        features = []
        for block in self.blocks:
            values = block(values)
            features.append(values)
        scores: Tensor = self.score(self.bn2(self.conv_head(values)))
        for place, skip in zip(self._places, self.skips, strict=True):
            scores = self.upscore2(scores) + skip(features[place])
        answer: Tensor = self.upscore(scores)
        return answer


def _features(depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for width, convs in zip(WIDTHS, CONVS[depth], strict=True):
        for _ in range(convs):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _doubling(classes: int) -> nn.ConvTranspose2d:
    """Return a transposed conv that doubles a map, bilinear to begin with."""
    layer = nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1, bias=False)
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.zero_()
        for number in range(classes):
            layer.weight[number, number] = line[:, None] * line
    return layer


def _zero_conv(channels: int, classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, classes, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
