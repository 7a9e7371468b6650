"""The start that is trained until the task module treats adapted features like its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from legonet.distill.starts.start import InitialAdapter, Start
from legonet.distill.starts.stitching import StitchingStart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext

MATCHING_STEPS = 80
"""Steps of feature matching, from a stitched start."""

MATCHING_RATE = 2e-3
"""Learning rate of feature matching."""


class FeatureMatchingStart(Start):
    """Trained from ``stitching`` until the task module makes of it what it makes of its own
    features.
    """

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return the stitched adapter, trained until g_S treats h(f(I)) like f_S(I)."""
        return self.after(context, StitchingStart().begin(context, kernels))

    def after(self, context: EdgeContext, stitched: InitialAdapter) -> InitialAdapter:
        """Return the same for a stitched adapter that is already known."""
        from legonet.distill.edges.criteria import Criteria
        from legonet.distill.randomness import generator
        from legonet.distill.training.objective import FeatureMatch
        from legonet.distill.training.trainer import Schedule, train

        trained = train(
            stitched.adapter,
            FeatureMatch.of(context.once(Criteria)),
            Schedule(MATCHING_STEPS, MATCHING_RATE),
            partial(generator, context.seed),
            lambda _, words: context.report(f"feature matching  {words}"),
        )
        notes = {
            **stitched.notes,
            "start": "feature_matching",
            "matching_pictures": context.once(Criteria).familiar.name,
            "matching_steps": trained.steps,
            "matching_loss": [[step, loss] for step, loss in trained.curve.items()],
        }
        return InitialAdapter(trained.adapter, notes)
