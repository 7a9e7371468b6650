"""The residual of an adapter over the pairs themselves, where no moments suffice.

Stacks of several large kernels do not commute with the zero padding between them, and ReLUs of
the second kind have maps of their own for each pair. A step pushes ``u`` through the adapter's
transposed convs, compares with ``v`` and goes back once; there is no second derivative in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.moments import Pairs


def pool_residual(pairs: Pairs, weights: Sequence[Tensor], alpha_beta: float) -> Tensor:
    """Return ``sum ||alpha beta D'_S - v||^2 / sum ||v||^2``, a scalar with history.

    Chunk by chunk, forth and back, so that memory does not grow with the number of pairs.

    Args:
        pairs: u, v and the maps of the adapter's ReLUs.
        weights: Of the adapter's convs, bottom first, ``(C_out, C_in, k, k)``.
        alpha_beta: alpha times beta.
    """
    residual: Tensor = _PoolResidual.apply(pairs, alpha_beta, *weights)
    return residual


class _PoolResidual(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pairs: Pairs, alpha_beta: float, *weights: Tensor) -> Tensor:
        sloped = any(ctx.needs_input_grad)
        leaves = [weight.detach().requires_grad_(sloped) for weight in weights]
        slopes = [torch.zeros_like(weight) for weight in weights]
        error = torch.zeros((), dtype=torch.float64, device=pairs.student.device)
        energy = error.clone()
        for part in pairs.chunks():
            with torch.set_grad_enabled(sloped):
                away = alpha_beta * pushed(part, leaves) - part.teacher
                found = away.square().sum()
            if sloped:
                for slope, more in zip(slopes, torch.autograd.grad(found, leaves), strict=True):
                    slope.add_(more)
            error += found.detach()
            energy += part.teacher.square().sum()
        ctx.save_for_backward(*(slope / energy.to(slope) for slope in slopes))
        return error / energy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        saved = cast("tuple[Tensor, ...]", ctx.saved_tensors)
        return (None, None, *(slope.to(gradient) * gradient for gradient in saved))


def pushed(pairs: Pairs, weights: Sequence[Tensor]) -> Tensor:
    """Return u behind the transposed adapter, ``(B, C_T, H, W)``.

    Args:
        pairs: u and the maps of the adapter's ReLUs.
        weights: Of its convs, bottom first.
    """
    values = pairs.student
    maps = pairs.maps or (None,) * len(weights)
    for weight, passed in zip(reversed(weights), reversed(maps), strict=True):
        if passed is not None:
            values = values * passed
        values = functional.conv_transpose2d(values, weight, padding=weight.shape[-1] // 2)
    return values
