from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges import solve
from legonet.distill.pseudo_gradients.moments import Moments, Pairs


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_least_squares_is_that_of_torch_on_the_whole_system(kernel):
    own, other = normal(8, 3, 6, 6, seed=1), normal(8, 4, 6, 6, seed=2)
    # One column for each weight of the kernel: how it moves the pushed gradient.
    columns = []
    for place in range(3 * 4 * kernel**2):
        weight = torch.zeros(3 * 4 * kernel**2, dtype=torch.float64)
        weight[place] = 1
        shaped = weight.reshape(3, 4, kernel, kernel)
        columns.append(functional.conv_transpose2d(own, shaped, padding=kernel // 2).flatten())
    system = torch.stack(columns, 1)
    expected = torch.linalg.lstsq(system, other.flatten()[:, None], driver="gelsd").solution
    found = solve.least_squares(Moments.of([Pairs(own, other)], kernel), ridge=0)
    assert torch.allclose(found.flatten(), expected[:, 0], atol=1e-9)


@pytest.mark.parametrize("kernel", [1, 3])
def test_least_squares_is_where_gradient_descent_ends(kernel):
    pairs = Pairs(normal(8, 3, 6, 6, seed=1), normal(8, 4, 6, 6, seed=2))
    weight = torch.zeros(3, 4, kernel, kernel, dtype=torch.float64, requires_grad=True)
    scale = pairs.teacher.square().sum() / pairs.student.square().sum()
    for _ in range(300):
        # On the pairs themselves, not on their moments.
        pushed = functional.conv_transpose2d(pairs.student, weight, padding=kernel // 2)
        loss = (pushed - pairs.teacher).square().sum() / pairs.teacher.square().sum()
        (slope,) = torch.autograd.grad(loss, weight)
        weight = (weight - scale * slope).detach().requires_grad_()
    found = solve.least_squares(Moments.of([pairs], kernel), ridge=0)
    assert torch.allclose(found, weight, atol=1e-6)


def test_equations_without_one_solution_are_an_error():
    silent = Moments.of([Pairs(torch.zeros(1, 2, 3, 3), normal(1, 2, 3, 3))], 1)
    few = Moments.of([Pairs(normal(1, 9, 2, 2), normal(1, 2, 2, 2))], 1)
    twice = normal(2, 1, 3, 3).expand(2, 2, 3, 3)
    alike = Moments.of([Pairs(twice, normal(2, 2, 3, 3, seed=1))], 1)
    for moments, ridge in ((silent, 1e-6), (few, 0), (alike, 0)):
        with pytest.raises(DiagnosticError) as caught:
            solve.least_squares(moments, ridge)
        assert caught.value.diagnostics[0].code == "LEGO622"
    with pytest.raises(DiagnosticError):
        solve.pulled(silent, torch.eye(2, dtype=torch.float64))
    # A ridge determines what the gradients leave open: both channels share the weight.
    assert torch.allclose(solve.least_squares(alike)[0], solve.least_squares(alike)[1])


def test_broken_gradients_are_an_error():
    own = normal(1, 2, 3, 3)
    own[0, 1, 1, 1] = torch.nan
    for pairs in (Pairs(own, normal(1, 2, 3, 3)), Pairs(normal(1, 2, 3, 3), own)):
        with pytest.raises(DiagnosticError) as caught:
            solve.least_squares(Moments.of([pairs], 1))
        assert caught.value.diagnostics[0].code == "LEGO621"


def test_silent_channels_are_matched_with_nothing():
    own = normal(4, 3, 4, 4)
    own[:, 1] = 0
    moments = Moments.of([Pairs(own, normal(4, 3, 4, 4))], 1)
    assert not solve.assignment(moments)[1].any()
    assert 0 < solve.matched_correlation(moments) < 1


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(5)), kernel=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_permutation_is_recovered_whatever_it_is(order, kernel, seed):
    own = normal(6, 5, 4, 4, seed=seed)
    noise = 0.1 * normal(6, 5, 4, 4, seed=seed + 100)
    moments = Moments.of([Pairs(own, own[:, list(order)] + noise)], kernel)
    for kernel_found, tolerance in (
        (solve.assignment(moments), 0.05),
        (solve.least_squares(moments), 0.1),
    ):
        expected = torch.zeros(5, 5, kernel, kernel, dtype=torch.float64)
        expected[list(order), range(5), kernel // 2, kernel // 2] = 1
        assert torch.allclose(kernel_found, expected, atol=tolerance)
    assert solve.matched_correlation(moments) > 0.98


@settings(max_examples=20, deadline=None)
@given(scales=st.lists(st.floats(0.01, 100), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_scaled_channels_are_matched_and_scaled(scales, seed):
    own = normal(6, 4, 4, 4, seed=seed)
    factors = torch.tensor(scales, dtype=torch.float64)
    found = solve.assignment(Moments.of([Pairs(own, own * factors[:, None, None])], 1))
    assert torch.allclose(found[:, :, 0, 0], factors.diag(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("own", "other"), [(3, 5), (5, 3)])
def test_assignment_matches_what_it_can_where_one_side_has_more_channels(own, other):
    wide = normal(4, 5, 6, 6)
    found = solve.assignment(Moments.of([Pairs(wide[:, :own], wide[:, :other])], 1))
    expected = torch.eye(own, other, dtype=torch.float64)
    assert torch.allclose(found[:, :, 0, 0], expected)


@pytest.mark.parametrize("kernel", [1, 3])
def test_pull_leads_from_least_squares_to_the_given_kernel(kernel):
    moments = Moments.of([Pairs(normal(6, 4, 4, 4), normal(6, 3, 4, 4, seed=1))], kernel)
    given = normal(4, 3, seed=2)
    free = solve.least_squares(moments.centre(), ridge=0)
    assert torch.allclose(solve.pulled(moments, given, pull=0), free, atol=1e-9)
    assert torch.allclose(solve.pulled(moments, given, pull=1e9)[:, :, 0, 0], given, atol=1e-6)
    # It minimises the residual plus the squared distance, each in the same unit.
    strength = 3 * moments.centre().student.diagonal().mean()

    def penalised(kernel_):
        away = (kernel_[:, :, 0, 0] - given).square().sum()
        return float(moments.centre().residual(kernel_) * moments.energy + strength * away)

    found = solve.pulled(moments, given)
    for seed in range(5):
        assert penalised(found) < penalised(found + 0.01 * normal(4, 3, 1, 1, seed=seed))


def test_least_squares_beats_the_assignment_on_its_own_pairs():
    moments = Moments.of([Pairs(normal(6, 4, 4, 4), normal(6, 4, 4, 4, seed=1))], 3)
    assert moments.residual(solve.least_squares(moments)) < moments.residual(
        solve.assignment(moments)
    )
