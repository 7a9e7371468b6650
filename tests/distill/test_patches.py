from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from legonet.distill.pseudo_gradients import patches

MAPS = {
    "size": st.tuples(st.integers(1, 7), st.integers(1, 7)),
    "channels": st.tuples(st.integers(1, 3), st.integers(1, 3)),
    "kernel": st.sampled_from([1, 3, 5]),
    "seed": st.integers(0, 999),
}


def drawn(size, channels, seed):
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(3, many, *size, generator=random) for many in channels]


def rows(values, kernel):
    columns = functional.unfold(values.double(), kernel, padding=kernel // 2)
    return columns.transpose(1, 2).flatten(0, 1)


@settings(max_examples=60, deadline=None)
@given(**MAPS)
def test_sums_are_those_of_patches_laid_out(size, channels, kernel, seed):
    one, other = drawn(size, channels, seed)
    laid_out = rows(one, kernel)
    squares = patches.patch_squares(one, kernel)
    products = patches.patch_products(one, other, kernel)
    assert squares.dtype == products.dtype == torch.float64
    assert torch.allclose(squares, laid_out.T @ laid_out, rtol=0, atol=1e-12)
    assert torch.allclose(products, laid_out.T @ rows(other, 1), rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(**MAPS)
def test_squares_are_exactly_symmetric(size, channels, kernel, seed):
    squares = patches.patch_squares(drawn(size, channels, seed)[0], kernel)
    assert torch.allclose(squares, squares.T, rtol=0, atol=1e-12)


def test_chunks_change_nothing_but_the_order_of_the_sum(monkeypatch):
    one, other = drawn((5, 4), (3, 2), 0)
    whole = patches.patch_squares(one, 3), patches.patch_products(one, other, 3)
    monkeypatch.setattr(patches, "LARGEST_CHUNK", 1)
    parts = patches.patch_squares(one, 3), patches.patch_products(one, other, 3)
    for found, expected in zip(parts, whole, strict=True):
        assert torch.allclose(found, expected, rtol=0, atol=1e-12)
