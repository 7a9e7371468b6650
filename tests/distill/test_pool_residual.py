from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legonet.distill.pseudo_gradients import moments
from legonet.distill.pseudo_gradients.moments import Pairs
from legonet.distill.pseudo_gradients.pool_residual import pool_residual


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stack(kernels, channels_in=3, channels_out=4):
    sizes = [channels_in, *(channels_out for _ in kernels)]
    return [
        normal(after, before, kernel, kernel, seed=place).requires_grad_()
        for place, (before, after, kernel) in enumerate(
            zip(sizes, sizes[1:], kernels, strict=False)
        )
    ]


def doubly_differentiated(pairs, weights, alpha_beta, activation="relu"):
    """The paper's way: the gradient through the adapter's forward pass, kept with its history."""
    start = torch.zeros_like(pairs.teacher).requires_grad_()
    values = start
    maps = pairs.maps or [torch.ones(())] * len(weights)
    if activation == "identity":
        values = functional.conv2d(values, weights[0], padding=weights[0].shape[-1] // 2)
        for weight, passed in zip(weights[1:], maps, strict=False):
            branch = functional.conv2d(values * passed, weight, padding=weight.shape[-1] // 2)
            values = values + branch
    else:
        for weight, passed in zip(weights, maps, strict=True):
            values = functional.conv2d(values, weight, padding=weight.shape[-1] // 2) * passed
    (through,) = torch.autograd.grad(values, start, pairs.student, create_graph=True)
    away = alpha_beta * through - pairs.teacher
    return away.square().sum() / pairs.teacher.square().sum()


@settings(max_examples=40, deadline=None)
@given(
    kernels=st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3),
    gated=st.booleans(),
    chunk=st.sampled_from([1, 100, 2**20]),
    seed=st.integers(0, 99),
    activation=st.sampled_from(["relu", "identity"]),
)
def test_residual_and_slope_are_those_of_the_double_backward(
    kernels, gated, chunk, seed, activation
):
    weights = stack(kernels)
    relus = len(kernels) - (activation == "identity")
    maps = tuple(normal(5, 4, 6, 5, seed=seed + 9 + i) > 0 for i in range(relus))
    pairs = Pairs(
        normal(5, 4, 6, 5, seed=seed), normal(5, 3, 6, 5, seed=seed + 1), maps if gated else ()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "LARGEST_CHUNK", chunk)
        found = pool_residual(pairs, weights, 0.3, activation)
    expected = doubly_differentiated(pairs, weights, 0.3, activation)
    assert found.item() == pytest.approx(expected.item(), rel=1e-10)
    slopes = [torch.autograd.grad(2 * value, weights) for value in (found, expected)]
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-10 * float(other.abs().max()))


def test_nothing_is_kept_where_no_slope_is_wanted():
    pairs = Pairs(normal(2, 4, 3, 3), normal(2, 3, 3, 3))
    weights = [weight.detach() for weight in stack((3, 3))]
    assert not pool_residual(pairs, weights, 1.0).requires_grad
    with torch.no_grad():
        assert not pool_residual(pairs, stack((3, 3)), 1.0).requires_grad
