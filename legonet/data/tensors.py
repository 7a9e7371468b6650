"""From pictures to what a network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.language.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def to_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return pictures as a network takes them, normalised as torchvision's weights expect.

    Args:
        images: ``(N, H, W, 3)``, uint8, RGB.

    Returns:
        ``(N, 3, H, W)``, float32, contiguous.
    """
    import torch

    mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    deviation = torch.tensor(IMAGENET_DEVIATION).view(3, 1, 1)
    # torch.tensor copies: the pictures may be read-only, and must not change with the tensor.
    channels_first = torch.tensor(images).permute(0, 3, 1, 2).contiguous()
    return channels_first.float().div_(255).sub_(mean).div_(deviation)
