"""Pictures as a network knows them: the block ``input`` of a ``network``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from legonet.language.base import Frozen

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of red, green and blue on ImageNet, as torchvision's weights expect it."""

IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Standard deviation of red, green and blue on ImageNet."""

Channels = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
"""A number for each channel, in the network's own order."""


class Input(Frozen):
    """What a network was trained on, where it differs from ImageNet's usual pictures.

    Each field has a default: what the network's ready weights or its ancestor expect, as far as
    they say so, and otherwise the value below.

    Args:
        mean: Mean of each channel, in the network's order and range. Default: ImageNet's.
        std: Standard deviation of each channel. Default: ImageNet's.
        channels: Their order.
        range: What white is: 1 or 255.
        size: Height and width to which pictures are resized, if the network takes no others.
        crop: How much of the height and width is used, around the centre.
        interpolation: How pictures are resized to ``size``.
    """

    mean: Channels = IMAGENET_MEAN
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=3, max_length=3)] = (
        IMAGENET_DEVIATION
    )
    channels: Literal["rgb", "bgr"] = "rgb"
    range: Literal[1, 255] = 1
    size: int | None = Field(default=None, ge=1, le=4096)
    crop: float = Field(default=1.0, gt=0, le=1)
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"

    @property
    def is_default(self) -> bool:
        """Whether pictures reach the network as `legonet.data.to_tensor` makes them."""
        return self == Input(interpolation=self.interpolation)

    @property
    def words(self) -> str:
        """What differs from the default, such as ``mean 0.5 0.5 0.5, std 0.5 0.5 0.5``."""
        plain = Input()
        return ", ".join(
            f"{name} {' '.join(f'{item:g}' for item in value)}"
            if isinstance(value, tuple)
            else f"{name} {value}"
            for name, value in self
            if value != getattr(plain, name)
        )

    def changed(self, other: Input | None) -> Input:
        """Return the same with the fields that another one gives.

        A mean and a deviation that it does not give are scaled to its range.
        """
        if other is None:
            return self
        given: dict[str, Any] = {name: getattr(other, name) for name in other.model_fields_set}
        scale = given.get("range", self.range) / self.range
        turned = given.get("channels", self.channels) != self.channels
        for name in ("mean", "std"):
            own = tuple(item * scale for item in getattr(self, name))
            given.setdefault(name, own[::-1] if turned else own)
        return self.model_copy(update=given)
