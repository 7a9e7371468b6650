"""The network of `tiny_yolo.TinyYolo`; imported no earlier than it is built."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Conv(nn.Sequential):
    """A conv, a batch normalisation and SiLU, as in YOLO."""

    def __init__(self, channels: int, others: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, others, 3, stride, 1, bias=False), nn.BatchNorm2d(others), nn.SiLU()
        )


class Yolo(nn.Module):
    """Pictures ``(N, 3, H, W)`` to boxes ``(N, 4 + K, A)``: shares of the picture, and logits."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            Conv(3, channels, 2), Conv(channels, 2 * channels, 2), Conv(2 * channels, 2 * channels)
        )
        self.deeper = Conv(2 * channels, 4 * channels, 2)
        self.lateral = Conv(6 * channels, 2 * channels)
        self.heads = nn.ModuleList(
            nn.Conv2d(width, 4 + classes, 1) for width in (2 * channels, 4 * channels)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Return every box of every picture."""
        near = self.backbone(pictures)
        far = self.deeper(near)
        above = functional.interpolate(far, scale_factor=2.0)
        maps = (self.lateral(torch.cat([near, above], 1)), far)
        found = [decoded(head(features)) for head, features in zip(self.heads, maps, strict=True)]
        return torch.cat(found, 2)


def decoded(raw: Tensor) -> Tensor:
    """Return the boxes of a head: distances from the middle of each cell become edges."""
    height, width = raw.shape[2:]
    rows = (torch.arange(height, device=raw.device, dtype=raw.dtype) + 0.5) / height
    columns = (torch.arange(width, device=raw.device, dtype=raw.dtype) + 0.5) / width
    middle = torch.stack(
        [columns[None, :].expand(height, width), rows[:, None].expand(height, width)]
    )
    near, far = functional.softplus(raw[:, :2]) / 8, functional.softplus(raw[:, 2:4]) / 8
    return torch.cat([middle - near, middle + far, raw[:, 4:]], 1).flatten(2)
