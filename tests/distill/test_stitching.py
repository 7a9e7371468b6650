from __future__ import annotations

import pytest
import torch

from legonet.distill.stitching import Features


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_stitching_is_ridge_regression_with_a_bias():
    x, y = normal(4, 3, 5, 5), normal(4, 2, 5, 5, seed=1) + 2
    x = x * torch.tensor([1.0, 2, 3])[:, None, None] - 1
    rows, own = x.transpose(0, 1).flatten(1).T, y.transpose(0, 1).flatten(1).T
    spread = rows - rows.mean(0)
    ridge = 1e-3 * spread.square().mean()
    # A ridge is a few more rows that pull to zero.
    system = torch.cat([spread, (ridge * len(rows)).sqrt() * torch.eye(3, dtype=torch.float64)])
    answers = torch.cat([own - own.mean(0), torch.zeros(3, 2, dtype=torch.float64)])
    expected = torch.linalg.lstsq(system, answers).solution.T
    weight, bias = Features.of([(x[:1], y[:1]), (x[1:], y[1:])]).stitch(1e-3)
    assert torch.allclose(weight, expected, atol=1e-10)
    assert torch.allclose(bias, own.mean(0) - expected @ rows.mean(0), atol=1e-10)


def test_explained_variance_is_one_for_a_linear_map_and_none_for_noise():
    x = normal(4, 3, 8, 8)
    exact = torch.einsum("oc,nchw->nohw", normal(2, 3, seed=1), x) + 5
    related = Features.of([(x, exact)])
    assert related.explained(related.stitch(0)[0]) == pytest.approx(1)
    strange = Features.of([(x, normal(4, 2, 8, 8, seed=2))])
    assert abs(strange.explained(strange.stitch()[0])) < 0.05
    assert strange.explained(torch.zeros(2, 3, dtype=torch.float64)) == 0


def test_features_that_never_change_give_their_mean():
    weight, bias = Features.of([(torch.ones(2, 3, 4, 4), torch.full((2, 2, 4, 4), 7.0))]).stitch()
    assert not weight.any()
    assert torch.allclose(bias, torch.full((2,), 7.0, dtype=torch.float64))
