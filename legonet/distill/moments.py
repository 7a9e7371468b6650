"""Second moments of pseudo-gradients: all that the distillation of linear kernels needs.

Through an adapter whose ReLUs are of the first kind a pseudo-gradient ``u`` at the input of
``g_S`` becomes ``beta K^T u`` at the input of the adapter, ``K`` the product of its convs. The
*relative residual* ``sum ||alpha beta K^T u - v||^2 / sum ||v||^2`` is then a quadratic form in
the moments ``M = sum u u^T``, ``R = sum u v^T`` and ``V = sum v^2`` over samples and positions,
with patches of ``u`` where K is larger than 1x1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    Norm = Literal["frobenius", "mean_absolute"]


@dataclass(frozen=True)
class Pairs:
    """Pseudo-gradients of some samples: the student's and the teacher's.

    Args:
        student: u, at the input of g_S, ``(B, C_S, H, W)``.
        teacher: v, at the input of g_T, ``(B, C_T, H, W)``.
    """

    student: Tensor
    teacher: Tensor

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.student)


@dataclass(frozen=True)
class Moments:
    """Moments of pairs, float64 on the CPU.

    Args:
        kernel: Kernel size k of the conv that they are for.
        student: M, ``(C_S k^2, C_S k^2)``.
        cross: R, ``(C_S k^2, C_T)``.
        teacher: V for each channel, ``(C_T,)``.
        samples: How many pairs were summed.
        student_norm: Mean norm of u per sample.
        teacher_norm: Mean norm of v per sample.
    """

    kernel: int
    student: Tensor
    cross: Tensor
    teacher: Tensor
    samples: int
    student_norm: float
    teacher_norm: float

    @classmethod
    def of(cls, batches: Iterable[Pairs], kernel: int, norm: Norm = "frobenius") -> Moments:
        """Return the moments of all pairs, summed batch by batch.

        Args:
            batches: At least one batch of pairs.
            kernel: Kernel size, odd.
            norm: Frobenius norm, or the mean absolute value.
        """
        student, cross, teacher = torch.zeros(()), torch.zeros(()), torch.zeros(())
        samples, student_norm, teacher_norm = 0, 0.0, 0.0
        for pairs in batches:
            u = _patches(pairs.student, kernel)
            v = _patches(pairs.teacher, 1)
            student = student + (u.T @ u).cpu()
            cross = cross + (u.T @ v).cpu()
            teacher = teacher + v.square().sum(0).cpu()
            samples += len(pairs)
            student_norm += _norms(pairs.student, norm)
            teacher_norm += _norms(pairs.teacher, norm)
        return cls(
            kernel,
            student,
            cross,
            teacher,
            samples,
            student_norm / samples,
            teacher_norm / samples,
        )

    @property
    def energy(self) -> float:
        """``sum ||v||^2``."""
        return float(self.teacher.sum())

    def residual(self, kernel: Tensor) -> Tensor:
        """Return the relative residual of a conv kernel, a float64 scalar.

        Args:
            kernel: ``(C_S, C_T, k, k)``, the whole linear map from x to the input of g_S, with
                alpha and beta in it.
        """
        matrix = matrix_of(kernel.cpu().double())
        fitted = (matrix * (self.student @ matrix)).sum() - 2 * (matrix * self.cross).sum()
        return fitted / self.teacher.sum() + 1

    def centre(self) -> Moments:
        """Return the moments for the middle of the kernel alone, as for a 1x1 conv."""
        channels = len(self.student) // self.kernel**2
        middle = torch.arange(channels) * self.kernel**2 + self.kernel**2 // 2
        return Moments(
            1,
            self.student[middle][:, middle],
            self.cross[middle],
            self.teacher,
            self.samples,
            self.student_norm,
            self.teacher_norm,
        )


def matrix_of(kernel: Tensor) -> Tensor:
    """Return K, ``(C_S k^2, C_T)``, for a conv kernel ``(C_S, C_T, k, k)``.

    Backwards a conv of stride 1 is the conv with the flipped kernel (the paper's appendix), so
    that patches of u meet it upside down.
    """
    return kernel.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)


def kernel_of(matrix: Tensor, size: int) -> Tensor:
    """Return the conv kernel ``(C_S, C_T, size, size)`` of a matrix K: `matrix_of` undone."""
    return matrix.reshape(-1, size, size, matrix.shape[1]).permute(0, 3, 1, 2).flip(2, 3)


def product(kernels: Sequence[Tensor]) -> Tensor:
    """Return the one kernel that does what a stack of convs without biases does.

    Args:
        kernels: ``(C_out, C_in, k, k)``, bottom first, at most one of them larger than 1x1:
            larger ones do not commute with the zero padding between them.
    """
    whole, *others = kernels
    for kernel in others:
        size = max(kernel.shape[-1], whole.shape[-1])
        joined = torch.einsum("poab,ocde->pcadbe", kernel, whole)
        whole = joined.reshape(*joined.shape[:2], size, size)
    return whole


def _norms(values: Tensor, norm: Norm) -> float:
    rows = values.double().flatten(1)
    each = rows.norm(dim=1) if norm == "frobenius" else rows.abs().mean(1)
    return float(each.sum())


def _patches(values: Tensor, kernel: int) -> Tensor:
    """Return one row for each sample and position, ``(B H W, C k^2)``, in float64."""
    columns = values.double()
    if kernel > 1:
        columns = functional.unfold(columns, kernel, padding=kernel // 2)
    return columns.flatten(2).transpose(1, 2).flatten(0, 1)
