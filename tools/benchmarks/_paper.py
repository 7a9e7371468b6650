"""The paper's distillation term, exactly as written there: gradients of gradients, by autograd.

An implementation to compare with, straightforward and without waste: batched; nothing but the
adapter has gradients; every step draws its own maps, shared by both sides, and both sides go forth
and back through surrogates of the task modules. The adapter alone is differentiated twice: autograd
left to itself would go through the second derivative of the student's task module, too, which is
zero, and take half as long again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Gate(nn.Module):
    """A dummy ReLU of the second kind: it multiplies by the map that it holds."""

    passed: Tensor | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Draw a map when there is none."""
        if self.passed is None:
            self.passed = (torch.rand_like(values.detach()) * 2 - 1 > 0).to(values)
        return values * self.passed


def surrogate(layers: Iterable[nn.Module]) -> nn.Sequential:
    """Return a chain of layers with dummy ReLUs, average- for max-pools, and without dropout."""
    return nn.Sequential(*(_replaced(layer) for layer in layers))


def _replaced(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.ReLU):
        return Gate()
    if isinstance(layer, nn.MaxPool2d):
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
    return nn.Identity() if isinstance(layer, nn.Dropout) else layer


@dataclass
class Paper:
    """The distillation term between a student and a teacher (Eq. 3 and 4b).

    Args:
        student: The surrogate of g_S.
        teacher: The surrogate of g_T.
        shape: Shape of the category module's output, ``(C, H, W)``.
        channels: Channels that g_S expects.
        kernels: Kernel sizes of the adapter's convs, bottom first.
        alpha_beta: alpha times beta.
    """

    student: nn.Sequential
    teacher: nn.Sequential
    shape: tuple[int, int, int]
    channels: int
    kernels: Sequence[int]
    alpha_beta: float = 1.0

    def __post_init__(self) -> None:
        self.adapter = nn.Sequential(
            *(
                nn.Conv2d(
                    self.shape[0] if place == 0 else self.channels,
                    self.channels,
                    kernel,
                    padding=kernel // 2,
                    bias=False,
                )
                for place, kernel in enumerate(self.kernels)
            )
        )
        self.optimiser = torch.optim.Adam(self.adapter.parameters(), lr=1e-3)

    def residual(self, batch: int) -> Tensor:
        """Return the relative residual of a fresh batch of pairs, with history."""
        for gate in (*_gates(self.student), *_gates(self.teacher)):
            gate.passed = None
        own, other = torch.zeros(2, batch, *self.shape)
        own.requires_grad_()
        joined = self.adapter(own)
        inner = _gradient(self.student, joined.detach())
        (through,) = torch.autograd.grad(joined, own, inner, create_graph=True)
        for one, two in zip(_gates(self.student), _gates(self.teacher), strict=True):
            two.passed = one.passed
        target = _gradient(self.teacher, other)
        return (self.alpha_beta * through - target).square().sum() / target.square().sum()

    def step(self, batch: int) -> float:
        """Take one gradient step, and return the residual before it."""
        self.optimiser.zero_grad(set_to_none=True)
        residual = self.residual(batch)
        residual.backward()
        self.optimiser.step()
        return float(residual.detach())


def _gates(surrogate_: nn.Sequential) -> list[Gate]:
    return [layer for layer in surrogate_ if isinstance(layer, Gate)]


def _gradient(surrogate_: nn.Sequential, values: Tensor) -> Tensor:
    """Return the gradient of the sum of a surrogate's outputs by its input."""
    values.requires_grad_()
    end = surrogate_(values)
    (gradient,) = torch.autograd.grad(end, values, torch.ones_like(end))
    return gradient
