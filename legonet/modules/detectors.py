"""torchvision's one-stage detectors as networks with one tensor as their answer."""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.modules.crossing import PICTURE, on_meta

STRIDE = 32
"""The stride of the last map of a backbone, from which feature pyramids begin."""

LEAST = 1e-6
"""The probability of an object is kept this far from 1, so that its logit is finite."""


class Detector(nn.Module):
    """A detector whose answer is all its boxes, before any of them is left out.

    torchvision's detectors scale their pictures, keep the best boxes, and return lists of them.
    None of this can be cut or learned through. Here pictures are taken as they are, and the answer
    is a tensor with every box of every picture. The names of the parameters are those of
    torchvision, so that its weights load.

    Args:
        detector: torchvision's FCOS, RetinaNet or SSD.

    Attributes:
        normalization: Mean and deviation of each channel that it expects its pictures to have.
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.head = detector.head
        self.levels = _levels(detector.backbone)
        self.boxes = Boxes(detector)
        self.normalization = detector.transform.image_mean, detector.transform.image_std

    def forward(self, pictures: Tensor) -> Tensor:
        """Return ``(N, 4 + K, A)``: for each of A anchors a box and K logits.

        A box is its left, top, right and lower edge, as shares of the picture's width and height. A
        logit says whether the box shows an object of a kind.

        Args:
            pictures: ``(N, 3, H, W)``.
        """
        found = self.backbone(pictures)
        maps = [found[level] for level in self.levels]
        answer: Tensor = self.boxes(pictures.shape, maps, self.head(maps))
        return answer


class Boxes(nn.Module):
    """From a head's outputs to boxes; it has no parameters.

    Args:
        detector: torchvision's detector, of which only what has no parameters is kept.
    """

    def __init__(self, detector: Any) -> None:
        from torchvision.models.detection.ssd import SSD

        super().__init__()
        # In a tuple it is no part of the network: it has no parameters.
        self._anchors = (detector.anchor_generator,)
        coder = detector.box_coder
        self.decode = getattr(coder, "decode_single", coder.decode)
        self.shares = isinstance(detector, SSD)
        self.multiple = _multiple(detector)

    def forward(self, shape: torch.Size, maps: list[Tensor], outputs: dict[str, Tensor]) -> Tensor:
        """Return ``(N, 4 + K, A)``, as `Detector` does.

        Args:
            shape: Of the pictures, ``(N, 3, H, W)``.
            maps: The feature maps that the head has seen.
            outputs: What the head made of them.
        """
        from torchvision.models.detection.image_list import ImageList

        height, width = shape[2], shape[3]
        if height % self.multiple or width % self.multiple:
            # After a cut, the size is computed from features, and so is a multiple of their stride.
            raise ValueError(f"its pictures need a size that {self.multiple} divides")
        like = maps[0]
        pictures = ImageList(like.new_empty(1, 3, height, width), [(height, width)])
        # A copy, since it keeps what it has seen last.
        (anchors,) = copy(self._anchors[0])(pictures, maps)
        codes = outputs["bbox_regression"]
        # Not every coder knows batches.
        boxes = self.decode(codes.flatten(0, 1), anchors.repeat(len(codes), 1)).view_as(codes)
        scale = like.new_tensor([width, height, width, height])
        return torch.cat([boxes / scale, self._logits(outputs)], 2).transpose(1, 2)

    def _logits(self, outputs: dict[str, Tensor]) -> Tensor:
        """Return the logits ``(N, A, K)`` of kinds of objects, without the first, background."""
        logits = outputs["cls_logits"]
        if self.shares:
            shares = logits.log_softmax(2)[:, :, 1:]
        elif "bbox_ctrness" in outputs:
            # FCOS takes the geometric mean of being an object and being in its centre.
            centred = functional.logsigmoid(outputs["bbox_ctrness"])
            shares = (functional.logsigmoid(logits[:, :, 1:]) + centred) / 2
        else:
            return logits[:, :, 1:]
        return shares - (-shares.clamp(max=-LEAST).expm1()).log()


def is_detector(network: nn.Module) -> bool:
    """Return whether a network is one of the detectors that `Detector` knows."""
    from torchvision.models.detection import FCOS, RetinaNet
    from torchvision.models.detection.ssd import SSD

    return isinstance(network, FCOS | SSD | RetinaNet)


def _multiple(detector: Any) -> int:
    """Return what must divide the size of a detector's pictures."""
    if not hasattr(detector.anchor_generator, "steps"):
        return STRIDE
    steps = detector.anchor_generator.steps
    return int(steps[0]) if steps else 1  # without steps, its anchors are shares of any picture


def _levels(backbone: nn.Module) -> tuple[str, ...]:
    """Return the names of a backbone's feature maps."""
    with torch.no_grad():
        maps = on_meta(backbone).eval()(torch.empty(PICTURE, device="meta"))
    return tuple(maps)
