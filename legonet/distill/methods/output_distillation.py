"""Output distillation: the adapter is trained until the student answers as the teacher does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from legonet.distill.methods.trained import TrainedMethod
from legonet.language.methods import NeededPictures

if TYPE_CHECKING:
    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.examples import Examples
    from legonet.distill.edges.gradients import Gradients
    from legonet.distill.starts import InitialAdapter
    from legonet.distill.training.objective import Objective


class OutputDistillation(TrainedMethod):
    """Learn from the teacher's outputs, and from labels where there are any (TD).

    Args:
        temperature: Divides both outputs before they are compared.
        weight: Weight of the teacher's outputs, relative to the labels.
        synthetic: Number of synthetic pictures to ask the teacher about, in addition to real ones.
    """

    call: ClassVar[str] = "output_distillation"
    needs: ClassVar[NeededPictures] = "pictures"
    learns_from_answers: ClassVar[bool] = True
    temperature: float = Field(default=2.0, gt=0)
    weight: float = Field(default=1.0, ge=0)
    synthetic: int = Field(default=0, ge=0, le=10_000)

    def objective(
        self,
        context: EdgeContext,
        initial: InitialAdapter,
        gradients: tuple[Gradients, Gradients] | None,
    ) -> Objective:
        """Return the teacher's outputs and the labels to train for."""
        objective = super().objective(context, initial, gradients)
        return objective.taught(self.weight, self.temperature).calibrated(initial.adapter)

    def _examples(self, context: EdgeContext) -> Examples | None:
        from legonet.distill.edges.examples import Examples

        return Examples.of(context, unlabelled=True, views=self.views, synthetic=self.synthetic)

    def _asks(self, context: EdgeContext) -> bool:
        return len(context.edge.unlabelled) + self.synthetic > 0
