"""A trained method of another package: labels, each with a weight of its own choice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from legonet.distill.methods.trained import TrainedMethod
from legonet.language.methods import NeededPictures

if TYPE_CHECKING:
    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.gradients import Gradients
    from legonet.distill.starts import InitialAdapter
    from legonet.distill.training.objective import Objective


class CautiousLearning(TrainedMethod):
    """Learn from labels, with a weight.

    Args:
        caution: What the loss is divided by.
    """

    call: ClassVar[str] = "cautious_learning"
    needs: ClassVar[NeededPictures] = "labels"
    version: ClassVar[int | None] = 7
    caution: float = Field(default=4.0, gt=0)

    def objective(
        self,
        context: EdgeContext,
        initial: InitialAdapter,
        gradients: tuple[Gradients, Gradients] | None,
    ) -> Objective:
        """Return the labels, with their weight."""
        whole = super().objective(context, initial, gradients)
        return replace(whole, task_weight=1 / self.caution)
