"""Stitching as a method of its own: the adapter is solved from features and kept as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from legonet.distill.starts.stitching import Match, StitchingStart
from legonet.language.methods import MethodForm

if TYPE_CHECKING:
    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.starts import InitialAdapter
    from legonet.language.declarations import Learning


class Stitching(MethodForm):
    """Fit the category's features to the task's own by least squares, without gradients.

    Args:
        match: ``variance`` rescales each channel to the mean and variance that the task module
            expects, measured after the ReLU if one follows; ``least_squares`` keeps the smaller
            variance of the least-squares solution.
        ridge: Ridge penalty, as a share of the mean variance of a channel.
        reordered: As for the trained methods.
    """

    call: ClassVar[str] = "stitching"
    match: Match = "variance"
    ridge: float = Field(default=1e-3, ge=0)
    reordered: bool = False

    def prepare(
        self, context: EdgeContext, learning: Learning
    ) -> tuple[InitialAdapter, None, dict[str, Any]]:
        """Return the start and notes; see `MethodForm.prepare`."""
        start = StitchingStart(match=self.match, ridge=self.ridge)
        notes = {"trained_by": None, "trained_because": "stitching is solved, not trained"}
        return start.begin(context, learning.layers), None, notes
