"""Second moments of pseudo-gradients: all that the distillation of linear kernels needs.

Through an adapter whose ReLUs are of the first kind, a pseudo-gradient ``u`` at the input of
``g_S`` becomes ``beta K^T u`` at the input of the adapter, ``K`` the product of its convs. The
*relative residual* ``sum ||alpha beta K^T u - v||^2 / sum ||v||^2`` is then a quadratic form in
the moments ``M = sum u u^T``, ``R = sum u v^T`` and ``V = sum v^2`` over samples and positions,
with patches of ``u`` where K is larger than 1x1.

Products and sums are in double precision: least squares divides by the smallest eigenvalues of M,
where nothing would be left but the rounding of single precision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from legonet.distill.pseudo_gradients.patches import LARGEST_CHUNK, patch_products, patch_squares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Literal

    Norm = Literal["frobenius", "mean_absolute"]


@dataclass(frozen=True)
class Pairs:
    """Pseudo-gradients of some samples: the student's and the teacher's.

    Args:
        student: u, at the input of g_S, ``(B, C_S, H, W)``.
        teacher: v, at the input of g_T, ``(B, C_T, H, W)``.
        maps: What each ReLU of the adapter lets through, bottom first, ``(B, C_S, H, W)`` or
            ``(B, 1, H, W)``, bool; empty where they are of the first kind.
    """

    student: Tensor
    teacher: Tensor
    maps: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.student)

    def __getitem__(self, positions: slice | Tensor) -> Pairs:
        """Return some of the samples."""
        maps = tuple(passed[positions] for passed in self.maps)
        return Pairs(self.student[positions], self.teacher[positions], maps)

    @classmethod
    def together(cls, batches: Iterable[Pairs]) -> Pairs:
        """Return several batches as one."""
        parts = list(batches)
        maps = zip(*(part.maps for part in parts), strict=True)
        return cls(
            torch.cat([part.student for part in parts]),
            torch.cat([part.teacher for part in parts]),
            tuple(torch.cat(passed) for passed in maps),
        )

    def chunks(self) -> Iterator[Pairs]:
        """Yield the samples, as many at once as memory should hold."""
        size = max(1, LARGEST_CHUNK // self.student[0].numel())
        for start in range(0, len(self), size):
            yield self[start : start + size]

    @property
    def passed(self) -> Tensor:
        """The student's gradients after all ReLUs of the adapter, its upper convs the identity."""
        values = self.student
        for passed in self.maps:
            values = values * passed
        return values


@dataclass(frozen=True)
class OwnMoments:
    """The part of the moments that does not depend on the teacher, in float64.

    Args:
        square: M, ``(C_S k^2, C_S k^2)``.
        norm: Sum of the norms of u over the samples.
    """

    square: Tensor
    norm: float

    @classmethod
    def of(cls, batches: Iterable[Tensor], kernel: int, norm: Norm) -> OwnMoments:
        """Return M and the norms of batches of u, ``(B, C_S, H, W)`` each."""
        square, norms = torch.zeros(()), 0.0
        for own in batches:
            square = patch_squares(own, kernel) + square.to(own.device)
            norms += _norms(own, norm)
        return cls(square, norms)


@dataclass(frozen=True)
class Moments:
    """Moments of pairs, float64, on the device of the pairs.

    Args:
        kernel: Kernel size k of the conv that they are for.
        student: M, ``(C_S k^2, C_S k^2)``.
        cross: R, ``(C_S k^2, C_T)``.
        teacher: V for each channel, ``(C_T,)``.
        samples: Number of pairs in the sums.
        elements: Numbers in the v of one pair.
        student_norm: Mean norm of u per sample.
        teacher_norm: Mean norm of v per sample.
    """

    kernel: int
    student: Tensor
    cross: Tensor
    teacher: Tensor
    samples: int
    elements: int
    student_norm: float
    teacher_norm: float

    @classmethod
    def of(
        cls,
        batches: Iterable[Pairs],
        kernel: int,
        norm: Norm = "frobenius",
        own: OwnMoments | None = None,
    ) -> Moments:
        """Return the moments of all pairs, summed batch by batch.

        Args:
            batches: At least one batch of pairs.
            kernel: Kernel size, odd.
            norm: Frobenius norm, or the mean absolute value.
            own: The student's part, if already known.
        """
        square, cross, teacher = torch.zeros(()), torch.zeros(()), torch.zeros(())
        samples, elements, student_norm, teacher_norm = 0, 0, 0.0, 0.0
        for pairs in batches:
            u, device = pairs.passed, pairs.student.device
            if own is None:
                square = patch_squares(u, kernel) + square.to(device)
                student_norm += _norms(pairs.student, norm)
            cross = patch_products(u, pairs.teacher, kernel) + cross.to(device)
            teacher = pairs.teacher.double().square().sum((0, 2, 3)) + teacher.to(device)
            samples += len(pairs)
            elements = pairs.teacher[0].numel()
            teacher_norm += _norms(pairs.teacher, norm)
        if own is not None:
            square, student_norm = own.square, own.norm
        means = student_norm / samples, teacher_norm / samples
        return cls(kernel, square, cross, teacher, samples, elements, *means)

    @property
    def energy(self) -> float:
        """``sum ||v||^2``."""
        return float(self.teacher.sum())

    def residual(self, kernel: Tensor) -> Tensor:
        """Return the relative residual of a conv kernel, a float64 scalar with history.

        Args:
            kernel: ``(C_S, C_T, k, k)``, the whole linear map from x to the input of g_S, including
                alpha and beta.
        """
        matrix = matrix_of(kernel.to(self.student.device, torch.float64))
        residual: Tensor = _Residual.apply(matrix, self.student, self.cross, self.teacher.sum())
        return residual

    def centre(self) -> Moments:
        """Return the moments for only the middle of the kernel, as for a 1x1 conv."""
        if self.kernel == 1:
            return self
        channels = len(self.student) // self.kernel**2
        middle = torch.arange(channels) * self.kernel**2 + self.kernel**2 // 2
        return replace(
            self, kernel=1, student=self.student[middle][:, middle], cross=self.cross[middle]
        )

    def cpu(self) -> Moments:
        """Return the moments on the CPU, where they are solved."""
        return replace(
            self,
            student=self.student.cpu(),
            cross=self.cross.cpu(),
            teacher=self.teacher.cpu(),
        )


class _Residual(torch.autograd.Function):
    """``(tr K^T M K - 2 tr K^T R + V) / V``, whose slope ``2 (M K - R) / V`` costs no more."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, matrix: Tensor, square: Tensor, cross: Tensor, energy: Tensor
    ) -> Tensor:
        pushed = square @ matrix
        ctx.save_for_backward((pushed - cross).mul_(2 / energy))
        return (matrix * (pushed - 2 * cross)).sum() / energy + 1

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, slope: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = cast("tuple[Tensor]", ctx.saved_tensors)  # type: ignore[attr-defined]
        return slope * gradient, None, None, None


def matrix_of(kernel: Tensor) -> Tensor:
    """Return K, ``(C_S k^2, C_T)``, for a conv kernel ``(C_S, C_T, k, k)``.

    Backwards, a conv of stride 1 is the conv with the flipped kernel (the paper's appendix), so
    patches of u meet it upside down.
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
