"""Back-distillation: the adapter makes the student's pseudo-gradients equal the teacher's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from legonet.distill.methods.trained import TrainedMethod
from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
from legonet.distill.starts import StartName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.gradients import Gradients
    from legonet.distill.pseudo_gradients.surrogate import Surrogate
    from legonet.distill.starts import InitialAdapter
    from legonet.distill.training.objective import Objective

Preset = Literal["experiment1", "experiment2", "experiment3"]
"""The paper's three experiments."""

_ACROSS_NETWORKS: Mapping[str, Any] = {
    "scale": "paper",
    "norm": "frobenius",
    "relu_maps": "random",
    "relu_places": "lowest",
    "positive_share": 0.2,
    "channel_shared": True,
    "max_pools": "average",
    "adapter_relus": "identity",
    "output_gradient": "random",
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "experiment1": {
        "weight": 10.0,
        "scale": "paper",
        "norm": "frobenius",
        "relu_maps": "random",
        "relu_places": "all",
        "positive_share": 0.5,
        "channel_shared": False,
        "max_pools": "average",
        "adapter_relus": "identity",
        "output_gradient": "constant",
        "output_grid": 1,
    },
    "experiment2": {**_ACROSS_NETWORKS, "weight": 10.0, "output_grid": 7},
    "experiment3": {**_ACROSS_NETWORKS, "weight": 1.0, "output_grid": 1},
}
"""The paper's values, for every option that it specifies."""


class BackDistillation(PseudoGradientOptions, TrainedMethod):
    """Match the gradients that flow back through student and teacher (Eq. 3).

    A ``preset`` sets the options of the pseudo-gradients and of their weight to the paper's values:
    ``experiment1`` puts an adapter into one network, ``experiment2`` joins two networks for
    classification, and ``experiment3`` joins two for segmentation. A preset and the same values
    written out are the same method. The paper gives no start, number of steps or learning rate. Nor
    does a preset set the kernels in ``layers``: the paper used one or three ``conv(3)``, three
    ``conv(1)``, and one ``conv(1)``.

    Args:
        preset: Uses the paper's values for all options of the pseudo-gradients and of their weight
            that are not given.
        weight: Weight of the difference between the gradients, relative to the task loss.
        scale: What the weight multiplies: the ``relative`` residual, or the paper's squared
            difference divided by the mean norm of the teacher's gradient (lambda).
        reduction: What lambda multiplies: the ``sum`` of the squared difference over the elements
            of a gradient, or its ``mean``; ignored where ``scale`` is ``relative``.
        biases: The adapter's biases, about which pseudo-gradients say nothing: ``learned`` from
            labels, starting from the values that the start gives them, or ``zero`` throughout.
    """

    call: ClassVar[str] = "back_distillation"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    init: StartName = "solve"
    preset: Preset | None = None
    weight: float = Field(default=1.0, ge=0)
    scale: Literal["relative", "paper"] = "relative"
    reduction: Literal["sum", "mean"] = "sum"
    biases: Literal["learned", "zero"] = "learned"

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Expand a preset, so that it has the same content key as its values written out."""
        if not isinstance(given, Mapping) or given.get("preset") not in PRESETS:
            return given
        written = {name: value for name, value in given.items() if name != "preset"}
        return {**PRESETS[given["preset"]], **written}

    @property
    def needs_pseudo_gradients(self) -> bool:
        """They are what it learns from."""
        return True

    def check_surrogates(self, student: Surrogate, teacher: Surrogate) -> None:
        """Check that both task modules have the grid of outputs, and can share maps.

        Raises:
            DiagnosticError: They cannot (``LEGO603``, ``LEGO610``).
        """
        from legonet.distill.pseudo_gradients.gates import check_partners

        check_partners(
            student.enlarged(self.output_grid),
            teacher.enlarged(self.output_grid),
            places=self.relu_places,
            channel_shared=self.channel_shared and self.relu_maps != "teacher",
        )

    def gradients(
        self, context: EdgeContext, kernels: Sequence[int]
    ) -> tuple[Gradients, Gradients]:
        """Return the pseudo-gradients to learn from, and held-out ones."""
        from legonet.distill.edges.gradients import Gradients

        return Gradients.draw(context, kernels, self)

    def begin(
        self,
        context: EdgeContext,
        kernels: Sequence[int],
        gradients: tuple[Gradients, Gradients] | None,
    ) -> InitialAdapter:
        """Return the start, without biases where they are to stay zero."""
        initial = super().begin(context, kernels, gradients)
        biases = (conv.bias for conv in initial.adapter.convolutions if conv.bias is not None)
        for bias in biases if self.biases == "zero" else ():
            bias.requires_grad_(False).zero_()
        return initial

    def objective(
        self,
        context: EdgeContext,
        initial: InitialAdapter,
        gradients: tuple[Gradients, Gradients] | None,
    ) -> Objective:
        """Return the gradients and the labels, where there are any, to train for."""
        objective = super().objective(context, initial, gradients)
        if gradients is None:
            return objective
        learned, held_out = gradients
        return objective.matched(learned.residual, held_out.residual, self.residual_weight(learned))

    def residual_weight(self, gradients: Gradients) -> float:
        """Return the weight of the relative residual.

        The paper's ``lambda ||alpha D'_S - D'_T||^2`` with ``lambda = weight / E ||D'_T||`` is the
        relative residual times the mean of ``||D'_T||^2``, times lambda. The paper does not say
        whether ``||.||^2`` is a sum over the numbers of a gradient or their mean.
        """
        if self.scale == "relative":
            return self.weight
        moments = gradients.moments
        square = moments.energy / moments.samples
        if self.reduction == "mean":
            square /= moments.elements
        return self.weight / moments.teacher_norm * square
