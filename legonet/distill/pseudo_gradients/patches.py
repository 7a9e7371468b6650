"""Sums of products of patches of feature maps, without materialising the patches.

A patch of ``u`` at a position ``p`` is ``u(p + a)`` for all offsets ``a`` of a kernel, zero
outside the map. The product of two of its parts, ``u(p + a) u(p + b)^T``, depends on the
position ``q = p + a`` and on ``d = b - a`` alone, so that ``(2 k - 1)^2`` displacements ``d``, and
half of them by symmetry, give all ``k^4`` blocks. Which ``q`` belong to an offset ``a`` differs
only at the border: the map is divided into regions inside which it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, groupby, product

import torch
from torch import Tensor
from torch.nn import functional

Offset = tuple[int, int]

LARGEST_CHUNK = 2**18
"""Numbers of a feature map that are processed at once."""


def patch_squares(values: Tensor, kernel: int) -> Tensor:
    """Return ``sum w w^T`` over patches w of all samples and positions, in float64.

    Args:
        values: ``(B, C, H, W)``.
        kernel: Odd size k of the patches.

    Returns:
        ``(C k^2, C k^2)``; a patch is ordered by channel, row and column.
    """
    channels = values.shape[1]
    offsets = _offsets(kernel)
    blocks = torch.zeros(
        len(offsets), len(offsets), channels, channels, dtype=torch.float64, device=values.device
    )
    for part in _chunks(values):
        _add_squares(blocks, part, kernel)
    for one, other in combinations(range(len(offsets)), 2):
        blocks[other, one] = blocks[one, other].T
    return blocks.permute(2, 0, 3, 1).reshape(channels * len(offsets), -1)


def patch_products(values: Tensor, others: Tensor, kernel: int) -> Tensor:
    """Return ``sum w z^T`` over patches w and the other map's z at the same place, in float64.

    Args:
        values: ``(B, C, H, W)``.
        others: ``(B, D, H, W)``.
        kernel: Odd size k of the patches.

    Returns:
        ``(C k^2, D)``.
    """
    radius, (height, width) = kernel // 2, values.shape[2:]
    offsets = _offsets(kernel)
    found = torch.zeros(
        len(offsets), values.shape[1], others.shape[1], dtype=torch.float64, device=values.device
    )
    for part, other in zip(_chunks(values), _chunks(others, values), strict=True):
        padded = functional.pad(part, (radius,) * 4)
        for place, (down, right) in enumerate(offsets):
            top, left = radius + down, radius + right
            moved = padded[:, :, top : top + height, left : left + width]
            found[place] += _product(moved, other)
    return found.transpose(0, 1).flatten(0, 1)


def _add_squares(blocks: Tensor, values: Tensor, kernel: int) -> None:
    """Add the blocks of one chunk, those on and above the diagonal."""
    reach = kernel - 1
    offsets = _offsets(kernel)
    pairs: dict[Offset, list[tuple[int, int]]] = {}
    for one, other in product(range(len(offsets)), repeat=2):
        if one <= other:
            (a, b), (c, d) = offsets[one], offsets[other]
            pairs.setdefault((c - a, d - b), []).append((one, other))
    padded = functional.pad(values, (reach,) * 4)
    for (rows, above), (columns, beside) in product(
        _regions(values.shape[2], kernel), _regions(values.shape[3], kernel)
    ):
        there = values[:, :, rows, columns].contiguous()
        for (down, right), wanted in pairs.items():
            used = [
                (one, other)
                for one, other in wanted
                if offsets[one][0] in above and offsets[one][1] in beside
            ]
            if not used:
                continue
            top, left = rows.start + reach + down, columns.start + reach + right
            height, width = rows.stop - rows.start, columns.stop - columns.start
            moved = padded[:, :, top : top + height, left : left + width]
            found = _product(there, moved)
            for one, other in used:
                blocks[one, other] += found


def _regions(length: int, kernel: int) -> Iterator[tuple[slice, frozenset[int]]]:
    """Yield ranges of positions q along one axis, and the offsets a with q - a on the map."""
    radius = kernel // 2

    def inside(position: int) -> frozenset[int]:
        return frozenset(
            offset for offset in range(-radius, radius + 1) if 0 <= position - offset < length
        )

    for offsets, positions in groupby(range(length), inside):
        first, *rest = positions
        yield slice(first, first + len(rest) + 1), offsets


def _offsets(kernel: int) -> list[Offset]:
    radius = kernel // 2
    reach = range(-radius, radius + 1)
    return list(product(reach, reach))


def _product(one: Tensor, other: Tensor) -> Tensor:
    """Return ``sum x y^T`` over samples and positions, ``(C, D)``."""
    return torch.bmm(one.flatten(2), other.flatten(2).transpose(1, 2)).sum(0)


def _chunks(values: Tensor, like: Tensor | None = None) -> Iterator[Tensor]:
    """Yield the samples in float64, as many at once as memory should hold."""
    each = (values if like is None else like)[0].numel()
    for part in torch.split(values, max(1, LARGEST_CHUNK // each)):
        yield part.double()
