"""Task modules that are no chains: residual, dense and inception blocks, skips, random ones."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """A residual block whose one ReLU runs twice, as torchvision's does."""

    def __init__(self, channels, width=None, stride=1):
        super().__init__()
        width = width or channels
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        alike = width == channels and stride == 1
        self.downsample = None if alike else nn.Conv2d(channels, width, 1, stride)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


class Dense(nn.Module):
    """Each layer sees all maps before it."""

    def __init__(self, channels, growth=2, layers=2):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels + place * growth),
                nn.ReLU(),
                nn.Conv2d(channels + place * growth, growth, 3, padding=1),
            )
            for place in range(layers)
        )

    def forward(self, x):
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, dim=1)


class Inception(nn.Module):
    """Three branches side by side."""

    def __init__(self, channels):
        super().__init__()
        self.one = nn.Conv2d(channels, 2, 1)
        self.three = nn.Conv2d(channels, 3, 3, padding=1)
        self.pooled = nn.Conv2d(channels, 2, 1)

    def forward(self, x):
        pooled = functional.max_pool2d(x, 3, stride=1, padding=1)
        branches = [self.one(x), functional.relu(self.three(x), inplace=True), self.pooled(pooled)]
        return functional.relu(torch.cat(branches, 1))


class Skips(nn.Module):
    """An FCN: a score of a lower map is added, and the answer has the input's size."""

    def __init__(self, channels, classes=2):
        super().__init__()
        self.lower = nn.Sequential(nn.Conv2d(channels, 5, 3, padding=1), nn.ReLU6())
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.upper = nn.Sequential(nn.Conv2d(5, 6, 3, padding=1), nn.ReLU(), nn.Dropout())
        self.score = nn.Conv2d(6, classes, 1)
        self.skip = nn.Conv2d(5, classes, 1)
        self.upscore = nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1)

    def forward(self, x):
        lower = self.lower(x)
        scores = self.upscore(self.score(self.upper(self.pool(lower)))) + self.skip(lower)
        return functional.interpolate(
            scores[:, :, 1:-1, 1:-1], size=x.shape[-2:], mode="bilinear", align_corners=False
        )


