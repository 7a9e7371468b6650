"""The adapter between a category module and a task module (section 3 of the paper)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from legonet.modules.shapes_only import shapes_only

if TYPE_CHECKING:
    from collections.abc import Sequence


class Adapter(nn.Module):
    """A re-scaling layer and a few convs, with a ReLU behind each.

    Strides are 1 and the zero padding keeps the size of the map: ``(N, channels_in, H, W)`` goes
    in and ``(N, channels_out, H, W)`` comes out. The first conv changes the channels. It begins
    with torch's own random start; torch's global generators are left alone.

    Args:
        channels_in: Channels of the category module's feature map.
        channels_out: Channels that the task module expects.
        kernels: Odd kernel sizes, bottom first.
        scale: The factor beta of the re-scaling layer. It is a buffer, never learned.
        generator: Draws the start; one that is always the same unless given.
    """

    scale: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernels: Sequence[int],
        scale: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(float(scale)))
        layers: list[nn.Module] = []
        for kernel in kernels:
            layers.append(_conv(channels_in, channels_out, kernel))
            layers.append(nn.ReLU())
            channels_in = channels_out
        self.layers = nn.Sequential(*layers)
        self._draw(generator or torch.Generator())

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

    def _draw(self, generator: torch.Generator) -> None:
        """Draw what `nn.Conv2d` begins with, see its `reset_parameters`."""
        for conv in self.convolutions:
            nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5), generator=generator)
            if conv.bias is not None:
                bound = 1 / math.sqrt(conv.weight[0].numel())
                nn.init.uniform_(conv.bias, -bound, bound, generator=generator)


def _conv(channels_in: int, channels_out: int, kernel: int) -> nn.Conv2d:
    """Return a conv that keeps the size of a map and has no start yet."""
    device = torch.get_default_device()
    with shapes_only():
        conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    for name, parameter in list(conv.named_parameters()):
        setattr(conv, name, nn.Parameter(torch.empty(parameter.shape, device=device)))
    return conv
