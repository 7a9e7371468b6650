from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import nn

from legonet import registry
from legonet.diagnostics import DiagnosticError
from legonet.language.models import MODELS, LibraryModel, ModelForm
from legonet.modules import fcn_networks
from legonet.modules.digest import state_digest
from legonet.modules.fcn import EfficientNetFcn, VggFcn
from legonet.modules.models import instantiate, registered_model
from legonet.modules.small import SmallFcn, SmallVgg, small_fcn, small_vgg
from legonet.modules.weights import inherit


def torchvision(name: str, **arguments: Any) -> LibraryModel:
    return LibraryModel(library="torchvision", name=name, arguments=arguments)


def failure(model: Any) -> tuple[str, str, str]:
    with pytest.raises(DiagnosticError) as raised:
        instantiate(model, device="meta")
    diagnostic = raised.value.diagnostics[0]
    return diagnostic.code, diagnostic.message, " ".join(diagnostic.help)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_the_small_networks_answer_per_picture_and_per_pixel(size: int) -> None:
    pictures = torch.randn(2, 3, size, size)
    assert instantiate(SmallVgg(classes=5))(pictures).shape == (2, 5)
    assert instantiate(SmallFcn(classes=1))(pictures).shape == (2, 1, size, size)


def test_the_small_networks_share_features_and_begin_as_vgg_does() -> None:
    vgg, fcn = small_vgg(10, channels=24).features, small_fcn(1, channels=24).features
    shapes = {name: tensor.shape for name, tensor in vgg.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in fcn.state_dict().items()}
    kinds = [type(layer) for layer in vgg[:5]]
    assert kinds == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU, nn.MaxPool2d]
    assert vgg[2].out_channels == 24


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_vgg_fcn_takes_the_features_of_torchvisions_vgg(depth: int) -> None:
    vgg = instantiate(torchvision(f"vgg{depth}"), device="meta")
    for stride in (8, 16, 32):
        made = instantiate(VggFcn(classes=2, depth=depth, stride=stride), device="meta")
        assert made(torch.empty(1, 3, 64, 96, device="meta")).shape == (1, 2, 64, 96)
        shapes = {name: tensor.shape for name, tensor in made.features.state_dict().items()}
        assert shapes == {name: tensor.shape for name, tensor in vgg.features.state_dict().items()}
        assert made.classifier[0].weight.numel() == vgg.classifier[0].weight.numel()


def test_vgg_fcn_begins_as_its_paper_says() -> None:
    torch.manual_seed(0)
    with patch.object(fcn_networks, "HIDDEN", 8):
        network = instantiate(VggFcn(classes=2, depth=11))
    pictures = torch.randn(1, 3, 64, 64)
    answer = network(pictures)
    assert answer.shape == (1, 2, 64, 64)
    assert answer.std() > 0
    assert not network.score_pool3.weight.any(), "scores of lower poolings begin at zero"
    assert not network.score_pool4.weight.any()
    maps = torch.randn(1, 2, 6, 6)
    doubled = torch.nn.functional.interpolate(maps, scale_factor=2, mode="bilinear")
    inner = (..., slice(1, -1), slice(1, -1))
    assert torch.allclose(network.upscore2(maps)[inner], doubled[inner], atol=1e-6)


def test_efficientnet_fcn_inherits_every_layer_of_timms_network_but_the_classifier() -> None:
    pytest.importorskip("timm")
    model = LibraryModel(library="timm", name="tf_efficientnet_lite0", arguments={"num_classes": 1})
    ancestor = instantiate(model, seed=1).state_dict()
    network = instantiate(EfficientNetFcn(backbone="tf_efficientnet_lite0", classes=1))
    inherited = inherit(network, ancestor)
    assert set(ancestor) - set(inherited) == {"classifier.weight", "classifier.bias"}
    own = {name.partition(".")[0] for name in network.state_dict()} - {
        name.partition(".")[0] for name in inherited
    }
    assert own == {"score", "skips"}


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_efficientnet_fcn_answers_per_pixel_as_a_pooled_network_would(stride: int) -> None:
    timm = pytest.importorskip("timm")
    model = EfficientNetFcn(backbone="tf_efficientnet_lite0", classes=2, stride=stride)
    network = instantiate(model)
    pictures = torch.randn(1, 3, 64, 96)
    answer = network(pictures)
    assert answer.shape == (1, 2, 64, 96)
    assert len(network.skips) == {8: 2, 16: 1, 32: 0}[stride]
    # Lower blocks score nothing to begin with, and what is left is a linear layer at each place.
    backbone = timm.create_model("tf_efficientnet_lite0", num_classes=2).eval()
    inherit(backbone, network.state_dict())
    scores = torch.nn.functional.conv2d(
        backbone.forward_features(pictures), network.score.weight, network.score.bias
    )
    for _ in network.skips:
        scores = torch.nn.functional.interpolate(scores, scale_factor=2, mode="bilinear")
    expected = torch.nn.functional.interpolate(scores, scale_factor=stride, mode="bilinear")
    assert torch.allclose(answer, expected, atol=1e-5)


def test_lower_blocks_of_an_efficientnet_fcn_are_those_of_its_strides() -> None:
    pytest.importorskip("timm")
    network = instantiate(EfficientNetFcn(backbone="tf_efficientnet_lite0", classes=1))
    pictures = torch.randn(1, 3, 64, 96)
    seen: list[tuple[int, ...]] = []
    for skip in network.skips:
        skip.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape[1:])))
    before = network(pictures)
    assert seen == [(112, 4, 6), (40, 8, 12)]
    for skip in network.skips:
        torch.nn.init.ones_(skip.weight)
        assert not torch.equal(network(pictures), before)
        torch.nn.init.zeros_(skip.weight)


