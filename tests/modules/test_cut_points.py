"""Every module at which a network can be cut."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.language.models import LibraryModel
from legonet.modules.cut import bottom, top
from legonet.modules.cut_points import cut_points
from legonet.modules.models import instantiate
from legonet.modules.small import small_vgg


def library(name: str, **arguments: object) -> nn.Module:
    package, _, model = name.partition(".")
    if package == "timm":
        pytest.importorskip("timm")
    return instantiate(LibraryModel(library=package, name=model, arguments=arguments))


NETWORKS = {
    "timm.test_vit": {"dynamic_img_size": False, "img_size": 64, "depth": 1},
    "timm.test_efficientnet": {},
    "torchvision.resnet18": {},
    "torchvision.squeezenet1_1": {},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_they_are_exactly_the_modules_at_which_it_can_be_cut(name: str) -> None:
    network = library(name, **NETWORKS[name])
    expected = set()
    shapes = network.to("meta")
    for path, _ in network.named_modules():
        try:
            bottom(shapes, path), top(shapes, path)
        except DiagnosticError:
            continue
        expected.add(path)
    found = cut_points(library(name, **NETWORKS[name]), torch.zeros(1, 3, 64, 64))
    assert {path for point in found for path in point.names} == expected


@torch.no_grad()
def test_each_says_what_crosses_there() -> None:
    torch.manual_seed(0)
    network = small_vgg(2).eval()
    pictures = torch.randn(4, 3, 16, 16)
    for point in cut_points(network, pictures):
        for name in point.names:
            below, above = bottom(network, name), top(network, name)
            features = below(pictures)
            assert tuple(features.shape[1:]) == point.layout.shape
            assert bool((features < 0).any()) == point.signed
            sides = (below, above)
            assert point.parameters == tuple(
                sum(item.numel() for item in side.parameters()) for side in sides
            )
            assert point.layers == tuple(
                sum(any(True for _ in m.parameters(recurse=False)) for m in side.modules())
                for side in sides
            )


class Backbone(nn.Module):
    """Returns a dict of one feature map, as torchvision's segmenters have it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"out": self.layer(x)}


class Segmenter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x)["out"])


def test_a_backbone_that_returns_a_dict_of_one_map_is_one() -> None:
    (found,) = cut_points(Segmenter().eval(), torch.zeros(1, 3, 8, 8))
    assert found.names == ("backbone", "backbone.layer")
    assert bottom(Segmenter(), "backbone")(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 8, 8)


class Blocks(nn.Module):
    """Its second block cannot be traced inside."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
        self.second = Deciding()
        self.last = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.second(self.first(x)))


class Deciding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if len(x) else x


def test_a_block_that_cannot_be_traced_stays_whole() -> None:
    found = cut_points(Blocks().eval(), torch.zeros(1, 3, 8, 8))
    assert [point.names for point in found] == [("first.0",), ("first", "first.1"), ("second",)]


class Sized(nn.Module):
    """Does something that depends on the size of its picture, and then runs its blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.blocks = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        if x.shape[2] > 4:
            x = x * 2
        return self.blocks(x)


def test_where_only_what_follows_can_be_traced_there_are_cuts_between_blocks() -> None:
    found = cut_points(Sized().eval(), torch.zeros(1, 3, 8, 8))
    assert [point.name for point in found] == ["blocks.0", "blocks.1"]
    assert [point.layout.shape for point in found] == [(4, 8, 8)] * 2
    assert [point.signed for point in found][1:] == [False]
    assert found[0].parameters == (3 * 4 + 4 + 4 * 4 + 4, 4 + 1)
    assert found[0].layers == (2, 1)


def test_dropouts_are_no_cuts_of_their_own() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(), nn.Identity(), nn.Conv2d(4, 1, 1))
    (found,) = cut_points(network.eval(), torch.zeros(1, 3, 8, 8))
    assert found.names == ("0", "1", "2")
    assert found.name == "0"


def test_a_network_that_cannot_be_traced_says_where() -> None:
    with pytest.raises(DiagnosticError) as raised:
        cut_points(Deciding(), torch.zeros(1, 4, 8, 8))
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO511"
    assert "`return self.inner(x) if len(x) else x` in test_cut_points.py, line" in (found.message)
