"""The starts that are solved from each network's own gradients on the same pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from legonet.distill.starts.solved import AssignmentStart
from legonet.distill.starts.start import InitialAdapter, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext

ROUNDS = 3
"""How often channels are matched again; later rounds hardly change a match."""


class RealGradientsStart(Start):
    """Solved from each network's own gradients on the same pictures by least squares."""

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return the adapter found by least squares from real gradients on the best pictures."""
        from legonet.distill.edges import real_gradients, solve
        from legonet.distill.starts.adapters import solved_adapter

        pictures = context.best
        weight, moments = real_gradients.least_squares(context, pictures)
        notes = {
            "start": "real_gradients",
            "start_pictures": f"{len(pictures.images)} {pictures.name}",
            "matched_correlation": solve.matched_correlation(moments),
        }
        return InitialAdapter(solved_adapter(context, kernels, weight / context.beta), notes)


class IteratedAssignmentStart(Start):
    """An assignment, repeated three times with the gradients after the one before.

    The first one is made from pseudo-gradients, each later one from the gradients of g_S after the
    previous one.
    """

    needs_pseudo_gradients: ClassVar[bool] = True

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return an assignment that is repeated with the real gradients on both sides of it."""
        from legonet.distill.edges import real_gradients, solve
        from legonet.distill.starts.adapters import solved_adapter

        pictures = context.best
        adapter = AssignmentStart().begin(context, (1,)).adapter
        notes: dict[str, Any] = {
            "start": "iterated_assignment",
            "start_pictures": f"{len(pictures.images)} {pictures.name}",
        }
        changed = []
        for _ in range(ROUNDS):
            before = adapter.convolutions[0].weight != 0
            weight, moments = real_gradients.assignment(context, pictures, adapter)
            adapter = solved_adapter(context, (1,), weight)
            changed.append(int(((weight != 0) & ~before.cpu()).sum()))
            notes["matched_correlation"] = solve.matched_correlation(moments)
        notes["channels_assigned_anew"] = changed
        adapter = solved_adapter(context, kernels, adapter.convolutions[0].weight)
        return InitialAdapter(adapter, notes)
