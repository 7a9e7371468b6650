"""The adapter between a category module and a task module (section 3 of the paper)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from legonet.modules.bridge import Bridge
from legonet.modules.shapes_only import shapes_only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Activation = Literal["relu", "identity"]
"""What an adapter's features end with: a ReLU, or nothing."""


class Adapter(nn.Module):
    """A re-scaling layer and a few convs that join two networks.

    Strides are 1 and zero padding keeps the size of the map: ``(N, channels_in, H, W)`` goes in
    and ``(N, channels_out, H, W)`` comes out. The first conv changes the number of channels.

    With the activation ``relu``, a ReLU follows each conv, as in the paper. With ``identity``,
    features keep their sign: nothing follows the first conv, and each further one is a residual
    branch, ``y + conv(relu(y))``. So an adapter of any depth can start out equal to its first
    conv: its further convs are the identity between ReLUs, and zero in a residual branch.

    It begins with torch's own random start; torch's global generators are not touched.

    Args:
        channels_in: Channels of the category module's feature map.
        channels_out: Channels that the task module expects.
        kernels: Odd kernel sizes, bottom first.
        scale: The factor beta of the re-scaling layer. It is a buffer and never learned.
        generator: Draws the start; default: a new generator with a fixed seed.
        activation: ``relu`` for task modules that expect features of a ReLU, ``identity`` for
            those whose features have negative values.
        bridge: What brings features into the form of maps and back, where they come in another
            layout or size.
    """

    scale: Tensor

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernels: Sequence[int],
        scale: float = 1.0,
        generator: torch.Generator | None = None,
        activation: Activation = "relu",
        bridge: Bridge | None = None,
    ) -> None:
        super().__init__()
        self.activation: Activation = activation
        self.bridge = bridge
        self.register_buffer("scale", torch.tensor(float(scale)))
        first, *others = kernels
        convolutions = [_conv(channels_in, channels_out, first)]
        convolutions += [_conv(channels_out, channels_out, kernel) for kernel in others]
        layers: list[nn.Module] = []
        for place, convolution in enumerate(convolutions):
            if activation == "relu":
                layers += [convolution, nn.ReLU()]
            else:
                layers.append(ResidualConv(convolution) if place else convolution)
        self.layers = nn.Sequential(*layers)
        self._draw(generator or torch.Generator())

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Adapter:
        """Return an adapter of the form that `description` gave, with arbitrary weights."""
        bridge = description.get("bridge")
        return cls(
            description["channels_in"],
            description["channels_out"],
            description["kernels"],
            activation=description["activation"],
            bridge=None if bridge is None else Bridge.of(bridge),
        )

    @property
    def description(self) -> dict[str, Any]:
        """What determines the form of an adapter, as JSON values."""
        return {
            "channels_in": self.channels_in,
            "channels_out": self.channels_out,
            "kernels": list(self.kernels),
            "activation": self.activation,
            **({} if self.bridge is None else {"bridge": self.bridge.description}),
        }

    def bridged(self, bridge: Bridge) -> Adapter:
        """Make the adapter take features in their own layout, and return it.

        Args:
            bridge: From the layout of f to that of g_S.
        """
        self.bridge = None if bridge.is_plain else bridge
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, channels_out, H, W)`` for features ``(N, channels_in, H, W)``.

        With a bridge, each side has the layout and the size that the bridge says.
        """
        if self.bridge is not None:
            features = self.bridge.enter(features)
        rescaled: Tensor = self.scale * features
        joined: Tensor = self.layers(rescaled)
        return joined if self.bridge is None else self.bridge.leave(joined)

    @property
    def convolutions(self) -> list[nn.Conv2d]:
        """The convs, bottom first."""
        return [layer for layer in self.layers.modules() if isinstance(layer, nn.Conv2d)]

    @property
    def linear_kernels(self) -> list[Tensor]:
        """The kernel of the linear map that each conv stands for when ReLUs are the identity.

        It is the conv's own, ``(C_out, C_in, k, k)``; in a residual branch, plus the identity.
        """
        first, *others = (convolution.weight for convolution in self.convolutions)
        if self.activation == "relu":
            return [first, *others]
        return [first, *(weight + _identity(weight) for weight in others)]

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
        """Make the adapter the identity, as far as the channels go, and return it.

        Features come out as they went in, times `scale`; with the activation ``relu``, this holds
        for features that are nowhere negative.
        """
        for place, conv in enumerate(self.convolutions):
            if place and self.activation == "identity":
                nn.init.zeros_(conv.weight)
            else:
                nn.init.dirac_(conv.weight)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        return self

    def _draw(self, generator: torch.Generator) -> None:
        """Draw what `nn.Conv2d` starts with; see its `reset_parameters`."""
        for conv in self.convolutions:
            nn.init.kaiming_uniform_(conv.weight, a=math.sqrt(5), generator=generator)
            if conv.bias is not None:
                bound = 1 / math.sqrt(conv.weight[0].numel())
                nn.init.uniform_(conv.bias, -bound, bound, generator=generator)


class ResidualConv(nn.Module):
    """``y + conv(relu(y))``, which is exactly ``y`` while the conv is zero.

    Args:
        convolution: The conv of the branch; it keeps channels and size.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, C, H, W)`` for features of that shape."""
        changed: Tensor = self.convolution(features.relu())
        return features + changed


def _identity(like: Tensor) -> Tensor:
    """Return the kernel ``(C, C, k, k)`` of a conv that changes nothing."""
    return nn.init.dirac_(torch.empty_like(like, requires_grad=False))


def _conv(channels_in: int, channels_out: int, kernel: int) -> nn.Conv2d:
    """Return a conv that keeps the size of a map and has no start yet."""
    device = torch.get_default_device()
    with shapes_only():
        conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
    for name, parameter in list(conv.named_parameters()):
        setattr(conv, name, nn.Parameter(torch.empty(parameter.shape, device=device)))
    return conv
