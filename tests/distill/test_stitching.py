from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges.stitching import Features, Stitch


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rows(features):
    return features.transpose(0, 1).flatten(1).T


def answered(stitch, x):
    padding = stitch.weight.shape[-1] // 2
    return functional.conv2d(x, stitch.weight, stitch.bias, padding=padding)


def test_stitching_is_ridge_regression_with_a_bias():
    x, y = normal(4, 3, 5, 5), normal(4, 2, 5, 5, seed=1) + 2
    x = x * torch.tensor([1.0, 2, 3])[:, None, None] - 1
    spread = rows(x) - rows(x).mean(0)
    ridge = 1e-3 * spread.square().mean()
    # A ridge is a few more rows that pull to zero.
    system = torch.cat([spread, (ridge * len(spread)).sqrt() * torch.eye(3, dtype=torch.float64)])
    answers = torch.cat([rows(y) - rows(y).mean(0), torch.zeros(3, 2, dtype=torch.float64)])
    expected = torch.linalg.lstsq(system, answers).solution.T
    stitch = Features.of([(x[:1], y[:1]), (x[1:], y[1:])]).least_squares(1e-3)
    assert torch.allclose(stitch.weight[:, :, 0, 0], expected, atol=1e-10)
    assert torch.allclose(stitch.bias, rows(y).mean(0) - expected @ rows(x).mean(0), atol=1e-10)


def test_stitching_finds_a_convolution_of_its_kernel():
    x = normal(6, 3, 7, 7)
    kernel, bias = normal(2, 3, 3, 3, seed=1), normal(2, seed=2)
    y = functional.conv2d(x, kernel, bias, padding=1)
    features = Features.of([(x[:2], y[:2]), (x[2:], y[2:])], 3)
    stitch = features.least_squares(1e-12)
    assert torch.allclose(stitch.weight, kernel, atol=1e-8)
    assert torch.allclose(stitch.bias, bias, atol=1e-8)
    assert features.explained(stitch) == pytest.approx(1)


def test_explained_variance_is_one_for_a_linear_map_and_none_for_noise():
    x = normal(4, 3, 8, 8)
    exact = torch.einsum("oc,nchw->nohw", normal(2, 3, seed=1), x) + 5
    related = Features.of([(x, exact)])
    assert related.explained(related.least_squares(0)) == pytest.approx(1)
    strange = Features.of([(x, normal(4, 2, 8, 8, seed=2))])
    assert abs(strange.explained(strange.least_squares())) < 0.05
    nothing = Stitch(torch.zeros(2, 3, 1, 1, dtype=torch.float64), strange.own_mean)
    assert strange.explained(nothing) == pytest.approx(0, abs=1e-12)


@given(seed=st.integers(0, 2**16), noise=st.floats(0.1, 30), kernel=st.sampled_from([1, 3]))
@settings(max_examples=30, deadline=None)
def test_matched_features_have_the_mean_and_the_variance_that_the_task_module_is_used_to(
    seed, noise, kernel
):
    x = normal(8, 4, 6, 6, seed=seed)
    mixed = functional.conv2d(x, normal(3, 4, 1, 1, seed=seed + 1))
    y = mixed + noise * normal(8, 3, 6, 6, seed=seed + 2) + torch.arange(3.0)[:, None, None]
    features = Features.of([(x[:4], y[:4]), (x[4:], y[4:])], kernel)
    plain = features.least_squares()
    stitch = features.variance_matched(plain, "identity")
    given_, wanted = rows(answered(stitch, x)), rows(y)
    assert torch.allclose(given_.mean(0), wanted.mean(0), atol=1e-8)
    assert torch.allclose(given_.var(0, correction=0), wanted.var(0, correction=0), rtol=1e-6)
    # Least squares shrinks, always.
    assert (rows(answered(plain, x)).var(0) < wanted.var(0)).all()


@given(seed=st.integers(0, 2**16), noise=st.floats(0.0, 5), shift=st.floats(-1.5, 1.5))
@settings(max_examples=30, deadline=None)
def test_where_a_relu_follows_the_match_is_after_it(seed, noise, shift):
    x = normal(8, 4, 6, 6, seed=seed)
    mixed = functional.conv2d(x, normal(3, 4, 1, 1, seed=seed + 1))
    y = (mixed + noise * normal(8, 3, 6, 6, seed=seed + 2) + shift).relu()
    features = Features.of([(x, y)])
    stitch = features.variance_matched(features.least_squares(), "relu")
    given_, wanted = rows(answered(stitch, x).relu()), rows(y)
    assert torch.allclose(given_.mean(0), wanted.mean(0), rtol=1e-6, atol=1e-9)
    assert torch.allclose(given_.var(0, correction=0), wanted.var(0, correction=0), rtol=1e-6)


def test_a_fit_after_the_relu_counts_what_the_relu_throws_away():
    x = normal(8, 3, 6, 6)
    features = Features.of([(x, x)])
    exact = features.least_squares(0)
    assert features.explained(exact) == pytest.approx(1)
    assert features.explained(exact, "relu") < 0.7


def test_features_that_never_change_give_their_mean():
    for activation in ("identity", "relu"):
        for y in (torch.full((2, 2, 4, 4), 7.0), normal(2, 2, 4, 4).abs()):
            features = Features.of([(torch.ones(2, 3, 4, 4), y)])
            stitch = features.variance_matched(features.least_squares(), activation)
            assert stitch.weight.abs().max() < 1e-12
            assert torch.allclose(stitch.bias, rows(y.double()).mean(0))


def test_a_silent_channel_stays_silent():
    x = normal(4, 3, 6, 6)
    y = torch.stack([x[:, 0].relu(), torch.zeros_like(x[:, 0])], 1)
    features = Features.of([(x, y)])
    stitch = features.variance_matched(features.least_squares(), "relu")
    assert not answered(stitch, x).relu()[:, 1].any()


def test_features_that_are_not_finite_are_refused():
    x, y = torch.ones(1, 2, 2, 2), torch.ones(1, 2, 2, 2)
    y[0, 0, 0, 0] = float("nan")
    with pytest.raises(DiagnosticError, match="not finite") as error:
        Features.of([(x, y)])
    assert error.value.diagnostics[0].code == "LEGO606"
