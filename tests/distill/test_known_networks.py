"""Pseudo-gradients through torchvision's networks and the FCN, against plain autograd."""

from __future__ import annotations

import pytest
import reference
import torch
from toy_networks import seeded

from legonet.distill.pseudo_gradients.gates import random_gates
from legonet.distill.pseudo_gradients.surrogate import Surrogate
from legonet.language.models import LibraryModel
from legonet.modules import fcn_networks
from legonet.modules.cut import bottom, top
from legonet.modules.fcn import VggFcn
from legonet.modules.models import instantiate


def check(network, path, size=32):
    """Only the end of a network is passed, with few channels seen from outside."""
    pictures = torch.zeros(2, 3, size, size)
    with torch.no_grad():
        shape = tuple(bottom(network, path)(pictures).shape[1:])
    task_module = top(network, path).double()
    surrogate = Surrogate.of(task_module, shape)
    assert list(surrogate.shapes.relus) == reference.shapes(task_module, shape)[0]
    random = torch.Generator().manual_seed(0)
    shares = [torch.tensor(0.5)] * len(surrogate.shapes.relus)
    gates, _ = random_gates(surrogate, surrogate, 2, shares, random)
    given = torch.randn(2, *surrogate.shapes.output, generator=random, dtype=torch.float64)
    found = surrogate.pseudo_gradient(given, gates)
    expected = reference.pseudo_gradient(task_module, shape, given, gates.relus, gates.pools)
    assert float(expected.abs().max()) > 0
    assert float((found - expected).abs().max()) <= 1e-10 * float(expected.abs().max())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("resnet18", "layer3"),
        ("resnet50", "layer4.0"),
        ("mobilenet_v2", "features.14"),
        ("squeezenet1_1", "features.9"),
        ("googlenet", "inception5a"),
        ("densenet121", "features.denseblock3"),
    ],
)
def test_torchvisions_classifiers_are_passed_exactly(name, path):
    arguments = {"num_classes": 2}
    if name == "googlenet":
        arguments["init_weights"] = False
    network = seeded(
        lambda: instantiate(LibraryModel(library="torchvision", name=name, arguments=arguments)), 1
    )
    check(network, path)


@pytest.mark.parametrize(("path", "size"), [("blocks.4", 96), ("blocks.4", 144)])
def test_timms_padding_as_tensorflow_does_is_passed_exactly(path, size):
    pytest.importorskip("timm")
    arguments = {"num_classes": 2}
    model = LibraryModel(library="timm", name="tf_efficientnet_lite0", arguments=arguments)
    # The depthwise convs pad one side alone at even sizes, and both at odd ones.
    check(seeded(lambda: instantiate(model), 1), path, size=size)


def test_torchvisions_segmenter_is_passed_exactly():
    model = LibraryModel(library="torchvision", name="fcn_resnet50", arguments={"num_classes": 2})
    check(seeded(lambda: instantiate(model), 1), "backbone.layer4.1")


@pytest.mark.parametrize("stride", [8, 32])
def test_a_vgg_fcn_is_passed_exactly(stride, monkeypatch):
    monkeypatch.setattr(fcn_networks, "HIDDEN", 16)
    monkeypatch.setattr(fcn_networks, "WIDTHS", (4, 6, 8, 8, 8))
    network = seeded(lambda: instantiate(VggFcn(classes=2, depth=11, stride=stride)), 1)
    for name, parameter in network.named_parameters():
        if name.startswith("score_pool"):
            parameter.data.normal_()
    check(network, "features.4", size=64)
