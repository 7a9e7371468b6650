from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from toy_networks import fcn_top, seeded, vgg_top

from legonet.diagnostics import DiagnosticError
from legonet.distill.moments import Moments, Pairs, product
from legonet.distill.surrogate import Gates, Surrogate
from legonet.modules.adapter import Adapter


def reference(module: nn.Module, values, relus, pools):
    """The surrogate's forward pass, bias free, layer by layer as the paper's table has it."""
    relus, pools = iter(relus), iter(pools)
    for layer in module:
        if isinstance(layer, nn.Conv2d):
            values = functional.conv2d(
                values,
                layer.weight,
                stride=layer.stride,
                padding=layer.padding,
                dilation=layer.dilation,
                groups=layer.groups,
            )
        elif isinstance(layer, nn.Linear):
            values = values @ layer.weight.T
        elif isinstance(layer, nn.BatchNorm2d):
            scale = layer.weight / (layer.running_var + layer.eps).sqrt()
            values = values * scale[None, :, None, None]
        elif isinstance(layer, nn.ReLU):
            gate = next(relus)
            values = values if gate is None else torch.where(gate > 0, values, 0.0)
        elif isinstance(layer, nn.MaxPool2d):
            picked = next(pools)
            if picked is None:
                values = functional.avg_pool2d(
                    values, layer.kernel_size, layer.stride, layer.padding
                )
            else:
                rows = values.reshape(*values.shape[:2], -1)
                values = torch.stack(
                    [
                        torch.stack([row[place] for row, place in zip(maps, places, strict=True)])
                        for maps, places in zip(rows, picked, strict=True)
                    ]
                )
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            values = functional.adaptive_avg_pool2d(values, layer.output_size)
        elif isinstance(layer, nn.AvgPool2d):
            values = functional.avg_pool2d(values, layer.kernel_size, layer.stride)
        elif isinstance(layer, nn.Upsample):
            values = functional.interpolate(
                values,
                scale_factor=layer.scale_factor,
                mode=layer.mode,
                align_corners=layer.align_corners,
            )
        elif isinstance(layer, nn.Flatten):
            values = values.flatten(1)
    return values


KINDS = {
    "conv": lambda: [nn.Conv2d(4, 5, 3, padding=1)],
    "conv with stride": lambda: [nn.Conv2d(4, 5, 3, stride=2, padding=1)],
    "conv with dilation": lambda: [nn.Conv2d(4, 5, 3, dilation=2)],
    "conv in groups": lambda: [nn.Conv2d(4, 6, 3, padding=1, groups=2)],
    "conv without bias": lambda: [nn.Conv2d(4, 5, 1, bias=False)],
    "relu": lambda: [nn.Conv2d(4, 5, 1), nn.ReLU()],
    "relu in place": lambda: [nn.ReLU(inplace=True), nn.Conv2d(4, 5, 1), nn.ReLU(inplace=True)],
    "max-pool": lambda: [nn.MaxPool2d(2)],
    "max-pool, overlapping": lambda: [nn.MaxPool2d(3, stride=2, padding=1)],
    "average-pool": lambda: [nn.AvgPool2d(2)],
    "adaptive average-pool": lambda: [nn.AdaptiveAvgPool2d(3)],
    "batch norm": lambda: [nn.BatchNorm2d(4)],
    "linear": lambda: [nn.Flatten(), nn.Linear(256, 3)],
    "dropout": lambda: [nn.Conv2d(4, 2, 1), nn.Dropout(0.5), nn.Dropout2d(0.5)],
    "bilinear upsampling": lambda: [nn.Upsample(scale_factor=2, mode="bilinear")],
    "identity": lambda: [nn.Identity()],
    "vgg": lambda: list(vgg_top()),
    "vgg of many outputs": lambda: list(vgg_top(outputs=3)),
    "fcn": lambda: list(fcn_top()),
}


def example(kind: str) -> tuple[nn.Sequential, Surrogate]:
    module = seeded(lambda: nn.Sequential(*KINDS[kind]()), 5).double()
    return module, Surrogate.of(module, (4, 8, 8))


