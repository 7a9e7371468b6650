"""Pseudo-gradients and their derivatives against plain autograd, for every layer and option."""

from __future__ import annotations

from itertools import product as combinations

import pytest
import reference
import torch
from graph_networks import (
    LAYERS,
    Head,
    Mean,
    Resized,
    Scaled,
    Shuffled,
    built,
    densenet,
    fcn,
    inception,
    networks,
    resnet,
)
from hypothesis import given, settings
from torch import nn
from torch.nn import functional
from toy_networks import fcn_top, seeded, vgg_top

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.convolutional import convolutional
from legonet.distill.pseudo_gradients.gates import random_gates
from legonet.distill.pseudo_gradients.moments import Moments, Pairs, product
from legonet.distill.pseudo_gradients.operations import has_surrogate
from legonet.distill.pseudo_gradients.pool_residual import pool_residual
from legonet.distill.pseudo_gradients.surrogate import Gates, Surrogate

SHAPE = (4, 8, 8)

KINDS = {
    "conv": lambda: nn.Conv2d(4, 5, 3, padding=1),
    "conv with stride": lambda: nn.Conv2d(4, 5, 3, stride=2, padding=1),
    "conv with stride and rest": lambda: nn.Conv2d(4, 5, 3, stride=3),
    "conv with dilation": lambda: nn.Conv2d(4, 5, 3, dilation=2),
    "conv in groups": lambda: nn.Conv2d(4, 6, 3, padding=1, groups=2),
    "conv of depth": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4),
    "conv without bias": lambda: nn.Conv2d(4, 5, 1, bias=False),
    "conv of uneven kernel": lambda: nn.Conv2d(4, 5, (1, 3), padding=(0, 1), stride=(2, 1)),
    "conv of the same size": lambda: nn.Conv2d(4, 5, 3, dilation=2, padding="same"),
    "conv with reflection": lambda: nn.Conv2d(4, 5, 3, padding=1, padding_mode="reflect"),
    "transposed conv": lambda: nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1),
    "transposed conv in groups": lambda: nn.ConvTranspose2d(4, 4, 3, stride=2, groups=2),
    "relu": lambda: nn.Sequential(nn.Conv2d(4, 5, 1), nn.ReLU()),
    "relu in place": lambda: nn.Sequential(nn.ReLU(True), nn.Conv2d(4, 5, 1), nn.ReLU(True)),
    "relu6": lambda: nn.Sequential(nn.Conv2d(4, 5, 1), nn.ReLU6(), nn.Hardtanh()),
    "leaky relu": lambda: nn.Sequential(nn.Conv2d(4, 5, 1), nn.LeakyReLU(0.3)),
    "prelu": lambda: nn.Sequential(nn.Conv2d(4, 5, 1), nn.PReLU(5), nn.PReLU()),
    "max-pool": lambda: nn.MaxPool2d(2),
    "max-pool, overlapping": lambda: nn.MaxPool2d(3, stride=2, padding=1),
    "max-pool, rounded up": lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True),
    "adaptive max-pool": lambda: nn.AdaptiveMaxPool2d(3),
    "average-pool": lambda: nn.AvgPool2d(2),
    "average-pool without padding": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive average-pool": lambda: nn.AdaptiveAvgPool2d(3),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(256, 3)),
    "batch norm of vectors": lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(256)),
    "dropout": lambda: nn.Sequential(nn.Conv2d(4, 2, 1), nn.Dropout(0.5), nn.Dropout2d(0.5, True)),
    "bilinear upsampling": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "nearest upsampling": lambda: nn.Upsample(scale_factor=3),
    "functional upsampling": lambda: Resized("bicubic", size=(5, 7), align_corners=True),
    "padding": lambda: nn.ReflectionPad2d(2),
    "constants": Scaled,
    "shuffled channels": lambda: Shuffled(4),
    "view": lambda: Head(4),
    "mean": lambda: Mean(4),
    "identity": lambda: nn.Identity(),
    "vgg": vgg_top,
    "vgg of many outputs": lambda: vgg_top(outputs=3),
    "small fcn": fcn_top,
    "resnet": resnet,
    "densenet": densenet,
    "inception": inception,
    "fcn with skips": fcn,
}


def example(kind: str) -> tuple[nn.Module, Surrogate]:
    module = seeded(KINDS[kind], 5).double()
    return module, Surrogate.of(module, SHAPE)


def drawn(shape, seed=8):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(3, *shape, generator=random, dtype=torch.float64)


def gates_of(surrogate, places="all", channel_shared=False, picked=False, seed=7):
    random = torch.Generator().manual_seed(seed)
    shares = [torch.tensor(0.5)] * len(surrogate.shapes.relus)
    options = {"places": places, "channel_shared": channel_shared}
    found, _ = random_gates(surrogate, surrogate, 3, shares, random, **options)
    pools = surrogate.real_gates(drawn(surrogate.shape)).pools if picked else found.pools
    return Gates(found.relus, pools)


