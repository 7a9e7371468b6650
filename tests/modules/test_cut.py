from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from legonet.diagnostics import DiagnosticError
from legonet.modules.cut import bottom, sequence, top
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
        assert torch.equal(above(below(pictures)), network(pictures))
    assert not any(module.training for side in (below, above) for module in side.modules())
    assert sequence(below)[-1] is sequence(network.get_submodule(path))[-1]
    names = [*below.state_dict(), *above.state_dict()]
    assert sorted(names) == sorted(network.state_dict())
    own = network.state_dict(keep_vars=True)
    for side in (below, above):
        assert all(own[name] is tensor for name, tensor in side.state_dict(keep_vars=True).items())


SMALL_CUTS = ["features.0", "features.4", "features.14", "features", "classifier.0"]


@pytest.mark.parametrize("path", SMALL_CUTS)
@pytest.mark.parametrize("make", [small_vgg, small_fcn])
def test_small_networks_come_apart_anywhere(make: type, path: str) -> None:
    assert_cut(make(2), path, torch.randn(2, 3, 16, 24))


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("alexnet", ["features.2", "features", "avgpool", "classifier.3"]),
        ("vgg11", ["features.4"]),
        ("resnet18", ["maxpool", "layer1", "layer2.0"]),
    ],
)
def test_torchvision_networks_come_apart_between_their_blocks(name: str, paths: list[str]) -> None:
    torch.manual_seed(0)
    network = models.get_model(name, weights=None)
    for path in paths:
        assert_cut(network, path, torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize("path", ["conv1", "conv2", "relu", "blocks.0", "blocks.1"])
def test_functions_become_layers(path: str) -> None:
    torch.manual_seed(0)
    assert_cut(Plain(), path, torch.randn(2, 3, 9, 9))


def test_a_network_in_training_is_cut_as_in_evaluation_and_left_as_it_was() -> None:
    network = Plain().train()
    layers = [type(layer).__name__ for layer in sequence(top(network, "blocks.1"))]
    assert layers == ["ReLU", "AdaptiveAvgPool2d", "Flatten", "Dropout", "Linear"]
    assert network.training


def test_layers_come_in_the_order_in_which_they_run() -> None:
    network = small_vgg(1)
    layers = sequence(network)
    assert layers[:5] == [network.get_submodule(f"features.{place}") for place in range(5)]
    assert [type(layer).__name__ for layer in layers[15:]] == [
        "AdaptiveAvgPool2d",
        "Flatten",
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
    ]
    with torch.device("meta"):
        whole = sequence(models.vgg11(weights=None))
    assert [type(layer).__name__ for layer in whole].count("Flatten") == 1


def test_a_block_that_branches_is_one_layer() -> None:
    block = Residual()
    assert sequence(nn.Sequential(nn.ReLU(), block))[1] is block


def test_one_layer_may_stand_in_a_sequence_twice() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    assert len(sequence(network)) == 4
    assert_cut(network, "1", torch.randn(3, 2))


def test_an_unknown_module_is_answered_with_the_nearest() -> None:
    with pytest.raises(DiagnosticError) as raised:
        bottom(small_vgg(1), "feature.4")
    assert code_of(raised) == "LEGO510"
    assert "`features.4`" in raised.value.diagnostics[0].help[0]


@pytest.mark.parametrize(
    ("network", "path", "reason"),
    [
        (Residual(), "inner.0", "Residual branches around"),
        (nn.Sequential(Residual()), "0.inner", "Residual branches around"),
        (Undecided(), "layer", "cannot be traced"),
        (Reused(), "layer", "calls `layer` more than once"),
        (nn.Sequential(nn.MultiheadAttention(2, 1)), "0.out_proj", "does not run `out_proj`"),
    ],
)
def test_no_cut_through_a_network_that_is_no_chain(
    network: nn.Module, path: str, reason: str
) -> None:
    with pytest.raises(DiagnosticError) as raised:
        bottom(network, path)
    assert code_of(raised) == "LEGO511"
    assert reason in raised.value.diagnostics[0].message
    assert f"`{path}`" in raised.value.diagnostics[0].message


def test_something_must_lie_behind_a_task_module_s_cut() -> None:
    network = small_vgg(1)
    assert len(sequence(bottom(network, "classifier.3"))) == len(sequence(network))
    with pytest.raises(DiagnosticError) as raised:
        top(network, "classifier.3")
    assert code_of(raised) == "LEGO512"
