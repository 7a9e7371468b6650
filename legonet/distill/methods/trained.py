"""What all methods have in common that train an adapter: a start, an objective, a schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from legonet.diagnostics import DiagnosticError
from legonet.distill.starts import STARTS, StartName
from legonet.language.bounds import LARGEST_BATCH, MOST_STEPS
from legonet.language.methods import MethodForm, NeededPictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.examples import Examples
    from legonet.distill.edges.gradients import Gradients
    from legonet.distill.starts import InitialAdapter, Start
    from legonet.distill.training.objective import Objective
    from legonet.distill.training.trainer import Schedule
    from legonet.language.declarations import Learning

RETRIES = 2
"""How often training is tried again with a smaller rate, unless the spec says the rate."""

RATES_VERSION = 1
"""Raised with every change of the rates that are used by default."""

FEW_SAMPLES = 10
"""Up to this many labelled pictures, a small learning rate is used."""

WORK_WITHOUT = "`back_distillation()`, `stitching()` and `transplant()` work without any"
"""What to do where pictures are missing."""


@dataclass(frozen=True)
class TrainingSetup:
    """All that training needs, and the gradients by which it is judged.

    Args:
        initial: The start.
        objective: What to train for.
        schedule: How long and how fast to train.
        because: The reasons for the schedule, for the certificate.
        gradients: Pseudo-gradients to learn from and held-out ones, where the method has them.
    """

    initial: InitialAdapter
    objective: Objective
    schedule: Schedule
    because: dict[str, str] = field(default_factory=dict)
    gradients: tuple[Gradients, Gradients] | None = None


class TrainedMethod(MethodForm):
    """A method that trains the adapter after its start.

    Args:
        init: How the adapter is initialised.
        steps: Maximum number of gradient steps; held-out pictures may end training earlier, and 0
            keeps the start as it is. Default: 300 from a ``default`` or ``identity`` start, 0 from
            a solved start without pictures, and 150 otherwise.
        learning_rate: Adam's learning rate. Default: 2e-3, or 5e-4 from a solved start with at most
            10 samples and no unlabelled pictures to ask the teacher about; a quarter and then a
            sixteenth of that where no step was better than the start on held-out pictures.
        batch_size: Labelled pictures per step.
        views: Maximum number of views of each picture: the picture itself, and randomly shifted
            copies of it.
        reordered: For experiments: shuffles the channels of the category module, by the seed, while
            the adapter is learned, so that no channel is right by accident.

    Attributes:
        learns_from_answers: Whether it learns from the teacher's answers, so that pictures without
            labels are of use.
    """

    version: ClassVar[int | None] = 1
    learns_from_answers: ClassVar[bool] = False
    init: StartName = "default"
    steps: int | None = Field(default=None, ge=0, le=MOST_STEPS)
    learning_rate: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=32, ge=1, le=LARGEST_BATCH)
    views: int = Field(default=1, ge=1, le=1000)
    reordered: bool = False

    @property
    def start(self) -> Start:
        """The start that `init` names."""
        return STARTS.get(self.init)()

    @property
    def versions(self) -> dict[str, int]:
        """Those of the method and of its start."""
        started = self.start.version
        # Where the spec says the rate, or asks for no step, keys stay as they were before retries.
        is_plain = self.learning_rate is not None or self.steps == 0
        return {
            **super().versions,
            **({} if started is None else {"start_version": started}),
            **({} if is_plain else {"rates_version": RATES_VERSION}),
        }

    @property
    def needed_pictures(self) -> NeededPictures:
        """The pictures that the method or its start cannot do without."""
        needed = self.needs, self.start.needs
        return "labels" if "labels" in needed else needed[0] or needed[1]

    @property
    def needs_pseudo_gradients(self) -> bool:
        """Whether the start is solved from them."""
        return self.start.needs_pseudo_gradients

    def prepare(
        self, context: EdgeContext, learning: Learning
    ) -> tuple[InitialAdapter, TrainingSetup, dict[str, Any]]:
        """Return the start, the training and notes; see `MethodForm.prepare`.

        Raises:
            DiagnosticError: As for `setup`.
        """
        setup = self.setup(context, learning)
        notes: dict[str, Any] = {"trained_by": self.call, "trained_because": "the spec says so"}
        return setup.initial, setup, notes

    def setup(
        self, context: EdgeContext, learning: Learning, initial: InitialAdapter | None = None
    ) -> TrainingSetup:
        """Return what the method begins with and trains on.

        Args:
            context: The edge.
            learning: Its kernels.
            initial: The start; default: the method's own.

        Raises:
            DiagnosticError: The method needs pictures that are missing (``LEGO604``), they are all
                of one kind (``LEGO631``), or no term has any weight (``LEGO632``).
        """
        gradients = self.gradients(context, learning.layers)
        if initial is None:
            initial = self.begin(context, learning.layers, gradients)
        objective = self.objective(context, initial, gradients)
        schedule, because = self._schedule(context, initial)
        if schedule.steps:
            self._check(objective, context)
        return TrainingSetup(initial, objective, schedule, because, gradients)

    def gradients(
        self,
        context: EdgeContext,  # noqa: ARG002 - only some methods draw any
        kernels: Sequence[int],  # noqa: ARG002
    ) -> tuple[Gradients, Gradients] | None:
        """Return the pseudo-gradients to learn from, and held-out ones; None if it needs none."""
        return None

    def begin(
        self,
        context: EdgeContext,
        kernels: Sequence[int],
        gradients: tuple[Gradients, Gradients] | None,
    ) -> InitialAdapter:
        """Return the start that `init` names.

        Args:
            context: The edge.
            kernels: Kernel sizes of the adapter's convs.
            gradients: The method's own pseudo-gradients.
        """
        if gradients is None:
            return self.start.begin(context, kernels)
        return self.start.begin_from(gradients, context, kernels)

    def objective(
        self,
        context: EdgeContext,
        initial: InitialAdapter,  # noqa: ARG002 - only some methods ask what it answers
        gradients: tuple[Gradients, Gradients] | None,
    ) -> Objective:
        """Return what to train for: by default, the labels.

        Args:
            context: The edge.
            initial: The start.
            gradients: The method's own pseudo-gradients.

        Raises:
            DiagnosticError: There is nothing to learn from (``LEGO604``).
        """
        from legonet.distill.training.objective import Objective

        examples = self._examples(context)
        if examples is None and gradients is None:
            kind = "pictures" if self.learns_from_answers else "labelled pictures"
            others = ", or `unlabelled`" if self.learns_from_answers else ""
            raise DiagnosticError.of(
                "LEGO604",
                f"`{self.call}` needs {kind}, but the edge has none",
                label="nothing to learn from",
                help=[
                    "set `samples` above 0" + others,
                    WORK_WITHOUT,
                ],
            )
        return Objective(context.edge.goal, context.task_module, examples, self.batch_size)

    def _examples(self, context: EdgeContext) -> Examples | None:
        """Return the pictures to learn from, if there are any."""
        from legonet.distill.edges.examples import Examples

        return Examples.of(context, unlabelled=self.learns_from_answers, views=self.views)

    def _asks(self, context: EdgeContext) -> bool:
        """Return whether the teacher is asked about pictures without labels."""
        return self.learns_from_answers and len(context.edge.unlabelled) > 0

    def _check(self, objective: Objective, context: EdgeContext) -> None:
        """Raise an error where training steps could not learn anything."""
        labels = context.edge.labelled.labels
        kinds = len(set(labels.tolist()))
        by_label = context.edge.goal.asks_for == "label"
        if by_label and kinds == 1 and not self.learns_from_answers:
            raise DiagnosticError.of(
                "LEGO631",
                f"{len(labels)} labelled pictures, all of one kind: nothing to tell apart",
                label=f"`{self.call}` learns from labels",
                help=[
                    "set `samples` to 2 or more: they show all labels in turn",
                    f"or to 0: {WORK_WITHOUT}",
                ],
            )
        if objective.is_empty:
            raise DiagnosticError.of(
                "LEGO632",
                f"`{self.call}` has steps to take, but no term has any weight",
                label="nothing to learn from",
                help=["set `weight` above 0, or `samples`", "or `steps: 0`, which keeps the start"],
            )

    def _schedule(
        self, context: EdgeContext, initial: InitialAdapter
    ) -> tuple[Schedule, dict[str, str]]:
        """Return how long and how fast to train, and why."""
        from legonet.distill.training.trainer import Schedule

        labelled, asked = len(context.edge.labelled), self._asks(context)
        plain = not initial.solved
        steps, why_steps = self.steps, "the spec says so"
        if steps is None and plain:
            steps, why_steps = 300, "the start knows nothing yet"
        elif steps is None and (labelled or asked):
            steps, why_steps = 150, "the start is solved already"
        elif steps is None:
            # Without pictures, only the residual is left to train on, and a smaller residual than
            # a solved start's is no better an answer (see `CORRESPONDING` in starts/solved.py).
            steps = 0
            why_steps = "the start is solved already, and there is no picture to learn from"
        rate, why_rate = self.learning_rate, "the spec says so"
        if rate is None and labelled <= FEW_SAMPLES and not asked and not plain:
            rate, why_rate = 5e-4, "few pictures should not take a solved start far"
        elif rate is None:
            rate = 2e-3
            why_rate = "the start knows nothing yet" if plain else "there is enough to learn from"
        because = {"most_steps_because": why_steps, "learning_rate_because": why_rate}
        return Schedule(steps, rate, 0 if self.learning_rate else RETRIES), because