def close(found, expected):
    scale = float(expected.abs().max())
    assert float((found - expected).abs().max()) <= 1e-10 * scale
    return scale > 0


OPTIONS = [
    {"places": "none"},
    {"places": "lowest"},
    {"places": "all"},
    {"places": "all", "channel_shared": True},
    {"places": "lowest", "channel_shared": True, "picked": True},
    {"places": "all", "picked": True},
]


@pytest.mark.parametrize("kind", KINDS)
def test_pseudo_gradients_match_plain_autograd_for_every_option(kind):
    module, surrogate = example(kind)
    shapes = surrogate.shapes
    assert (list(shapes.relus), list(shapes.pools)) == reference.shapes(module, SHAPE)
    for options in OPTIONS:
        gates = gates_of(surrogate, **options)
        for given_gradient in (torch.ones(3, *shapes.output).double(), drawn(shapes.output)):
            found = surrogate.pseudo_gradient(given_gradient, gates)
            assert not found.requires_grad
            expected = reference.pseudo_gradient(
                module, SHAPE, given_gradient, gates.relus, gates.pools
            )
            close(found, expected)


ADAPTERS = [(1,), (3,), (1, 1, 1), (3, 3, 3), (3, 1), (1, 3)]


@pytest.mark.parametrize("second_kind", [False, True])
@pytest.mark.parametrize("layers", ADAPTERS)
@pytest.mark.parametrize("kind", ["vgg", "resnet", "densenet", "inception", "fcn with skips"])
def test_derivatives_by_the_adapter_match_double_backward(kind, layers, second_kind):
    module, surrogate = example(kind)
    gates = gates_of(surrogate)
    output_gradient, target = drawn(surrogate.shapes.output), drawn((6, 8, 8), 9)
    random = torch.Generator().manual_seed(4)
    widths = (6, *(4 for _ in layers))
    kernels = [
        torch.randn(out, into, size, size, generator=random, dtype=torch.float64).requires_grad_()
        for into, out, size in zip(widths, widths[1:], layers, strict=False)
    ]
    maps = tuple(
        (torch.rand(3, 4, 8, 8, generator=random) < 0.5).double() if second_kind else None
        for _ in layers
    )
    through = reference.through_adapter(
        module, kernels, (6, 8, 8), output_gradient, gates.relus, gates.pools, maps
    )
    expected = reference.loss(through, target, 0.7)
    slopes = torch.autograd.grad(expected, kernels)

    gradient = surrogate.pseudo_gradient(output_gradient, gates)
    pairs = Pairs(gradient, target, tuple(m.bool() for m in maps) if second_kind else ())
    found = [pool_residual(pairs, kernels, 0.7)]
    if not second_kind and sum(size > 1 for size in layers) <= 1 and layers != (1, 3):
        moments = Moments.of([Pairs(gradient, target)], max(layers))
        found.append(moments.residual(product(kernels) * 0.7))
    for residual in found:
        close(residual.detach(), expected.detach())
        for slope, exact in zip(torch.autograd.grad(residual, kernels), slopes, strict=True):
            assert close(slope, exact), "the derivative must not vanish"


@settings(deadline=None, max_examples=40, derandomize=True)
@given(names=networks())
def test_any_network_of_these_layers_is_passed_exactly(names):
    module = seeded(lambda: built(names), 3).double()
    surrogate = Surrogate.of(module, SHAPE)
    shapes = surrogate.shapes
    assert (list(shapes.relus), list(shapes.pools)) == reference.shapes(module, SHAPE)
    for picked in (False, True):
        gates = gates_of(surrogate, picked=picked)
        output_gradient = drawn(shapes.output)
        found = surrogate.pseudo_gradient(output_gradient, gates)
        close(
            found,
            reference.pseudo_gradient(module, SHAPE, output_gradient, gates.relus, gates.pools),
        )


@pytest.mark.parametrize("kind", KINDS)
def test_real_gates_give_the_real_gradient(kind):
    module, surrogate = example(kind)
    features = drawn(SHAPE, 3)
    kept = features.clone()
    gates = surrogate.real_gates(features)
    assert torch.equal(features, kept), "a layer that works in place changed its input"
    output_gradient = drawn(surrogate.shapes.output)
    features.requires_grad_(True)
    (expected,) = torch.autograd.grad(module(features.clone()), features, output_gradient)
    assert close(surrogate.pseudo_gradient(output_gradient, gates), expected)


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_every_layer_of_the_random_networks_is_tried_alone(layer):
    test_any_network_of_these_layers_is_passed_exactly.hypothesis.inner_test((layer, "none"))


