"""The starts that are solved from the moments of pseudo-gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from legonet.distill.starts.start import InitialAdapter, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.gradients import Gradients

CORRESPONDING = 0.1
"""Smallest correlation of matched channels at which two networks' channels correspond.

With a common ancestor it was 0.12 to 0.17 for the ink of digits, 0.38 to 0.41 for digits and 0.91
for photographed animals; without one, 0.05 to 0.08. Where channels correspond, the smaller residual
of least squares is deceptive: without pictures, the assignment erred on 13 to 19 % of the animals,
least squares on 36 to 50 %.
"""


class SolvedStart(Start):
    """Solved from pseudo-gradients.

    Attributes:
        candidates: The names of the functions in `legonet.distill.edges.solve` that solve it.
    """

    needs_pseudo_gradients: ClassVar[bool] = True
    candidates: ClassVar[tuple[str, ...]]

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return the adapter that pseudo-gradients ask for, drawn as the two networks allow."""
        from legonet.distill.edges.gradients import Gradients

        return self.begin_from(Gradients.implied(context, kernels), context, kernels)

    def begin_from(
        self,
        gradients: tuple[Gradients, Gradients],
        context: EdgeContext,
        kernels: Sequence[int],
    ) -> InitialAdapter:
        """Return the adapter that these pseudo-gradients ask for."""
        from legonet.distill.edges import solve
        from legonet.distill.starts.adapters import solved_adapter

        learned, held_out = gradients
        moments, deciding = learned.first(kernels[0]), held_out.first(kernels[0])
        found = {name: getattr(solve, name)(moments) for name in self.candidates}
        correlation = solve.matched_correlation(moments)
        chosen, notes = self.choose(correlation)
        notes |= {
            "start": chosen,
            "start_residuals": {name: float(deciding.residual(it)) for name, it in found.items()},
            "matched_correlation": correlation,
        }
        weight = found[chosen] / learned.alpha_beta
        return InitialAdapter(solved_adapter(context, kernels, weight), notes)

    def choose(self, correlation: float) -> tuple[str, dict[str, Any]]:  # noqa: ARG002
        """Return the candidate to take, and notes on why.

        Args:
            correlation: Of the channels that match; see `legonet.distill.edges.solve`.
        """
        (only,) = self.candidates
        return only, {}


class LeastSquaresStart(SolvedStart):
    """Solved from pseudo-gradients by least squares."""

    candidates: ClassVar[tuple[str, ...]] = ("least_squares",)


class AssignmentStart(SolvedStart):
    """Solved from pseudo-gradients as an assignment of channels to channels."""

    candidates: ClassVar[tuple[str, ...]] = ("assignment",)


class SolveStart(SolvedStart):
    """``assignment`` where the channels of the two networks correspond, otherwise
    ``least_squares``.
    """

    candidates: ClassVar[tuple[str, ...]] = ("least_squares", "assignment")

    def choose(self, correlation: float) -> tuple[str, dict[str, Any]]:
        """Choose by whether channels correspond."""
        chosen = "assignment" if correlation >= CORRESPONDING else "least_squares"
        why = (
            f"channels that match correlate by {correlation:.2f}, and correspond from "
            f"{CORRESPONDING} on"
        )
        return chosen, {"start_because": why}
