"""A folded module computes the same, in fewer operations, and shares nothing that it changes."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.modules.folded import folded
from legonet.modules.freeze import freeze


class Affine(nn.Module):
    """What timm does: the batch norm is a function, with the module's own tensors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, inputs: Tensor) -> Tensor:
        norm = self.norm
        return functional.batch_norm(
            self.conv(inputs),
            norm.running_mean,
            norm.running_var,
            norm.weight,
            norm.bias,
            False,
            0.1,
            norm.eps,
        )


class UsedTwice(nn.Module):
    """A convolution whose output is also used as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, inputs: Tensor) -> Tensor:
        seen = self.conv(inputs)
        return self.norm(seen) + seen


class Shared(nn.Module):
    """One convolution before two batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.second(self.conv(self.first(self.conv(inputs)).relu()))


class Scaled(nn.Conv2d):
    """A convolution of another library, which changes its weights first."""

    def forward(self, inputs: Tensor) -> Tensor:
        weight = self.weight / self.weight.norm()
        return functional.conv2d(inputs, weight, self.bias, padding=1)


def scaled() -> nn.Module:
    return nn.Sequential(Scaled(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def plain() -> nn.Module:
    return nn.Sequential(
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 8, 3, stride=2, padding=2, dilation=2),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Conv2d(8, 8, 3, padding="same", padding_mode="reflect"),
        nn.BatchNorm2d(8, affine=False),
        nn.Conv2d(8, 3, 1, bias=False),
        nn.BatchNorm2d(3, track_running_stats=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 2),
    )


MODULES = {
    "plain": (plain, 1),
    "functions": (lambda: nn.Sequential(Affine(4), nn.ReLU(), Affine(4)), 0),
    "used_twice": (UsedTwice, 1),
    "shared": (Shared, 0),
    "scaled": (scaled, 1),
}


def trained(module: nn.Module) -> nn.Module:
    """Return a module whose batch norms saw something, frozen."""
    torch.manual_seed(0)
    module.train()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d) and part.affine:
                nn.init.uniform_(part.weight, 0.5, 2.0)
                nn.init.normal_(part.bias)
        for _ in range(5):
            module(3 * torch.randn(8, 4, 9, 9) + 1)
    return freeze(module)


def norms(module: nn.Module) -> int:
    """Return how many batch norms run."""
    assert isinstance(module, fx.GraphModule)
    found = 0
    for node in module.graph.nodes:
        layer = module.get_submodule(str(node.target)) if node.op == "call_module" else None
        found += isinstance(layer, nn.BatchNorm2d) or node.target is functional.batch_norm
    return found


@pytest.mark.parametrize("name", MODULES)
def test_it_computes_what_the_module_computes_and_so_do_its_gradients(name: str) -> None:
    make, left = MODULES[name]
    module = trained(make())
    before = deepcopy(module.state_dict())
    fast = folded(module)
    assert norms(fast) == left
    inputs = 3 * torch.randn(5, 4, 9, 9) + 1
    exact = deepcopy(module).double()
    answers, slopes = [], []
    for one in (module, fast, exact):
        given = inputs.clone().to(next(one.buffers()).dtype).requires_grad_()
        answer = one(given.clone())
        answer.square().sum().backward()
        answers.append(answer.detach().double())
        slopes.append(given.grad.double())
    for own, quick, right in (answers, slopes):
        size = right.abs().max()
        # As far from the truth as the module itself, up to a few roundings.
        assert (quick - right).abs().max() <= 8 * (own - right).abs().max() + 1e-6 * size
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    assert not fast.train().training


def test_what_cannot_be_traced_or_has_no_convolution_stays_as_it_is() -> None:
    class Depends(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs if inputs.sum() > 0 else -inputs

    for module in (Depends(), nn.Sequential(nn.Flatten(), nn.Linear(4, 2))):
        assert folded(module) is module


def test_real_architectures_are_as_exact_as_without() -> None:
    timm = pytest.importorskip("timm")
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    for network, left in (
        (timm.create_model("test_efficientnet", num_classes=3), None),
        (torchvision.models.resnet18(num_classes=3), 0),
    ):
        network.train()
        with torch.no_grad():
            for _ in range(3):
                network(torch.randn(8, 3, 64, 64))
        fast = folded(freeze(network))
        assert left is None or norms(fast) == left
        inputs = torch.randn(2, 3, 64, 64)
        right = deepcopy(network).double()(inputs.double())
        own, quick = ((one(inputs) - right).abs().max() for one in (network, fast))
        assert quick <= 8 * own + 1e-6 * right.abs().max()
