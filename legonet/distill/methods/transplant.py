"""Transplant: the automatic choice of what to begin with and what to learn from.

No start is best everywhere (docs/measurements.md). So every start that an edge allows is made, and
judged by what can be measured on the available pictures: by the teacher's answers where there are
pictures of the category, otherwise by the donor's answers on pictures that it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from legonet.distill.methods.output_distillation import OutputDistillation
from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
from legonet.distill.starts import InitialAdapter
from legonet.distill.starts.feature_matching import FeatureMatchingStart
from legonet.distill.starts.solved import AssignmentStart, LeastSquaresStart
from legonet.distill.starts.stitching import StitchingStart
from legonet.language.bounds import MOST_STEPS
from legonet.language.methods import MethodForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from legonet.distill.edges.criteria import Criteria
    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.methods.trained import TrainedMethod, TrainingSetup
    from legonet.language.declarations import Learning
    from legonet.modules.adapter import Adapter

RELATED = 0.8
"""Smallest R^2 of stitching on synthetic pictures for networks with a common ancestor.

For real ImageNet networks it was 0.97 with one and 0.67 without.
"""


NOISE = 4
"""Most pictures about which an adapter may answer otherwise than it should, within the noise.

If another adapter is right about all of them and about all others, too, a sign test has a p of
``2**-4``; one picture more, and it would be significant at 95 %.
"""

ENOUGH = 100
"""Fewest pictures from which it follows that an adapter can hardly be made better."""


@dataclass(frozen=True)
class Candidate:
    """A start, and how it was judged.

    Args:
        name: The name of the start.
        initial: The adapter.
        losses: What decides, picture by picture, ``(N,)``.
        figures: What was measured.
    """

    name: str
    initial: InitialAdapter
    losses: Tensor
    figures: dict[str, Any]

    def beats(self, other: Candidate) -> bool:
        """Return whether its losses are smaller by more than a standard error of their mean."""
        gained = other.losses - self.losses
        if len(gained) < 2:
            return bool(gained.mean() > 0)
        return bool(gained.mean() > gained.std() / len(gained) ** 0.5)


class Transplant(MethodForm):
    """Choose a method by what is available (the default).

    Tries every start that the edge allows and judges each by what can be measured: by the teacher's
    answers where there are pictures of the category, otherwise by the donor's on pictures that it
    knows and from which no start was made. ``stitching`` is kept unless another start is better by
    more than the noise. Where there are pictures of the category, ``output_distillation`` then
    trains the adapter further. A start that gives these answers already, up to the noise, ends the
    search, and is not trained. The certificate lists the candidates with their figures.

    Args:
        steps: Maximum number of gradient steps, as for ``output_distillation``.
        reordered: As for the trained methods.
    """

    call: ClassVar[str] = "transplant"
    version: ClassVar[int | None] = 3
    steps: int | None = Field(default=None, ge=0, le=MOST_STEPS)
    reordered: bool = False

    def prepare(
        self, context: EdgeContext, learning: Learning
    ) -> tuple[InitialAdapter, TrainingSetup | None, dict[str, Any]]:
        """Return the start, the training if any, and notes; see `MethodForm.prepare`.

        Raises:
            DiagnosticError: As for `TrainedMethod.setup`.
        """
        initial, why_start = self.chosen_start(context, learning.layers)
        training, why = self.chosen_training(context, initial)
        notes = {
            "start_because": why_start,
            "trained_by": training.call if training else None,
            "trained_because": why,
        }
        setup = None if training is None else training.setup(context, learning, initial)
        return initial, setup, notes

    def chosen_start(
        self, context: EdgeContext, kernels: Sequence[int]
    ) -> tuple[InitialAdapter, str]:
        """Return the adapter with which an edge begins, and why.

        The first candidate, variance-matched stitching, is kept unless another one is better by
        more than the noise of the pictures on which it is judged. No further one is tried after one
        that no other could beat.

        Args:
            context: The edge.
            kernels: Kernel sizes of the adapter's convs.
        """
        from legonet.distill.edges.criteria import Criteria

        criteria = context.once(Criteria)
        candidates = []
        for name, initial in _starts(context, kernels):
            context.report(f"judging {name}")
            losses = criteria.deciding_losses(initial.adapter)
            figures = criteria.figures(initial.adapter) | {"deciding_loss": float(losses.mean())}
            candidates.append(Candidate(name, initial, losses, figures))
            if _hardly_to_be_improved(criteria, initial.adapter):
                break
        best, *others = candidates
        for other in others:
            if other.beats(best):
                best = other
        much = "as much as" if context.ancestor_r2 >= RELATED else "less than"
        why = (
            f"stitching explains {context.ancestor_r2:.2f} of the variance on synthetic pictures, "
            f"{much} with a common ancestor; of {len(candidates)} starts it was the best by "
            f"{criteria.deciding}"
        )
        table = [{"start": item.name, **item.figures} for item in candidates]
        notes = {**best.initial.notes, "candidates": table}
        return InitialAdapter(best.initial.adapter, notes), why

    def chosen_training(
        self, context: EdgeContext, initial: InitialAdapter
    ) -> tuple[TrainedMethod | None, str]:
        """Return the method to train with after the start, or None, and why.

        Labels are used along with the teacher's outputs where there are some: on animals of
        CIFAR-10 that was as good as labels alone with a common ancestor, and better without one.
        The teacher is not asked about synthetic pictures: its answers about them say little about
        its category.

        Args:
            context: The edge.
            initial: The start.
        """
        from legonet.distill.edges.criteria import Criteria

        if not len(context.edge.labelled) and not len(context.edge.unlabelled):
            return None, "there are no pictures of the category"
        criteria = context.once(Criteria)
        if _hardly_to_be_improved(criteria, initial.adapter):
            differing, count = criteria.differing(initial.adapter)
            return None, (
                f"the start answers like the teacher about {count - differing} of "
                f"{criteria.judges.name} pictures, and no training could improve on that by more "
                "than the noise"
            )
        why = "there are pictures of the category, and the teacher can be asked about each"
        return OutputDistillation(steps=self.steps), why


def _starts(context: EdgeContext, kernels: Sequence[int]) -> Iterator[tuple[str, InitialAdapter]]:
    """Yield the starts that an edge allows; the first is kept when in doubt."""
    from legonet.distill.edges.gradients import Gradients

    matched = StitchingStart().begin(context, kernels)
    yield "stitching, variance-matched", matched
    yield "stitching, least squares", StitchingStart(match="least_squares").begin(context, kernels)
    yield "feature_matching", FeatureMatchingStart().after(context, matched)
    if not _gradients_correspond(context):
        return
    if len(context.answers[0]) == 1:  # about whole pictures
        options = PseudoGradientOptions(relu_maps="teacher")
        gradients = Gradients.draw(context, kernels, options)
        yield "least_squares", LeastSquaresStart().begin_from(gradients, context, kernels)
    yield "assignment", AssignmentStart().begin(context, kernels)


def _hardly_to_be_improved(criteria: Criteria, adapter: Adapter) -> bool:
    """Return whether the right answers about all pictures would be better by noise alone."""
    differing, count = criteria.differing(adapter)
    return count >= ENOUGH and differing <= NOISE


def _gradients_correspond(context: EdgeContext) -> bool:
    """Return whether both task modules can have the same map at each ReLU, unit by unit.

    They correspond where the networks have a common ancestor, and what gradients suggest can be
    judged where the teacher's answers are known for pictures of the category. Starts from
    approximate surrogates are left to specs that ask for them.
    """
    from legonet.distill.edges.criteria import Criteria
    from legonet.distill.pseudo_gradients.gates import implied_options
    from legonet.distill.pseudo_gradients.operations import has_surrogate

    if context.ancestor_r2 < RELATED or context.once(Criteria).target is None:
        return False
    tops = (context.edge.task_module, context.edge.teacher_top)
    if not all(map(has_surrogate, tops)):
        return False
    if context.student.is_approximate or context.teacher.is_approximate:
        return False
    return implied_options(context.student, context.teacher) == PseudoGradientOptions()
