"""Networks that can only be traced after the cut."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.language.models import LibraryModel
from legonet.modules.crossing import on_meta
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze
from legonet.modules.models import instantiate


def block(channels: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())


class Positions(nn.Module):
    """Resizes a table of positions where the picture is not as large as it is."""

    def __init__(self, blocks: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 2, stride=2)
        self.table = nn.Parameter(torch.randn(1, 4, 8, 8))
        self.blocks = blocks
        self.head = nn.Linear(4, 2)

    def embedded(self, pictures: Tensor) -> Tensor:
        features = self.stem(pictures)
        _, _, height, width = features.shape
        table = self.table
        if (height, width) != (8, 8):
            table = nn.functional.interpolate(table, (height, width))
        return features + table

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.blocks(self.embedded(pictures)).mean((2, 3)))


class Loop(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        features = self.embedded(pictures)
        for item in self.blocks:
            features = item(features)
        return self.head(features.mean((2, 3)))


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(block(), block())

    def forward(self, features: Tensor) -> Tensor:
        return self.parts(features) * 2


NETWORKS = {
    "in a sequence": (lambda: Positions(nn.Sequential(block(), block(), block())), "blocks.1"),
    "a whole sequence": (lambda: Positions(nn.Sequential(block(), block())), "blocks"),
    "in a loop": (lambda: Loop(nn.ModuleList([block(), block(), block()])), "blocks.1"),
    "in a stage": (lambda: Positions(Stage()), "blocks.parts.0"),
    "in a stage of a sequence": (
        lambda: Positions(nn.Sequential(Stage(), Stage())),
        "blocks.1.parts.0",
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_both_parts_together_are_the_network(name: str) -> None:
    make, path = NETWORKS[name]
    network = make().eval()
    names = set(network.state_dict())
    below, above = bottom(network, path), top(network, path)
    for count, size in ((1, 16), (3, 16), (2, 24)):
        pictures = torch.randn(count, 3, size, size)
        assert torch.equal(above(below(pictures)), network(pictures))
    assert set(below.state_dict()) | set(above.state_dict()) == names
    assert not set(below.state_dict()) & set(above.state_dict())
    copied, meta = copy.deepcopy(below), on_meta(below)
    assert torch.equal(copied(pictures), below(pictures))
    assert meta(pictures.to("meta")).shape == below(pictures).shape
    assert set(network.state_dict()) == names


def test_it_can_be_exported() -> None:
    network = instantiate(LibraryModel(library="timm", name="test_vit", arguments={}))
    halves = nn.Sequential(freeze(bottom(network, "blocks.2")), freeze(top(network, "blocks.2")))
    pictures = torch.randn(2, 3, 64, 64)
    program = torch.export.export(halves, (pictures,))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(pictures), network(pictures))


class Remembers(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        early = self.embedded(pictures)
        return self.head((self.blocks(early) + early).mean((2, 3)))


class Counts(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        count = self.embedded(pictures).shape[0]
        features = self.blocks(self.embedded(pictures))
        return self.head(features.reshape(count, 4, -1).mean(2))


class Measures(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        height = self.embedded(pictures).shape[2]
        return self.head(self.blocks(self.embedded(pictures)).sum((2, 3)) / height)


class Twice(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.blocks(self.blocks(self.embedded(pictures))).mean((2, 3)))


class Decides(Positions):
    def forward(self, pictures: Tensor) -> Tensor:
        early = self.embedded(pictures)
        features = self.blocks(-early if early.sum() > 0 else early)
        return self.head(features.mean((2, 3)))


@pytest.mark.parametrize("kind", [Remembers, Counts, Measures, Twice, Decides])
def test_what_needs_more_than_the_features_is_refused(kind: type[Positions]) -> None:
    network = kind(nn.Sequential(block(), block())).eval()
    for part in (bottom, top):
        with pytest.raises(DiagnosticError) as caught:
            part(network, "blocks")
        assert caught.value.diagnostics[0].code == "LEGO511"
        assert caught.value.diagnostics[0].help