def test_a_backbone_that_is_no_efficientnet_is_refused() -> None:
    pytest.importorskip("timm")
    code, message, words = failure(EfficientNetFcn(backbone="resnet18", classes=1))
    assert code == "LEGO501"
    assert "found `resnet18`" in message
    assert 'timm.list_models(module="efficientnet")' in words
    code, message, words = failure(EfficientNetFcn(backbone="tf_efficientnet_lit0", classes=1))
    assert code == "LEGO502"
    assert "tf_efficientnet_lite0" in words


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_answers_beside_the_main_one_are_left_out_in_training(name: str) -> None:
    network = instantiate(torchvision(name), device="meta").train()
    assert network(torch.empty(2, 3, 299, 299, device="meta")).shape == (2, 1000)


def seen_by_one_unit(features: nn.Sequential) -> int:
    """Return how many pixels across the unit in the middle of the last map depends on."""
    layers = [
        nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
        if isinstance(layer, nn.MaxPool2d)
        else layer
        for layer in features
    ]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)
    pictures = torch.ones(1, 3, 128, 128, requires_grad=True)
    grid = nn.Sequential(*layers)(pictures)
    grid[0, 0, grid.shape[-1] // 2, grid.shape[-1] // 2].backward()
    assert pictures.grad is not None
    columns = pictures.grad.abs().sum((0, 1, 2)).nonzero()
    return int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_finer_stride_answers_more_often_and_sees_no_less(stride: int) -> None:
    network = instantiate(SmallFcn(classes=1, stride=stride))
    grid = network[:2](torch.randn(1, 3, 64, 64))
    assert grid.shape[-2:] == (64 // stride, 64 // stride)
    assert seen_by_one_unit(network[0]) >= seen_by_one_unit(small_vgg(1)[0])


def test_the_start_depends_on_the_seed_alone_and_leaves_the_generators_alone() -> None:
    digests = []
    for seed in (1, 1, 2):
        torch.rand(3)
        before = torch.get_rng_state()
        digests.append(state_digest(instantiate(SmallVgg(classes=2), seed=seed)))
        assert torch.equal(before, torch.get_rng_state())
    assert digests[0] == digests[1] != digests[2]


def test_networks_on_meta_hold_no_memory_and_draw_no_numbers() -> None:
    before = torch.random.get_rng_state()
    network = instantiate(torchvision("vgg16", num_classes=1), device="meta")
    assert all(parameter.is_meta for parameter in network.parameters())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "regnet_y_400mf", "fcn_resnet50"])
def test_library_models_are_made_without_weights_or_warnings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    before = torch.random.get_rng_state()
    network = instantiate(torchvision(name), device="meta")
    assert torch.equal(before, torch.random.get_rng_state())
    assert not network.training
    assert all(parameter.is_meta for parameter in network.parameters())


def test_no_layer_works_in_place() -> None:
    network = instantiate(torchvision("alexnet", num_classes=2), device="meta")
    assert not any(getattr(layer, "inplace", False) for layer in network.modules())


def test_wrong_arguments_name_the_model_and_the_argument() -> None:
    code, message, advice = failure(torchvision("alexnet", num_clases=1))
    assert code == "LEGO501"
    assert "`num_clases` of `torchvision.alexnet`" in message
    assert "`num_classes`" in advice
    code, message, _ = failure(torchvision("alexnet", num_classes="many"))
    assert code == "LEGO501"
    assert "`num_classes` of `torchvision.alexnet`" in message


def test_weights_are_no_argument() -> None:
    code, message, advice = failure(torchvision("alexnet", weights="DEFAULT"))
    assert (code, "`weights`" in message) == ("LEGO501", True)
    assert "weights:" in advice


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    code, _, advice = failure(torchvision("resnet19"))
    assert code == "LEGO502"
    assert "`torchvision.resnet1" in advice


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    code, message, advice = failure(LibraryModel(library="timm", name="resnet18"))
    assert code == "LEGO503"
    assert "timm" in message
    assert "legonet[timm]" in advice


class Tiny(ModelForm):
    call = "zoo.tiny"
    goal = "classification"
    outs: int = 1

    def build(self) -> nn.Module:
        return nn.Linear(3, self.outs)


class Wrong(ModelForm):
    call = "zoo.wrong"
    goal = "classification"

    def build(self) -> object:
        return {}


class Raises(ModelForm):
    call = "zoo.raises"
    goal = "classification"
    depth: int

    def build(self) -> object:
        raise ZeroDivisionError("no 'depth'")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"zoo.tiny": f"{__name__}:Tiny", "zoo.broken": "no_such_package_at_all:Model"}
    points = {name: EntryPoint(name, at, MODELS.group) for name, at in places.items()}
    monkeypatch.setattr(registry, "_registered", lambda group, path: points)


@pytest.mark.usefixtures("registered")
def test_other_packages_register_models() -> None:
    network = instantiate(registered_model("zoo.tiny")(outs=4))
    assert network(torch.zeros(1, 3)).shape == (1, 4)


def test_the_start_of_another_package_s_model_follows_the_seed() -> None:
    one, same, other = (instantiate(Tiny(), seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(one["weight"], same["weight"])
    assert not torch.equal(one["weight"], other["weight"])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(("call", "code"), [("zoo.tyny", "LEGO502"), ("zoo.broken", "LEGO503")])
def test_a_model_that_no_package_brings_is_named(call: str, code: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        registered_model(call)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert f"`{call}`" in diagnostic.message


@pytest.mark.parametrize(
    ("form", "word"), [(Wrong(), "dict"), (Raises(depth=2), "`depth` of `zoo.raises`")]
)
def test_what_is_wrong_with_another_package_s_model(form: ModelForm, word: str) -> None:
    found, message, _ = failure(form)
    assert found == "LEGO501"
    assert word in message
