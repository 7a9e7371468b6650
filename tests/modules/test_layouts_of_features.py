"""Layouts of features at cuts, against what the libraries say of their own features."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.language.declarations import LayoutName
from legonet.language.models import LibraryModel
from legonet.modules.adapter import Adapter
from legonet.modules.bridge import Bridge, entering, leaving
from legonet.modules.cut import bottom, top
from legonet.modules.layout import Layout, tokens
from legonet.modules.models import instantiate
from legonet.modules.recognition import layout_of

VIT = {"img_size": 32, "depth": 3, "embed_dim": 48, "num_heads": 3, "num_classes": 3}
NETWORKS = {
    "vit": ("timm", "vit_tiny_patch16_224", {**VIT, "patch_size": 8}, "blocks.1", 32),
    "deit": ("timm", "deit_tiny_distilled_patch16_224", {**VIT, "patch_size": 8}, "blocks.1", 32),
    "dinov2": (
        "timm",
        "vit_small_patch14_reg4_dinov2",
        {**VIT, "img_size": 28},
        "blocks.1",
        28,
    ),
    "mixer": (
        "timm",
        "mixer_s32_224",
        {"img_size": 64, "num_classes": 3},
        "blocks.1",
        64,
    ),
    "swin": (
        "timm",
        "swin_tiny_patch4_window7_224",
        {
            "img_size": 32,
            "window_size": 4,
            "embed_dim": 16,
            "depths": [1, 1],
            "num_heads": [2, 2],
            "num_classes": 3,
        },
        "layers.0",
        32,
    ),
    "convnext": (
        "timm",
        "convnext_tiny",
        {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16], "num_classes": 3},
        "stages.0",
        32,
    ),
}
"""Library, model, arguments, cut and size of pictures."""

LAYOUTS = {
    "vit": Layout("tokens", 48, 4, 4, 1),
    "deit": Layout("tokens", 48, 4, 4, 2),
    "dinov2": Layout("tokens", 48, 2, 2, 5),
    "mixer": Layout("tokens", 512, 2, 2),
    "swin": Layout("channels_last", 16, 8, 8),
    "convnext": Layout("maps", 8, 8, 8),
}


def network(name: str) -> nn.Module:
    library, model, arguments, *_ = NETWORKS[name]
    made = LibraryModel(library=library, name=model, arguments=dict(arguments))
    return instantiate(made, seed=1)


def pictures(size: int) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def found(name: str, said: LayoutName | None = None) -> Layout:
    *_, cut, size = NETWORKS[name]
    made = network(name)
    return layout_of(made, bottom(made, cut), size, said)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layout_is_recognised(name: str) -> None:
    assert found(name) == LAYOUTS[name]


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_features_enter_as_the_library_has_them_as_maps(name: str) -> None:
    *_, cut, size = NETWORKS[name]
    made, place = network(name), cut.split(".")[1]
    layout = LAYOUTS[name]
    module = entering(bottom(made, cut), Bridge.between(layout, Layout("maps", 1, *layout.grid)))
    seen = module(pictures(size))
    assert seen.shape == (2, layout.channels, *layout.grid)
    (own,) = made.forward_intermediates(
        pictures(size), indices=[int(place)], intermediates_only=True, norm=False
    )
    torch.testing.assert_close(seen, own, rtol=0, atol=0)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_network_joined_with_itself_answers_as_before(name: str) -> None:
    *_, cut, size = NETWORKS[name]
    made, layout = network(name), LAYOUTS[name]
    bridge = Bridge.between(layout, layout)
    x = pictures(size)
    joined = leaving(top(made, cut), bridge.own)(entering(bottom(made, cut), bridge)(x))
    assert torch.equal(joined, made(x))
    adapter = Adapter(layout.channels, layout.channels, (1,), activation="identity").dirac_()
    answer = top(made, cut)(adapter.bridged(bridge)(bottom(made, cut)(x)))
    torch.testing.assert_close(answer, made(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("after", NETWORKS)
@pytest.mark.parametrize("until", NETWORKS)
def test_any_layout_goes_into_any_other(until: str, after: str) -> None:
    reads, writes = LAYOUTS[until], LAYOUTS[after]
    bridge = Bridge.between(reads, writes)
    adapter = Adapter(reads.channels, writes.channels, (1,)).bridged(bridge)
    features = torch.randn(2, *reads.shape)
    assert adapter(features).shape == (2, *writes.shape)
    again = Adapter.of(adapter.description)
    again.load_state_dict(adapter.state_dict())
    assert torch.equal(again(features), adapter(features))
    # The way back to the rest of f's own network has the shape that it takes.
    maps = torch.randn(2, reads.channels, *bridge.joined[1:])
    assert bridge.inverse.leave(bridge.inverse.resized(maps)).shape == (2, *reads.shape)


def test_between_maps_of_one_size_nothing_is_done() -> None:
    maps = Layout("maps", 4, 8, 8)
    adapter = Adapter(4, 6, (3,)).bridged(Bridge.between(maps, Layout("maps", 6, 8, 8)))
    assert adapter.bridge is None
    assert "bridge" not in adapter.description


def test_class_tokens_stay_class_tokens() -> None:
    vit, deit = LAYOUTS["vit"], LAYOUTS["deit"]
    features = torch.randn(2, *vit.shape)
    entered = Bridge.between(vit, deit).enter(features).squeeze(3).transpose(1, 2)
    assert torch.equal(entered[:, 0], features[:, 0])
    assert torch.equal(entered[:, 2:], features[:, 1:])
    torch.testing.assert_close(entered[:, 1], features[:, 1:].mean(1))


def test_grids_of_tokens_are_resized_and_what_comes_before_is_not() -> None:
    large, small = tokens(197, 8, 1), tokens(50, 8, 1)
    features = torch.randn(2, *large.shape, dtype=torch.float64)
    entered = Bridge.between(large, small).enter(features)
    grid = features[:, 1:].reshape(2, 14, 14, 8)
    averaged = grid.reshape(2, 7, 2, 7, 2, 8).mean((2, 4)).reshape(2, 49, 8)
    torch.testing.assert_close(entered[..., 0].transpose(1, 2)[:, 1:], averaged)
    assert torch.equal(entered[..., 0].transpose(1, 2)[:, 0], features[:, 0])


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [(14, 7, "averaged"), (8, 16, "bilinear"), (7, 14, "bilinear"), (14, 8, "bilinear")],
)
def test_sizes_that_differ_are_resized(before: int, after: int, how: str) -> None:
    ends = (Layout("maps", 3, side, side) for side in (before, after))
    bridge = Bridge.between(*ends)
    ramp = torch.linspace(0, 1, before).expand(1, 3, before, before)
    entered = bridge.enter(ramp)
    assert bridge.resized_how == f"{before}x{before} to {after}x{after}, {how}"
    assert entered.shape[2:] == (after, after)
    # A plane stays a plane, away from the margin.
    middles = (torch.arange(after) + 0.5) * before / after - 0.5
    expected = (middles / (before - 1))[2:-2]
    torch.testing.assert_close(entered[0, 0, 0, 2:-2], expected, rtol=0, atol=5e-3)


def test_tokens_before_the_grid_are_counted_by_the_square_that_is_left() -> None:
    assert tokens(197, 8, None).prefix == 1
    assert tokens(9, 8, None).prefix == 0
    assert tokens(9, 8, 5).grid == (2, 2)
    assert tokens(196, 8, 1).prefix == 0  # class tokens may come after the last block only
    assert not tokens(1000, 8, None).gridded
    assert tokens(64, 8, None, ordered=False).shape == (64, 8)


def test_equal_axes_are_told_apart_by_a_larger_picture() -> None:
    maps = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Identity())
    assert layout_of(maps, maps, 8).kind == "maps"
    last = nn.Sequential(nn.Conv2d(3, 8, 1), Permuted(0, 2, 3, 1))
    assert layout_of(last, last, 8).kind == "channels_last"


class Permuted(nn.Module):
    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(*self.axes)


def test_features_that_do_not_count_pictures_are_refused() -> None:
    windows = nn.Sequential(nn.Unfold(4, stride=4), Permuted(2, 0, 1))
    with pytest.raises(DiagnosticError) as raised:
        layout_of(windows, windows, 16)
    assert raised.value.diagnostics[0].code == "LEGO524"


def test_what_is_said_is_believed_if_it_can_be() -> None:
    assert found("swin", "maps") == Layout("maps", 8, 8, 16)
    with pytest.raises(DiagnosticError) as raised:
        found("swin", "vectors")
    assert raised.value.diagnostics[0].code == "LEGO524"
