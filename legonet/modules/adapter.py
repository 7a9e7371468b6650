"""The adapter between a category module and a task module (section 3 of the paper)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Adapter(nn.Module):
    """A re-scaling layer and a few convs, with a ReLU behind each.

    Strides are 1 and the zero padding keeps the size of the map: ``(N, channels_in, H, W)`` goes
    in and ``(N, channels_out, H, W)`` comes out. The first conv changes the channels. It begins
    with torch's own random start.

    Args:
        channels_in: Channels of the category module's feature map.
        channels_out: Channels that the task module expects.
        kernels: Odd kernel sizes, bottom first.
        scale: The factor beta of the re-scaling layer. It is a buffer, never learned.
    """

    scale: Tensor

    def __init__(
        self, channels_in: int, channels_out: int, kernels: Sequence[int], scale: float = 1.0
    ) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(float(scale)))
        layers: list[nn.Module] = []
        for kernel in kernels:
            layers.append(nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2))
            layers.append(nn.ReLU())
            channels_in = channels_out
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, channels_out, H, W)`` for features ``(N, channels_in, H, W)``."""
        rescaled: Tensor = self.scale * features
        joined: Tensor = self.layers(rescaled)
        return joined

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """The convs, bottom first."""
        return [layer for layer in self.layers if isinstance(layer, nn.Conv2d)]

    @property
    def kernels(self) -> tuple[int, ...]:
        """The kernel sizes, bottom first."""
        return tuple(conv.kernel_size[0] for conv in self.convolutions)

    @property
    def channels_in(self) -> int:
        """Channels of the category module's feature map."""
        return self.convolutions[0].in_channels

    @property
    def channels_out(self) -> int:
        """Channels that the task module expects."""
        return self.convolutions[-1].out_channels

    @torch.no_grad()
    def dirac_(self) -> Adapter:
        """Make every conv the identity, as far as the channels reach, and return the adapter.

        Behind it features that are nowhere negative come out as they went in, times `scale`.
        """
        for conv in self.convolutions:
            nn.init.dirac_(conv.weight)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        return self
