"""The start that makes features similar, without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from legonet.distill.starts.start import InitialAdapter, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext

Match = Literal["variance", "least_squares"]
"""Which statistics of the task's own features a stitch preserves."""


class StitchingStart(Start):
    """Solved from the features of both sides, with the variance that the task module is used to.

    Args:
        match: ``variance`` rescales each channel to the mean and the variance that g_S is used to;
            ``least_squares`` keeps the result of least squares.
        ridge: Ridge, as a share of the mean variance of a channel.
    """

    match: Match = "variance"
    ridge: float = 1e-3

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return the adapter that makes f's features most similar to f_S's on the best pictures."""
        from legonet.distill.starts.adapters import solved_adapter

        pictures = context.best
        features = context.best_features(kernels[0])
        stitch = least_squares = features.least_squares(self.ridge)
        if self.match == "variance":
            stitch = features.variance_matched(least_squares, context.activation)
        notes = {
            "start": "stitching",
            "start_match": self.match,
            "start_pictures": f"{len(pictures.images)} {pictures.name}",
            "stitching_r2": features.explained(least_squares),
            "start_r2": features.explained(stitch, context.activation),
        }
        weight = stitch.weight / context.beta
        return InitialAdapter(solved_adapter(context, kernels, weight, stitch.bias), notes)
