from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legonet.distill.pseudo_gradients.moments import (
    Moments,
    OwnMoments,
    Pairs,
    kernel_of,
    matrix_of,
    product,
)

SHAPES = {
    "pairs": st.integers(1, 3),
    "own": st.integers(1, 4),
    "other": st.integers(1, 4),
    "kernel": st.sampled_from([1, 3]),
    "seed": st.integers(0, 1000),
}


def drawn(pairs, own, other, seed, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    return Pairs(
        torch.randn(pairs, own, 4, 5, generator=random, dtype=dtype),
        torch.randn(pairs, other, 4, 5, generator=random, dtype=dtype),
    )


@settings(max_examples=40, deadline=None)
@given(**SHAPES)
def test_residual_from_moments_is_the_materialised_one(pairs, own, other, kernel, seed):
    both = drawn(pairs, own, other, seed)
    random = torch.Generator().manual_seed(seed + 1)
    weight = torch.randn(own, other, kernel, kernel, generator=random, dtype=torch.float64)
    pushed = functional.conv_transpose2d(both.student, weight, padding=kernel // 2)
    expected = (pushed - both.teacher).square().sum() / both.teacher.square().sum()
    found = Moments.of([both], kernel).residual(weight)
    assert float(found) == pytest.approx(float(expected), rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.sampled_from([(1,), (3,), (5,), (1, 1), (1, 1, 1, 1), (1, 3), (3, 1), (1, 5, 1)]),
    channels=st.tuples(*(st.integers(1, 3) for _ in range(5))),
    seed=st.integers(0, 99),
)
def test_slope_by_every_kernel_is_that_of_the_pairs(sizes, channels, seed):
    both = drawn(2, channels[len(sizes)], channels[0], seed)
    random = torch.Generator().manual_seed(seed + 1)
    kernels = [
        torch.randn(after, before, size, size, generator=random, dtype=torch.float64)
        for before, after, size in zip(channels, channels[1:], sizes, strict=False)
    ]
    for kernel in kernels:
        kernel.requires_grad_()
    pushed = both.student
    for kernel in reversed(kernels):
        pushed = functional.conv_transpose2d(pushed, kernel, padding=kernel.shape[-1] // 2)
    expected = (pushed - both.teacher).square().sum() / both.teacher.square().sum()
    found = Moments.of([both], max(sizes)).residual(product(kernels))
    assert found.item() == pytest.approx(expected.item(), rel=1e-10)
    slopes = [torch.autograd.grad(3 * value, kernels) for value in (found, expected)]
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-10 * float(other.abs().max()))


def test_known_part_of_the_student_gives_the_same_bits():
    parts = [drawn(2, 3, 2, seed) for seed in range(3)]
    own = OwnMoments.of([part.student for part in parts], 3, "frobenius")
    alone, shared = Moments.of(parts, 3), Moments.of(parts, 3, own=own)
    for name in ("student", "cross", "teacher"):
        assert torch.equal(getattr(alone, name), getattr(shared, name))
    assert alone.student_norm == shared.student_norm


@settings(max_examples=20, deadline=None)
@given(**SHAPES)
def test_moments_do_not_depend_on_the_batches(pairs, own, other, kernel, seed):
    both = drawn(pairs, own, other, seed)
    one = [Pairs(both.student[[i]], both.teacher[[i]]) for i in range(pairs)]
    whole, summed = Moments.of([both], kernel), Moments.of(one, kernel)
    for name in ("student", "cross", "teacher"):
        assert torch.allclose(getattr(whole, name), getattr(summed, name), atol=1e-12)
    assert whole.student_norm == pytest.approx(summed.student_norm)
    assert whole.teacher_norm == pytest.approx(summed.teacher_norm)
    assert whole.samples == summed.samples == pairs


@settings(max_examples=20, deadline=None)
@given(
    channels=st.tuples(*(st.integers(1, 4) for _ in range(4))),
    larger=st.integers(0, 2),
    seed=st.integers(0, 1000),
)
def test_product_of_convs_is_their_stack(channels, larger, seed):
    random = torch.Generator().manual_seed(seed)
    sizes = [3 if place == larger else 1 for place in range(3)]
    kernels = [
        torch.randn(after, before, size, size, generator=random, dtype=torch.float64)
        for before, after, size in zip(channels, channels[1:], sizes, strict=False)
    ]
    values = torch.randn(2, channels[0], 5, 4, generator=random, dtype=torch.float64)
    expected = values
    for kernel in kernels:
        expected = functional.conv2d(expected, kernel, padding=kernel.shape[-1] // 2)
    whole = product(kernels)
    found = functional.conv2d(values, whole, padding=whole.shape[-1] // 2)
    assert torch.allclose(found, expected, atol=1e-10)


def test_matrix_and_kernel_are_each_others_inverse():
    kernel = torch.arange(2 * 3 * 9.0).reshape(2, 3, 3, 3)
    assert torch.equal(kernel_of(matrix_of(kernel), 3), kernel)


def test_middle_of_a_kernel_has_the_moments_of_a_small_conv():
    both = drawn(2, 3, 2, 0)
    middle, small = Moments.of([both], 3).centre(), Moments.of([both], 1)
    assert torch.allclose(middle.student, small.student)
    assert torch.allclose(middle.cross, small.cross)
    assert middle.kernel == 1


def test_norms_are_the_frobenius_norm_or_the_mean_absolute_value():
    both = drawn(2, 3, 2, 0)
    frobenius = Moments.of([both], 1)
    assert frobenius.teacher_norm == pytest.approx(
        sum(float(one.norm()) for one in both.teacher) / 2
    )
    absolute = Moments.of([both], 1, "mean_absolute")
    assert absolute.student_norm == pytest.approx(float(both.student.abs().mean()))


def test_single_precision_is_summed_in_double():
    both = drawn(3, 4, 3, 0, torch.float32)
    exact = Pairs(both.student.double(), both.teacher.double())
    found, expected = Moments.of([both], 3), Moments.of([exact], 3)
    assert torch.equal(found.student, expected.student)
