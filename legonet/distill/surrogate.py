"""The linear surrogate of a task module, and pseudo-gradients through it (Eq. 4b).

In the backward direction a surrogate replaces each layer by a linear one:

- conv, linear, batch norm, average and adaptive average pool, flatten, upsampling and dropout
  (all in evaluation) by their own transposes;
- ReLU by a given map of ones and zeros (the paper's second kind), or by the identity (its first);
- max-pool by the transpose of average-pool, or of picking given positions.

A vector-Jacobian product at any point gives ``J'^T G'`` at once, for it is the same at all points
and does not see the biases; nothing needs a second derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.modules.cut import sequence

if TYPE_CHECKING:
    from collections.abc import Sequence

AFFINE = (
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Upsample,
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
)
"""Layers that in evaluation are affine, so that they are their own surrogates."""


@dataclass(frozen=True)
class Gates:
    """What the non-linear layers of a task module let through, in the order in which they run.

    Args:
        relus: For each ReLU a map of ones and zeros that broadcasts to its input with a batch
            axis, or None for the identity.
        pools: For each max-pool the positions that it picks, int64 as
            ``max_pool2d(return_indices=True)`` gives them, or None for average-pool.
    """

    relus: tuple[Tensor | None, ...] = ()
    pools: tuple[Tensor | None, ...] = ()


@dataclass(frozen=True)
class Shapes:
    """Shapes inside a surrogate, without the batch axis; for a pool its input's and output's."""

    input: tuple[int, ...]
    relus: tuple[tuple[int, ...], ...]
    pools: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]


@dataclass(frozen=True)
class Surrogate:
    """A task module in the backward direction, made linear.

    Args:
        layers: The task module's layers in the order in which they run.
        shape: Shape of its input, ``(C, H, W)``.

    Raises:
        DiagnosticError: A layer has no surrogate (``LEGO601``).
    """

    layers: Sequence[nn.Module]
    shape: tuple[int, int, int]
    shapes: Shapes = field(init=False)

    def __post_init__(self) -> None:
        for layer in self.layers:
            _check(layer)
        object.__setattr__(self, "shapes", self._measure())

    @classmethod
    def of(cls, module: nn.Module, shape: tuple[int, int, int]) -> Surrogate:
        """Return the surrogate of a sequential module for inputs of shape ``(C, H, W)``."""
        return cls(sequence(module), shape)

    def pseudo_gradient(self, output_gradient: Tensor, gates: Gates) -> Tensor:
        """Return ``J'^T G'``, shape ``(B, C, H, W)``, without autograd history.

        Args:
            output_gradient: G', shape ``(B, *shapes.output)``.
            gates: Maps for every ReLU and max-pool.
        """
        start = torch.zeros(
            len(output_gradient),
            *self.shape,
            dtype=output_gradient.dtype,
            device=output_gradient.device,
            requires_grad=True,
        )
        with torch.enable_grad():
            end = self._forward(start, gates)
            (gradient,) = torch.autograd.grad(end, start, output_gradient)
        return gradient

    @torch.no_grad()
    def real_gates(self, features: Tensor) -> Gates:
        """Return what the layers really let through for features ``(B, C, H, W)``."""
        relus: list[Tensor] = []
        pools: list[Tensor] = []
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                relus.append((features > 0).to(features.dtype))
                features = features * relus[-1]
            elif isinstance(layer, nn.MaxPool2d):
                features, picked = _max_pool(layer, features)
                pools.append(picked)
            else:
                features = layer(features)
        return Gates(tuple(relus), tuple(pools))

    def _forward(self, values: Tensor, gates: Gates) -> Tensor:
        relus, pools = iter(gates.relus), iter(gates.pools)
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                passed = next(relus)
                values = values if passed is None else values * passed.to(values)
            elif isinstance(layer, nn.MaxPool2d):
                picked = next(pools)
                values = _average_pool(layer, values) if picked is None else _pick(values, picked)
            else:
                values = layer(values)
        return values

    @torch.no_grad()
    def _measure(self) -> Shapes:
        parameter = next((p for layer in self.layers for p in layer.parameters()), torch.zeros(()))
        values = torch.zeros(1, *self.shape, dtype=parameter.dtype, device=parameter.device)
        relus: list[tuple[int, ...]] = []
        pools: list[tuple[int, ...]] = []
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                relus.append(tuple(values.shape[1:]))
            elif isinstance(layer, nn.MaxPool2d):
                before, values = values, _max_pool(layer, values)[0]
                pools.append((*before.shape[1:], *values.shape[1:]))
            else:
                values = layer(values)
        return Shapes(tuple(self.shape), tuple(relus), tuple(pools), tuple(values.shape[1:]))


def has_surrogate(layer: nn.Module) -> bool:
    """Return whether pseudo-gradients can pass a layer."""
    if isinstance(layer, nn.MaxPool2d):
        return layer.dilation in (1, (1, 1))
    return isinstance(layer, (nn.ReLU, *AFFINE))


def _check(layer: nn.Module) -> None:
    if has_surrogate(layer):
        return
    raise DiagnosticError.of(
        "LEGO601",
        f"no linear surrogate for a layer of kind {type(layer).__name__}",
        label=repr(layer) if isinstance(layer, nn.MaxPool2d) else type(layer).__name__,
        help=[
            "layers with one: conv, linear, ReLU, batch norm, pooling, upsampling, dropout",
            "use `stitching()`, `ordinary_learning()` or `output_distillation()` for this task",
        ],
    )


def _max_pool(layer: nn.MaxPool2d, values: Tensor) -> tuple[Tensor, Tensor]:
    pooled: tuple[Tensor, Tensor] = functional.max_pool2d(
        values,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        ceil_mode=layer.ceil_mode,
        return_indices=True,
    )
    return pooled


def _average_pool(layer: nn.MaxPool2d, values: Tensor) -> Tensor:
    return functional.avg_pool2d(
        values, layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode
    )


def _pick(values: Tensor, picked: Tensor) -> Tensor:
    picked = picked.to(values.device)
    return values.flatten(2).gather(2, picked.flatten(2)).view_as(picked)