class Shuffled(nn.Module):
    """Half of the channels pass by, then both halves are shuffled; sizes come from shapes."""

    def __init__(self, channels):
        super().__init__()
        self.half = channels // 2
        self.branch = nn.Conv2d(self.half, self.half, 3, padding=1, groups=self.half)

    def forward(self, x):
        first, second = x.chunk(2, dim=1)
        joined = torch.cat((first, functional.leaky_relu(self.branch(second), 0.1)), dim=1)
        count, channels, height, width = joined.size()
        split = joined.view(count, 2, channels // 2, height, width)
        return torch.transpose(split, 1, 2).contiguous().view(count, -1, height, width)


class Scaled(nn.Module):
    """Products and sums with constants, as networks that take pictures in another range have."""

    def __init__(self):
        super().__init__()
        self.register_buffer("factor", torch.tensor([[[0.5]], [[2.0]], [[-1.0]], [[1.5]]]))

    def forward(self, x):
        y = x[:, :2] * self.factor[:2] + 0.3
        return 2 * torch.cat([y, -x[:, 2:] / 3], 1) - x


class Resized(nn.Module):
    def __init__(self, mode, **options):
        super().__init__()
        self.options = {"mode": mode, **options}

    def forward(self, x):
        return functional.interpolate(x, **self.options)


class Head(nn.Module):
    """A classifier with functions where others have layers."""

    def __init__(self, channels, outputs=3):
        super().__init__()
        self.hidden = nn.Linear(channels * 4, 5)
        self.last = nn.Linear(5, outputs)

    def forward(self, x):
        x = functional.adaptive_avg_pool2d(x, (2, 2))
        x = functional.relu(self.hidden(x.view(x.size(0), -1)))
        return self.last(functional.dropout(x, 0.5, training=self.training))


class Mean(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.last = nn.Linear(channels, 2)

    def forward(self, x):
        return self.last(x.mean([2, 3]))


def resnet(channels=4):
    return nn.Sequential(
        Residual(channels),
        Residual(channels, 6, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 1),
    )


def densenet(channels=4):
    return nn.Sequential(Dense(channels), nn.Conv2d(channels + 4, 4, 1), nn.AvgPool2d(2), Head(4))


def inception(channels=4):
    return nn.Sequential(Inception(channels), nn.AdaptiveMaxPool2d(4), Inception(7), Mean(7))


def fcn(channels=4):
    return nn.Sequential(Residual(channels), Skips(channels))


LAYERS = {
    "conv": lambda c: (nn.Conv2d(c, 4, 3, padding=1), 4),
    "strided": lambda c: (nn.Conv2d(c, 6, 3, stride=2, padding=1), 6),
    "dilated": lambda c: (nn.Conv2d(c, 4, 3, padding=2, dilation=2), 4),
    "grouped": lambda c: (nn.Conv2d(c, 2 * c, 3, padding=1, groups=c), 2 * c),
    "same": lambda c: (nn.Conv2d(c, 3, (1, 3), padding="same"), 3),
    "reflected": lambda c: (nn.Conv2d(c, 4, 3, padding=1, padding_mode="replicate"), 4),
    "transposed": lambda c: (nn.ConvTranspose2d(c, 4, 3, 2, padding=1, output_padding=1), 4),
    "batch norm": lambda c: (nn.BatchNorm2d(c), c),
    "plain batch norm": lambda c: (nn.BatchNorm2d(c, affine=False), c),
    "relu": lambda c: (nn.ReLU(), c),
    "relu6": lambda c: (nn.ReLU6(), c),
    "leaky": lambda c: (nn.LeakyReLU(0.2), c),
    "prelu": lambda c: (nn.PReLU(c), c),
    "max-pool": lambda c: (nn.MaxPool2d(3, 2, padding=1), c),
    "average-pool": lambda c: (nn.AvgPool2d(2, ceil_mode=True), c),
    "adaptive max": lambda c: (nn.AdaptiveMaxPool2d(3), c),
    "adaptive average": lambda c: (nn.AdaptiveAvgPool2d((3, 2)), c),
    "bilinear": lambda c: (nn.Upsample(scale_factor=2, mode="bilinear"), c),
    "nearest": lambda c: (Resized("nearest", scale_factor=2), c),
    "dropout": lambda c: (nn.Dropout2d(), c),
    "pad": lambda c: (nn.ReflectionPad2d(1), c),
    "residual": lambda c: (Residual(c), c),
    "halved": lambda c: (Residual(c, 4, stride=2), 4),
    "dense": lambda c: (Dense(c), c + 4),
    "inception": lambda c: (Inception(c), 7),
    "shuffled": lambda c: (nn.Sequential(nn.Conv2d(c, 4, 1), Shuffled(4)), 4),
    "scaled": lambda c: (nn.Sequential(nn.Conv2d(c, 4, 1), Scaled()), 4),
    "skips": lambda c: (nn.Sequential(nn.AdaptiveAvgPool2d(8), Skips(c)), 2),
}

HEADS = {"none": None, "head": Head, "mean": Mean}


@st.composite
def networks(draw):
    """Small random networks for inputs of 4 x 8 x 8, by the names of their layers."""
    names = draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=6))
    return (*names, draw(st.sampled_from(sorted(HEADS))))


def built(names):
    *layers, head = names
    channels, modules = 4, []
    for name in layers:
        module, channels = LAYERS[name](channels)
        if name == "pad":
            # Reflection needs maps that are larger than the padding.
            modules.append(nn.AdaptiveAvgPool2d(4))
        modules.append(module)
    if HEADS[head] is not None:
        modules.append(HEADS[head](channels))
    return nn.Sequential(*modules)
