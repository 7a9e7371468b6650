"""The pseudo-gradients of one edge, and how far an adapter's are from the teacher's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges.pairs import draw_pairs, shared_side
from legonet.distill.pseudo_gradients.gates import implied_options
from legonet.distill.pseudo_gradients.moments import Moments, Pairs, product
from legonet.distill.pseudo_gradients.pool_residual import pool_residual

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
    from legonet.modules.adapter import Adapter

SHARE_HELD_OUT = 4
"""Pairs to learn from for each pair that is held out to decide by."""

BATCH = 16
"""Pairs from the pool per step."""


@dataclass(frozen=True)
class Gradients:
    """Pairs of pseudo-gradients to learn from, or held out.

    Args:
        moments: For the adapter's largest kernel.
        pool: The pairs themselves, kept only where moments do not suffice.
        alpha_beta: alpha times beta; see `alpha`.
    """

    moments: Moments
    pool: Pairs | None
    alpha_beta: float

    @classmethod
    def draw(
        cls, context: EdgeContext, kernels: Sequence[int], options: PseudoGradientOptions
    ) -> tuple[Gradients, Gradients]:
        """Return the gradients of an edge to learn from, and held-out ones.

        alpha is ``E ||D'_T|| / E ||beta u||``, the norm of the teacher's gradient over that of
        the existing category's own route after the same re-scaling. So alpha beta does not depend
        on beta, nor the solved kernel on the scales of f, g_S and g_T.

        Raises:
            DiagnosticError: As for `draw_pairs`, or gradients that vanish (``LEGO620``) or are
                not finite (``LEGO621``).
        """
        fewer = options.model_copy(update={"pairs": max(1, options.pairs // SHARE_HELD_OUT)})
        learned = cls._drawn(context, kernels, options, "pairs", None)
        return learned, cls._drawn(context, kernels, fewer, "held-out pairs", learned.alpha_beta)

    @classmethod
    def implied(cls, context: EdgeContext, kernels: Sequence[int]) -> tuple[Gradients, Gradients]:
        """Return the same, drawn as the two networks allow where a spec does not say how."""
        return cls.draw(context, kernels, implied_options(context.student, context.teacher))

    @classmethod
    def _drawn(
        cls,
        context: EdgeContext,
        kernels: Sequence[int],
        options: PseudoGradientOptions,
        purpose: str,
        alpha_beta: float | None,
    ) -> Gradients:
        largest, norm = max(kernels), options.norm
        gated = options.adapter_relus != "identity"
        side = shared_side(context, options, purpose)
        own = None if side is None or gated else side.moments(largest, norm)
        branches = context.activation == "identity"
        # A residual branch has a ReLU of its own, and the first conv has none.
        relus = len(kernels) - branches
        batches: Iterable[Pairs] = draw_pairs(context, options, purpose, relus, side)
        pool = None
        if sum(kernel > 1 for kernel in kernels) > 1 or (gated and len(kernels) > 1):
            batches = list(batches)
            pool = Pairs.together(batches)
        if branches:
            # Branches that are zero change nothing, whatever their maps are.
            batches = (replace(pairs, maps=()) for pairs in batches)
        moments = Moments.of(batches, largest, norm, own)
        _check(moments)
        alpha_beta = alpha_beta or moments.teacher_norm / moments.student_norm
        return cls(moments, pool, alpha_beta)

    def alpha(self, beta: float) -> float:
        """Return alpha, ``E ||D'_T|| / E ||beta u||``."""
        return self.alpha_beta / beta

    def first(self, kernel: int) -> Moments:
        """Return the moments for the adapter's first conv, with the others as the identity."""
        return self.moments if kernel == self.moments.kernel else self.moments.centre()

    def residual(self, adapter: Adapter, random: torch.Generator | None = None) -> Tensor:
        """Return the relative residual of an adapter, a scalar with history.

        Computed from the moments, it is exact for all pairs, and no step goes through them again.

        Args:
            adapter: The adapter; its ReLUs are of the kind for which the gradients were drawn.
            random: Draws a batch from the pool, where there is one; default: use all of it.
        """
        if self.pool is None:
            doubles = [kernel.to(self.moments.student) for kernel in adapter.linear_kernels]
            return self.moments.residual(product(doubles) * self.alpha_beta)
        weights = [conv.weight for conv in adapter.convolutions]
        pool = self.pool
        if random is not None:
            drawn = torch.randperm(len(pool), generator=random)[:BATCH]
            pool = pool[drawn.to(pool.student.device)]
        return pool_residual(pool, weights, self.alpha_beta, adapter.activation)


def _check(moments: Moments) -> None:
    """Raise an error where there is nothing to match."""
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
