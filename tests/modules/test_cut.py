from __future__ import annotations

import pickle
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.language.models import LibraryModel
from legonet.modules.cut import bottom, top
from legonet.modules.fcn import EfficientNetFcn, VggFcn
from legonet.modules.models import instantiate
from legonet.modules.small import small_fcn, small_vgg


class Plain(nn.Module):
    """A forward pass by hand, as many networks have it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.relu = nn.ReLU()
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)])
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor, unused: bool = False) -> Tensor:
        x.size(0)
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2, ceil_mode=True)
        x = self.relu(self.conv2(x))
        for block in self.blocks:
            x = self.relu(block(x))
        x = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(functional.dropout(x, 0.5, self.training))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Undecided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum() > 0 else x


class Reused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.last = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(self.layer(x)))


def code_of(call: pytest.ExceptionInfo[DiagnosticError]) -> str:
    return call.value.diagnostics[0].code


def assert_cut(network: nn.Module, path: str, pictures: Tensor) -> None:
    network.eval()
    below, above = bottom(network, path), top(network, path)
    with torch.no_grad():
        features = below(pictures)
        kept = features.clone()
        assert torch.equal(above(features), network(pictures))
        assert torch.equal(features, kept), "the task module overwrote its input"
    assert not any(module.training for side in (below, above) for module in side.modules())
    names = [*below.state_dict(), *above.state_dict()]
    own = {
        name: tensor
        for name, tensor in network.state_dict(keep_vars=True).items()
        if not name.startswith("aux")
    }
    assert sorted(names) == sorted(own)
    for side in (below, above):
        assert all(own[name] is tensor for name, tensor in side.state_dict(keep_vars=True).items())


SMALL_CUTS = ["features.0", "features.4", "features.14", "features", "classifier.0"]


@pytest.mark.parametrize("path", SMALL_CUTS)
@pytest.mark.parametrize("make", [small_vgg, small_fcn])
def test_small_networks_come_apart_anywhere(make: type, path: str) -> None:
    assert_cut(make(2), path, torch.randn(2, 3, 16, 24))


CUTS = {
    **{f"vgg{depth}": ["features.4", "features", "avgpool", "classifier.3"] for depth in (11, 16)},
    "vgg13_bn": ["features.6", "classifier.0"],
    "alexnet": ["features.2", "features", "avgpool", "classifier.3"],
    "resnet18": ["relu", "maxpool", "layer1", "layer2.0", "avgpool"],
    "resnet50": ["maxpool", "layer1.2", "layer3"],
    "mobilenet_v2": ["features.2", "features.2.conv.0", "features.3", "features"],
    "squeezenet1_0": ["features.3", "features.3.squeeze_activation", "features"],
    "squeezenet1_1": ["features.2", "features.4"],
    "googlenet": ["maxpool2", "inception3a", "maxpool3"],
    "densenet121": ["features.denseblock1", "features.transition1", "features"],
    "fcn_resnet50": ["backbone.layer1", "backbone.layer3.1", "backbone", "classifier.0"],
}


def library(name: str, **arguments: object) -> LibraryModel:
    return LibraryModel(library="torchvision", name=name, arguments=arguments)


@pytest.mark.parametrize("name", CUTS)
def test_torchvision_networks_come_apart_between_their_blocks(name: str) -> None:
    network = instantiate(library(name), device="meta")
    pictures = torch.empty(1, 3, 64, 64, device="meta")
    outputs = network(pictures).shape
    for path in CUTS[name]:
        below, above = bottom(network, path), top(network, path)
        assert above(below(pictures)).shape == outputs
        own = {name for name in network.state_dict() if not name.startswith("aux")}
        assert {*below.state_dict(), *above.state_dict()} == own


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "googlenet", "fcn_resnet50"])
def test_torchvision_networks_come_apart_bit_for_bit(name: str) -> None:
    torch.manual_seed(0)
    network = instantiate(library(name, **({} if "fcn" in name else {"num_classes": 2})))
    for path in CUTS[name][1:]:
        assert_cut(network, path, torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_an_fcn_with_skips_comes_apart_below_them(stride: int) -> None:
    network = instantiate(VggFcn(classes=2, depth=11, stride=stride), device="meta")
    pictures = torch.empty(1, 3, 64, 96, device="meta")
    for path in ["features.4", "classifier.6" if stride == 32 else "features.5"]:
        below, above = bottom(network, path), top(network, path)
        assert above(below(pictures)).shape == (1, 2, 64, 96)
    if stride < 32:
        with pytest.raises(DiagnosticError) as raised:
            bottom(network, "classifier.0")
        named = raised.value.diagnostics[0].help[0]
        assert named.startswith(f"cut after `features.{10 if stride == 8 else 15}`, the nearest")


def test_an_efficientnet_fcn_comes_apart_at_the_lowest_features_that_it_scores() -> None:
    pytest.importorskip("timm")
    torch.manual_seed(0)
    network = instantiate(EfficientNetFcn(backbone="tf_efficientnet_lite0", classes=1))
    for skip in network.skips:
        nn.init.normal_(skip.weight)
    for path in ("blocks.1", "blocks.2"):
        assert_cut(network, path, torch.randn(1, 3, 64, 96))
    with pytest.raises(DiagnosticError) as raised:
        bottom(network, "blocks.3")
    assert "`blocks.2`" in raised.value.diagnostics[0].help[0]


class Grown(nn.Module):
    """An answer in the size of the picture, which is asked for in two ways."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.last = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        scores = self.last(self.conv(x))
        size = (x.size(2), x.shape[3])
        return {"out": functional.interpolate(scores, size=size), "scores": scores}