def drawn_gates(module, surrogate, gated, seed):
    random = torch.Generator().manual_seed(seed)
    if not gated:
        return Gates(
            tuple(None for _ in surrogate.shapes.relus), tuple(None for _ in surrogate.shapes.pools)
        )
    features = torch.randn(3, 4, 8, 8, generator=random, dtype=torch.float64)
    pools = surrogate.real_gates(features).pools
    relus = tuple(
        (torch.rand(3, *shape, generator=random) > 0.5).double() for shape in surrogate.shapes.relus
    )
    return Gates(relus, pools)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_pseudo_gradient_and_its_derivative_match_double_backward(kind, gated):
    module, surrogate = example(kind)
    gates = drawn_gates(module, surrogate, gated, 7)
    random = torch.Generator().manual_seed(8)
    given = torch.randn(3, *surrogate.shapes.output, generator=random, dtype=torch.float64)
    target = torch.randn(3, 6, 8, 8, generator=random, dtype=torch.float64)
    adapter = seeded(lambda: Adapter(6, 4, (3,)), 9).double().requires_grad_(True)
    weight = adapter.convolutions[0].weight

    start = torch.zeros(3, 6, 8, 8, dtype=torch.float64, requires_grad=True)
    joined = functional.conv2d(start, weight, padding=1)
    end = reference(module, joined, gates.relus, gates.pools)
    (through,) = torch.autograd.grad(end, start, given, create_graph=True)
    expected = (0.7 * through - target).square().sum() / target.square().sum()
    (slope,) = torch.autograd.grad(expected, weight)

    gradient = surrogate.pseudo_gradient(given, gates)
    assert not gradient.requires_grad
    moments = Moments.of([Pairs(gradient, target)], 3)
    found = moments.residual(product([weight]) * 0.7)
    (found_slope,) = torch.autograd.grad(found, weight)
    assert torch.allclose(found, expected, rtol=0, atol=1e-10)
    assert torch.allclose(found_slope, slope, rtol=0, atol=1e-10)
    assert float(slope.abs().max()) > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_real_gates_give_the_real_gradient(kind):
    module, surrogate = example(kind)
    random = torch.Generator().manual_seed(3)
    features = torch.randn(3, 4, 8, 8, generator=random, dtype=torch.float64)
    kept = features.clone()
    gates = surrogate.real_gates(features)
    assert torch.equal(features, kept), "a layer that works in place changed its input"
    given = torch.randn(3, *surrogate.shapes.output, generator=random, dtype=torch.float64)
    features.requires_grad_(True)
    (expected,) = torch.autograd.grad(module(features.clone()), features, given)
    assert torch.allclose(surrogate.pseudo_gradient(given, gates), expected, atol=1e-12)


def test_biases_do_not_matter():
    module, surrogate = example("vgg")
    gates = drawn_gates(module, surrogate, True, 1)
    given = torch.ones(3, 1, dtype=torch.float64)
    before = surrogate.pseudo_gradient(given, gates)
    for layer in module:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.bias.add_(3)
    assert torch.equal(surrogate.pseudo_gradient(given, gates), before)


@pytest.mark.parametrize(
    "layer", [nn.Sigmoid(), nn.GELU(), nn.GroupNorm(2, 4), nn.MaxPool2d(2, dilation=2)]
)
def test_layer_without_surrogate_is_named(layer):
    with pytest.raises(DiagnosticError) as caught:
        Surrogate.of(nn.Sequential(nn.Conv2d(4, 4, 1), layer), (4, 8, 8))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO601"
    assert type(layer).__name__ in diagnostic.message


def test_gradients_work_where_they_are_switched_off():
    module, surrogate = example("vgg")
    gates = drawn_gates(module, surrogate, False, 1)
    with torch.no_grad():
        found = surrogate.pseudo_gradient(torch.ones(3, 1, dtype=torch.float64), gates)
    assert float(found.abs().sum()) > 0
