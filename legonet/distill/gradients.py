"""The pseudo-gradients of one edge, and how far an adapter is from the teacher's."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.moments import Moments, Pairs, product
from legonet.distill.pairs import draw_pairs, shared_side
from legonet.distill.pool_residual import pool_residual

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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

        Raises:
            DiagnosticError: As for `draw_pairs`, or gradients that vanish (``LEGO620``) or are
                not finite (``LEGO621``).
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
        largest, norm = max(kernels), options.norm
        gated = options.adapter_relus != "identity"
        side = shared_side(joint, options, purpose)
        own = None if side is None or gated else side.moments(largest, norm)
        batches: Iterable[Pairs] = draw_pairs(joint, options, purpose, len(kernels), side)
        pool = None
        if sum(kernel > 1 for kernel in kernels) > 1 or (gated and len(kernels) > 1):
            batches = list(batches)
            pool = Pairs.together(batches)
        moments = Moments.of(batches, largest, norm, own)
        _check(moments)
        alpha_beta = alpha_beta or moments.teacher_norm / moments.student_norm
        return cls(moments, pool, alpha_beta)

    def alpha(self, beta: float) -> float:
        """Return alpha, ``E ||D'_T|| / E ||beta u||``."""
        return self.alpha_beta / beta

    def first(self, kernel: int) -> Moments:
        """Return the moments for the adapter's first conv, the others being the identity."""
        return self.moments if kernel == self.moments.kernel else self.moments.centre()

    def residual(self, adapter: Adapter, random: torch.Generator | None = None) -> Tensor:
        """Return the relative residual of an adapter, a scalar with history.

        From the moments it is exact whatever the number of pairs; no step passes over them.

        Args:
            adapter: The adapter, its ReLUs of the kind that the gradients were drawn for.
            random: Draws a batch from the pool, where there is one; all of it unless given.
        """
        weights = [conv.weight for conv in adapter.convolutions]
        if self.pool is None:
            doubles = [weight.to(self.moments.student) for weight in weights]
            return self.moments.residual(product(doubles) * self.alpha_beta)
        pool = self.pool
        if random is not None:
            drawn = torch.randperm(len(pool), generator=random)[:BATCH]
            pool = pool[drawn.to(pool.student.device)]
        return pool_residual(pool, weights, self.alpha_beta)

    def weight(self, options: BackDistillation) -> float:
        """Return the weight of the relative residual that an option asks for.

        The paper's ``lambda ||alpha D'_S - D'_T||^2`` with ``lambda = weight / E ||D'_T||`` is the
        relative residual times the mean of ``||D'_T||^2``, times lambda.
        """
        if options.scale == "relative":
            return options.weight
        moments = self.moments
        return options.weight / moments.teacher_norm * moments.energy / moments.samples


def _check(moments: Moments) -> None:
    """Raise where there is nothing to match."""
    norms = {"task module": moments.student_norm, "teacher": moments.teacher_norm}
    for side, norm in norms.items():
        if not isfinite(norm):
            raise DiagnosticError.of(
                "LEGO621",
                f"the pseudo-gradients of the {side} are not finite numbers",
                label="nothing to match",
                help=["check the network's weights for numbers that are infinite or not a number"],
            )
        if norm == 0:
            raise DiagnosticError.of(
                "LEGO620",
                f"the pseudo-gradients of the {side} are zero: the maps block every path, or the "
                "weights are zero",
                label="nothing to match",
                help=["draw with a larger `positive_share`", "check the network's weights"],
            )
