"""A model of another package, which imports torch no earlier than it is built."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pydantic import Field

from legonet.language.models import ModelForm

if TYPE_CHECKING:
    from torch import nn


class Tiny(ModelForm):
    """One conv, and a linear layer on its mean features.

    Args:
        classes: Number of outputs.
        channels: Channels of the conv (``features.0``).
    """

    call = "tiny"
    goal = "classification"
    version = 2
    classes: int = Field(ge=1)
    channels: int = Field(default=4, ge=1, le=64)

    def build(self) -> nn.Module:
        """Return the network."""
        from torch import nn

        features = nn.Sequential(nn.Conv2d(3, self.channels, 3, padding=1), nn.ReLU())
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        answer = nn.Linear(self.channels, self.classes)
        return nn.Sequential(OrderedDict(features=features, pooled=pooled, answer=answer))


class Steep(ModelForm):
    """A network whose upper half has a layer that only its own package knows.

    Args:
        classes: Number of outputs.
    """

    call = "steep"
    goal = "classification"
    version = 1
    classes: int = Field(ge=1)

    def build(self) -> nn.Module:
        """Return the network."""
        from torch import nn
        from two_slopes import TwoSlopes

        features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        upper = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), TwoSlopes(), nn.Conv2d(4, 4, 1))
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        answer = nn.Linear(4, self.classes)
        parts = OrderedDict(features=features, upper=upper, pooled=pooled, answer=answer)
        return nn.Sequential(parts)
