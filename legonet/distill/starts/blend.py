"""The start that is solved from pseudo-gradients and features together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from legonet.distill.starts.start import InitialAdapter, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext


class BlendStart(Start):
    """Solved from pseudo-gradients and features together.

    The gradients alone say what moves the answer, but nothing about how large features are; the
    features alone say what g_S is used to, but nothing about what the teacher answers. The bias is
    0.
    """

    needs_pseudo_gradients: ClassVar[bool] = True

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return the adapter that pseudo-gradients ask for, pulled towards the stitched one."""
        from legonet.distill.edges import solve
        from legonet.distill.edges.gradients import Gradients
        from legonet.distill.starts.adapters import solved_adapter

        learned, held_out = Gradients.implied(context, (1,))
        features = context.best_features(1)
        stitch = features.least_squares()
        towards = stitch.weight[:, :, 0, 0] * learned.alpha_beta / context.beta
        matched = solve.pulled(learned.moments, towards)
        notes = {
            "start": "blend",
            "start_pictures": f"{len(context.best.images)} {context.best.name}",
            "start_residual": float(held_out.moments.residual(matched)),
            "matched_correlation": solve.matched_correlation(learned.moments),
            "stitching_r2": features.explained(stitch),
        }
        adapter = solved_adapter(context, kernels, matched / learned.alpha_beta)
        return InitialAdapter(adapter, notes)
