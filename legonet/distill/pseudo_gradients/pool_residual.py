"""The residual of an adapter over the pairs themselves, where moments do not suffice.

Stacks of several large kernels do not commute with the zero padding between them, and ReLUs of
the second kind have their own maps for each pair. A step pushes ``u`` through the adapter's
transposed convs, compares it with ``v`` and goes back once; no second derivative is involved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.pseudo_gradients.moments import Pairs
    from legonet.modules.adapter import Activation


def pool_residual(
    pairs: Pairs, weights: Sequence[Tensor], alpha_beta: float, activation: Activation = "relu"
) -> Tensor:
    """Return ``sum ||alpha beta D'_S - v||^2 / sum ||v||^2``, a scalar with history.

    It works chunk by chunk, forwards and backwards, so that memory does not grow with the number
    of pairs.

    Args:
        pairs: u, v and the maps of the adapter's ReLUs.
        weights: Of the adapter's convs, bottom first, ``(C_out, C_in, k, k)``.
        alpha_beta: alpha times beta.
        activation: The adapter's.
    """
    residual: Tensor = _PoolResidual.apply(pairs, alpha_beta, activation, *weights)
    return residual


class _PoolResidual(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pairs: Pairs, alpha_beta: float, activation: Activation, *weights: Tensor
    ) -> Tensor:
        sloped = any(ctx.needs_input_grad)
        leaves = [weight.detach().requires_grad_(sloped) for weight in weights]
        slopes = [torch.zeros_like(weight) for weight in weights]
        error = torch.zeros((), dtype=torch.float64, device=pairs.student.device)
        energy = error.clone()
        for part in pairs.chunks():
            with torch.set_grad_enabled(sloped):
                away = alpha_beta * pushed(part, leaves, activation) - part.teacher
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
        return (None, None, None, *(slope.to(gradient) * gradient for gradient in saved))


def pushed(pairs: Pairs, weights: Sequence[Tensor], activation: Activation = "relu") -> Tensor:
    """Return u after the transposed adapter, ``(B, C_T, H, W)``.

    Args:
        pairs: u and the maps of the adapter's ReLUs.
        weights: Of its convs, bottom first.
        activation: The adapter's.
    """
    values = pairs.student
    first, *others = weights
    if activation == "identity":
        for weight, passed in zip(
            reversed(others), reversed(pairs.maps or (None,) * len(others)), strict=True
        ):
            branch = _transposed(values, weight)
            values = values + (branch if passed is None else branch * passed)
        return _transposed(values, first)
    for weight, passed in zip(
        reversed(weights), reversed(pairs.maps or (None,) * len(weights)), strict=True
    ):
        values = _transposed(values if passed is None else values * passed, weight)
    return values


def _transposed(values: Tensor, weight: Tensor) -> Tensor:
    return functional.conv_transpose2d(values, weight, padding=weight.shape[-1] // 2)
