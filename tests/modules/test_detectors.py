"""torchvision's detectors as networks with one tensor as their answer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import detection

from legonet.diagnostics import DiagnosticError
from legonet.language.models import LibraryModel
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.modules.shapes import shape_at

DETECTORS = {
    "ssdlite320_mobilenet_v3_large": (320, "backbone.features.0"),
    "fcos_resnet50_fpn": (64, "backbone.body.layer2"),
    "retinanet_resnet50_fpn": (64, "backbone.body.layer2"),
}

EVERYTHING = {
    "score_thresh": 0.0,
    "nms_thresh": 2.0,
    "topk_candidates": 100_000,
    "detections_per_img": 100_000,
    "image_mean": [0.0] * 3,
    "image_std": [1.0] * 3,
}
"""Lets torchvision's detectors keep all boxes, and take pictures as they are."""


def detector(name: str, **means: Any) -> nn.Module:
    model = LibraryModel(library="torchvision", name=name, arguments={"num_classes": 3})
    return instantiate(model, **means)


@pytest.mark.parametrize("name", DETECTORS)
@torch.no_grad()
def test_its_boxes_and_its_cuts_are_those_of_torchvision(name: str) -> None:
    size, cut = DETECTORS[name]
    network = detector(name)
    pictures = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    whole = network(pictures)
    assert torch.equal(top(network, cut)(bottom(network, cut)(pictures)), whole)
    answers = whole.transpose(1, 2)
    sizes = {} if "ssd" in name else {"min_size": size, "max_size": size}
    make = getattr(detection, name)
    theirs = make(weights=None, weights_backbone=None, num_classes=3, **EVERYTHING, **sizes).eval()
    theirs.load_state_dict(network.state_dict())
    (found,) = theirs([*pictures])
    boxes = answers[0, :, :4].clamp(0, 1) * size
    for label in (1, 2):
        own = torch.cat([boxes, answers[0, :, 3 + label, None].sigmoid()], 1)
        chosen = found["labels"] == label
        expected = torch.cat([found["boxes"], found["scores"][:, None]], 1)[chosen]
        assert len(own) == len(expected)
        distances = torch.cdist(own[:200], expected, compute_mode="donot_use_mm_for_euclid_dist")
        assert distances.min(1).values.max() < 1e-3


def test_a_size_that_its_anchors_do_not_divide_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="a size that 32 divides"):
        shape_at(detector("fcos_resnet50_fpn", device="meta"), (3, 72, 72))
