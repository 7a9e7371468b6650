"""A detector of another package, made as YOLO's are: a backbone, a neck of two scales, a head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from legonet.language.models import ModelForm

if TYPE_CHECKING:
    from torch import nn


class TinyYolo(ModelForm):
    """A small detector without anchors.

    Args:
        classes: Kinds of objects.
        channels: Channels of the first maps.
    """

    call = "tiny_yolo"
    goal = "detection"
    version = 1
    classes: int = Field(ge=1)
    channels: int = Field(default=4, ge=1)

    def build(self) -> nn.Module:
        """Return the network."""
        from tiny_yolo_network import Yolo

        return Yolo(self.classes, self.channels)