def test_the_size_of_the_picture_is_taken_from_the_features() -> None:
    network = Grown().eval()
    pictures = torch.randn(2, 3, 12, 20)
    below, above = bottom(network, "conv"), top(network, "conv")
    assert torch.equal(above(below(pictures)), network(pictures)["out"])


class Narrowed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.last = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(self.last(self.conv(x)), size=x.shape[2:])


def test_a_size_that_is_no_multiple_of_the_features_is_refused() -> None:
    with pytest.raises(DiagnosticError) as raised:
        bottom(Narrowed(), "conv")
    assert "the size of the picture is needed after it" in raised.value.diagnostics[0].message


class Careless(nn.Module):
    """Overwrites features that it uses again, which no cut could keep apart."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        y = functional.relu(x, inplace=True)
        return self.last(y + x)


class Switched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor, doubled: bool = False, name: str | None = None) -> Tensor:
        x = functional.relu_(self.conv(x))
        if doubled or name is not None:
            x = 2 * x
        return self.last(x.relu_())


def test_other_arguments_keep_their_defaults_and_nothing_is_overwritten() -> None:
    torch.manual_seed(0)
    assert_cut(Switched(), "conv", torch.randn(1, 3, 4, 4))


@pytest.mark.parametrize("path", ["conv1", "conv2", "relu", "blocks.0", "blocks.1"])
def test_functions_become_layers(path: str) -> None:
    torch.manual_seed(0)
    assert_cut(Plain(), path, torch.randn(2, 3, 9, 9))


def test_a_network_in_training_is_cut_as_in_evaluation_and_left_as_it_was() -> None:
    torch.manual_seed(0)
    network = Plain().train()
    rest = top(network, "blocks.1")
    assert network.training
    assert rest.training
    features = torch.randn(2, 4, 3, 3)
    assert torch.equal(rest(features), rest(features)), "dropout stayed on"


def test_halves_can_be_copied_pickled_and_moved() -> None:
    network = small_vgg(1).eval()
    above = top(network, "features.4")
    features = torch.randn(1, 32, 8, 8)
    for other in (deepcopy(above), pickle.loads(pickle.dumps(above))):
        assert torch.equal(other(features), above(features))
    assert above.double()(features.double()).dtype == torch.float64


def test_one_layer_may_stand_in_a_sequence_twice() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    assert_cut(network, "1", torch.randn(3, 2))
    assert len(list(top(network, "1").children())) == 2


def test_an_unknown_module_is_answered_with_the_nearest() -> None:
    with pytest.raises(DiagnosticError) as raised:
        bottom(small_vgg(1), "feature.4")
    assert code_of(raised) == "LEGO510"
    assert "`features.4`" in raised.value.diagnostics[0].help[0]


@pytest.mark.parametrize(
    ("network", "path", "reason"),
    [
        (Residual(), "inner.0", "the picture is also needed after it"),
        (nn.Sequential(Residual()), "0.inner", "the picture is also needed after it"),
        (Undecided(), "layer", "Undecided depends on its input in a way that cannot be traced"),
        (nn.Sequential(Undecided()), "0.layer", "0 depends on its input"),
        (Reused(), "layer", "runs `layer` more than once"),
        (Careless(), "conv", "overwrites a tensor with `relu` and uses it again"),
        (nn.Sequential(nn.MultiheadAttention(2, 1)), "0.out_proj", "0"),
    ],
)
def test_no_cut_where_more_than_one_tensor_crosses(
    network: nn.Module, path: str, reason: str
) -> None:
    with pytest.raises(DiagnosticError) as raised:
        bottom(network, path)
    assert code_of(raised) == "LEGO511"
    assert reason in raised.value.diagnostics[0].message
    assert f"`{path}`" in raised.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("name", "path", "nearest"),
    [
        ("resnet18", "layer1.0.conv1", ("maxpool", "layer1.0")),
        ("resnet50", "layer2.0.downsample.0", ("layer1", "layer2.0")),
        (
            "densenet121",
            "features.denseblock1.denselayer3.conv1",
            ("features.pool0", "features.denseblock1"),
        ),
        ("mobilenet_v2", "features.3.conv.1", ("features.2", "features.3")),
        ("googlenet", "inception3a.branch2.0", ("maxpool2", "inception3a")),
        ("squeezenet1_0", "features.3.expand1x1", ("features.3.squeeze_activation", "features.3")),
    ],
)
def test_the_nearest_cuts_that_work_are_named(
    name: str, path: str, nearest: tuple[str, str]
) -> None:
    network = instantiate(library(name), device="meta")
    with pytest.raises(DiagnosticError) as raised:
        top(network, path)
    before, after = nearest
    named = raised.value.diagnostics[0].help[0]
    assert named.startswith(f"cut after `{before}` or `{after}`, the nearest")
    for other in nearest:
        bottom(network, other)


def test_something_must_lie_after_a_task_module_s_cut() -> None:
    network = small_vgg(1)
    pictures = torch.randn(1, 3, 16, 16)
    assert torch.equal(bottom(network.eval(), "classifier.3")(pictures), network(pictures))
    with pytest.raises(DiagnosticError) as raised:
        top(network, "classifier.3")
    assert code_of(raised) == "LEGO512"
