"""The pool of pseudo-gradients of one edge, and how far an adapter is from the teacher's."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.moments import Moments, Pairs, product
from legonet.distill.pairs import draw_pairs
from legonet.distill.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.joint import Joint
    from legonet.modules.adapter import Adapter
    from legonet.spec.methods import BackDistillation

SHARE_HELD_OUT = 4
"""Beside the pairs to learn from, one in so many more to decide by."""

BATCH = 16
"""Pairs that one step takes from the pool."""


@dataclass(frozen=True)
class Gradients:
    """Pairs of pseudo-gradients to learn from, or held out.

    Args:
        moments: For the adapter's largest kernel.
        pool: The pairs themselves, kept only where moments do not suffice.
        alpha_beta: alpha times beta, see `alpha`.
    """

    moments: Moments
    pool: Pairs | None
    alpha_beta: float

    @classmethod
    def draw(
        cls, joint: Joint, kernels: Sequence[int], options: BackDistillation
    ) -> tuple[Gradients, Gradients]:
        """Return the gradients of an edge to learn from, and held-out ones.

        alpha is ``E ||D'_T|| / E ||beta u||``, the norm of the teacher's gradient over that of
        the existing category's own route behind the same re-scaling. So alpha beta is free of
        beta, and the solved kernel of the scales of f, g_S and g_T.
        """
        fewer = options.model_copy(update={"pairs": max(1, options.pairs // SHARE_HELD_OUT)})
        learned = cls._drawn(joint, kernels, options, "pairs", None)
        return learned, cls._drawn(joint, kernels, fewer, "held-out pairs", learned.alpha_beta)

    @classmethod
    def _drawn(
        cls,
        joint: Joint,
        kernels: Sequence[int],
        options: BackDistillation,
        purpose: str,
        alpha_beta: float | None,
    ) -> Gradients:
        pool = None
        batches = draw_pairs(joint, options, purpose)
        if sum(kernel > 1 for kernel in kernels) > 1:
            drawn = list(batches)
            pool = Pairs(
                torch.cat([pairs.student for pairs in drawn]),
                torch.cat([pairs.teacher for pairs in drawn]),
            )
            batches = iter(drawn)
        moments = Moments.of(batches, max(kernels), options.norm)
        return cls(moments, pool, alpha_beta or _ratio(moments))

    def alpha(self, beta: float) -> float:
        """Return alpha, ``E ||D'_T|| / E ||beta u||``."""
        return self.alpha_beta / beta

    def first(self, kernel: int) -> Moments:
        """Return the moments for the adapter's first conv, the others being the identity."""
        return self.moments if kernel == self.moments.kernel else self.moments.centre()

    def residual(self, adapter: Adapter, random: torch.Generator | None = None) -> Tensor:
        """Return the relative residual of an adapter, a scalar with history.

        Args:
            adapter: The adapter; its ReLUs are of the first kind.
            random: Draws a batch from the pool, where there is one; all of it unless given.
        """
        weights = [conv.weight for conv in adapter.convolutions]
        if self.pool is None:
            return self.moments.residual(product(weights) * self.alpha_beta)
        own, other = self.pool.student, self.pool.teacher
        if random is not None:
            drawn = torch.randperm(len(own), generator=random)[:BATCH].to(own.device)
            own, other = own[drawn], other[drawn]
        for weight in reversed(weights):
            own = functional.conv_transpose2d(own, weight, padding=weight.shape[-1] // 2)
        return (self.alpha_beta * own - other).square().sum() / other.square().sum()

    def weight(self, options: BackDistillation) -> float:
        """Return the weight of the relative residual that an option asks for.

        The paper's ``lambda ||alpha D'_S - D'_T||^2`` with ``lambda = weight / E ||D'_T||`` is the
        relative residual times the mean of ``||D'_T||^2``, times lambda.
        """
        if options.scale == "relative":
            return options.weight
        moments = self.moments
        return options.weight / moments.teacher_norm * moments.energy / moments.samples


def random_residual(gradients: Gradients, seed: int) -> _RandomResidual:
    """Return the residual as a function of the adapter alone, on random batches of the pool."""
    return _RandomResidual(gradients, generator(seed, "batches of pairs"))


@dataclass(frozen=True)
class _RandomResidual:
    gradients: Gradients
    random: torch.Generator

    def __call__(self, adapter: Adapter) -> Tensor:
        return self.gradients.residual(adapter, self.random)


def _ratio(moments: Moments) -> float:
    """Return ``E ||v|| / E ||u||``."""
    norms = {"task module": moments.student_norm, "teacher": moments.teacher_norm}
    for side, norm in norms.items():
        if not 0 < norm < inf:
            raise DiagnosticError.of(
                "LEGO606",
                f"the pseudo-gradients of the {side} have a mean norm of {norm:g}",
                label="nothing to match",
                help=["check the network's weights", "draw with a larger `positive_share`"],
            )
    return moments.teacher_norm / moments.student_norm