@pytest.mark.parametrize("make", [vgg_top, resnet, lambda: nn.Sequential(nn.ReLU(), Head(4))])
def test_grid_of_outputs(make):
    module = seeded(make, 2).double()
    surrogate = Surrogate.of(*convolutional(module, SHAPE, 3))
    outputs = Surrogate.of(module, SHAPE).shapes.output
    assert surrogate.shapes.output == (*outputs, 3, 3)
    gates = gates_of(surrogate)
    output_gradient = drawn(surrogate.shapes.output)
    found = surrogate.pseudo_gradient(output_gradient, gates)
    expected = reference.pseudo_gradient(
        surrogate.module, surrogate.shape, output_gradient, gates.relus, gates.pools
    )
    assert close(found, expected)


@pytest.mark.parametrize(("size", "padding"), [(1, 0), (3, 0), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_appendix_closed_form(size, padding):
    """f'_conv(G') = G' * W with W[i,j,k,l] = w[m+1-i, m+1-j, l, k], the paper's i and j from 1."""
    layer = seeded(lambda: nn.Conv2d(4, 5, size, padding=padding), 1).double()
    surrogate = Surrogate.of(nn.Sequential(layer), SHAPE)
    gradient = drawn(surrogate.shapes.output)
    w = layer.weight.permute(2, 3, 1, 0)  # the paper's axes: height, width, from, to
    flipped = torch.empty(size, size, 5, 4, dtype=torch.float64)
    for i, j, k, l in combinations(range(size), range(size), range(5), range(4)):  # noqa: E741
        flipped[i, j, k, l] = w[size - 1 - i, size - 1 - j, l, k]
    kernel = flipped.permute(3, 2, 0, 1)
    expected = functional.conv2d(gradient, kernel, padding=size - 1 - padding)
    assert close(surrogate.pseudo_gradient(gradient, Gates()), expected)


def test_biases_do_not_matter():
    module, surrogate = example("vgg")
    gates = gates_of(surrogate)
    given_gradient = torch.ones(3, 1, dtype=torch.float64)
    before = surrogate.pseudo_gradient(given_gradient, gates)
    for layer in module:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.bias.add_(3)
    assert torch.equal(surrogate.pseudo_gradient(given_gradient, gates), before)


def test_any_number_of_samples_may_follow_another():
    _, surrogate = example("view")
    found = surrogate.pseudo_gradient(drawn((3,)), Gates((None,), ()))
    for count in (1, 2, 3, 1):
        part = surrogate.pseudo_gradient(drawn((3,))[:count], Gates((None,), ()))
        assert torch.allclose(part, found[:count], rtol=0, atol=1e-14)


def test_relus_have_the_names_of_their_modules():
    assert example("resnet")[1].relu_names == (
        *("0.relu", "0.relu (run 2)", "1.relu", "1.relu (run 2)"),
    )
    assert example("fcn with skips")[1].relu_names[-2:] == ("1.lower.1", "1.upper.1")


class Undecided(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Squeezed(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        return x * self.gate(x)


class Squared(nn.Module):
    def forward(self, x):
        return x * x


class AlwaysDropped(nn.Module):
    def forward(self, x):
        return functional.dropout(x, 0.5)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.Sigmoid(), "`body.1`, a layer of kind Sigmoid"),
        (nn.GLU(1), "`body.1`, a layer of kind GLU"),
        (nn.Softmax(1), "`body.1`, a layer of kind Softmax"),
        (nn.GroupNorm(2, 4), "`body.1`, a layer of kind GroupNorm"),
        (nn.BatchNorm2d(4, track_running_stats=False), "`body.1`, a layer of kind BatchNorm2d"),
        (nn.MaxPool2d(2, dilation=2), "`body.1`, a layer of kind MaxPool2d(kernel_size=2"),
        (Squeezed(), "the call of `mul` in `body.1`"),
        (Squared(), "the call of `mul` in `body.1`"),
        (AlwaysDropped(), "the call of `dropout` in `body.1`"),
        (Undecided(), "`body.1`, which depends on its input in a way that cannot be traced"),
    ],
)
def test_what_has_no_surrogate_is_refused_by_its_dotted_name(layer, named):
    module = nn.Sequential()
    module.add_module("body", nn.Sequential(nn.Conv2d(4, 4, 1), layer))
    module.eval()
    assert not has_surrogate(module)
    with pytest.raises(DiagnosticError) as caught:
        Surrogate.of(module, SHAPE)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO601"
    assert named in diagnostic.message
    assert "stitching()" in diagnostic.help[0]


def test_single_layers_and_whole_modules_are_judged():
    assert has_surrogate(nn.Conv2d(3, 3, 1))
    assert has_surrogate(resnet().eval())
    assert not has_surrogate(nn.Tanh())


def test_gradients_work_where_they_are_switched_off():
    _, surrogate = example("inception")
    gates = gates_of(surrogate, places="none")
    with torch.no_grad():
        found = surrogate.pseudo_gradient(torch.ones(3, 2, dtype=torch.float64), gates)
    assert float(found.abs().sum()) > 0
