"""From a method to a start, an objective and a schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from legonet.diagnostics import DiagnosticError
from legonet.distill.examples import Examples
from legonet.distill.gradients import Gradients
from legonet.distill.objective import Objective
from legonet.distill.starts import Begun, begin, solved_from
from legonet.distill.trainer import Schedule
from legonet.spec.base import Goal
from legonet.spec.methods import BackDistillation, OutputDistillation

if TYPE_CHECKING:
    from legonet.distill.joint import Joint
    from legonet.spec.declarations import Learning
    from legonet.spec.methods import Training

FEW_SAMPLES = 10
"""Up to so many labelled pictures want a small learning rate."""

SOLVED = ("solve", "least_squares", "assignment")
"""Starts that come from the pseudo-gradients that a method draws for itself."""


@dataclass(frozen=True)
class Prepared:
    """All that training needs, and the gradients that it is judged by.

    Args:
        begun: The start.
        objective: What to train for.
        schedule: How long and how fast.
        because: Why so long and so fast, for the certificate.
        gradients: Pseudo-gradients to learn from and held-out ones, where the method has them.
    """

    begun: Begun
    objective: Objective
    schedule: Schedule
    because: dict[str, str] = field(default_factory=dict)
    gradients: tuple[Gradients, Gradients] | None = None


def prepare(
    joint: Joint, learning: Learning, training: Training, begun: Begun | None = None
) -> Prepared:
    """Return what a trained method begins with and works on.

    Args:
        joint: The edge.
        learning: Its kernels.
        training: The method.
        begun: The start, if it is not to be the method's own.

    Raises:
        DiagnosticError: The method needs pictures that are missing (``LEGO604``), they show one
            kind alone (``LEGO631``), or no weight is left (``LEGO632``).
    """
    gradients = None
    if isinstance(training, BackDistillation):
        gradients = Gradients.draw(joint, learning.layers, training)
    if begun is None and gradients is not None and training.init in SOLVED:
        begun = solved_from(joint, learning.layers, training.init, *gradients)
    if begun is None:
        begun = begin(joint, learning.layers, training.init)
    objective = _objective(joint, training, gradients)
    schedule, because = _schedule(joint, training, begun)
    if schedule.steps:
        _check(objective, joint, training)
    return Prepared(begun, objective, schedule, because, gradients)


def _objective(
    joint: Joint, training: Training, gradients: tuple[Gradients, Gradients] | None
) -> Objective:
    distils = isinstance(training, OutputDistillation)
    synthetic = training.synthetic if isinstance(training, OutputDistillation) else 0
    examples = Examples.of(joint, unlabelled=distils, views=training.views, synthetic=synthetic)
    if examples is None and gradients is None:
        kind = "pictures" if distils else "labelled pictures"
        raise DiagnosticError.of(
            "LEGO604",
            f"`{training.call}` needs {kind}, but the edge has none",
            label="nothing to learn from",
            help=[
                "set `samples` above 0" + (", or `unlabelled`" if distils else ""),
                "`back_distillation()`, `stitching()` and `transplant()` work without any",
            ],
        )
    objective = Objective(joint.edge.task_module, examples, training.batch_size)
    if isinstance(training, OutputDistillation):
        return objective.taught(training.weight, training.temperature)
    if isinstance(training, BackDistillation) and gradients is not None:
        learned, held_out = gradients
        return objective.matched(learned.residual, held_out.residual, learned.weight(training))
    return objective


def _check(objective: Objective, joint: Joint, training: Training) -> None:
    """Raise where steps would lead nowhere."""
    labels = joint.edge.labelled.labels
    kinds = len(set(labels.tolist()))
    by_label = joint.edge.goal is Goal.CLASSIFICATION
    if by_label and kinds == 1 and not isinstance(training, OutputDistillation):
        raise DiagnosticError.of(
            "LEGO631",
            f"{len(labels)} labelled pictures of one kind alone: nothing to tell apart",
            label=f"`{training.call}` learns from labels",
            help=[
                "set `samples` to 2 or more: half of them show the background",
                "or to 0: `back_distillation()`, `stitching()` and `transplant()` work without any",
            ],
        )
    if objective.is_empty:
        raise DiagnosticError.of(
            "LEGO632",
            f"`{training.call}` has steps to take, but nothing that has any weight",
            label="nothing to learn from",
            help=["set `weight` above 0, or `samples`", "or `steps: 0`, which keeps the start"],
        )


def _schedule(joint: Joint, training: Training, begun: Begun) -> tuple[Schedule, dict[str, str]]:
    """Return how long and how fast to train, and why."""
    labelled, unlabelled = len(joint.edge.labelled), len(joint.edge.unlabelled)
    plain = begun.notes["start"] in ("default", "identity")
    asked = isinstance(training, OutputDistillation) and unlabelled + training.synthetic > 0
    steps, why_steps = training.steps, "the spec says so"
    if steps is None and plain:
        steps, why_steps = 300, "the start knows nothing yet"
    elif steps is None and (labelled or asked):
        steps, why_steps = 150, "the start is solved already"
    elif steps is None:
        # Without a picture only the residual is left to train on, and a smaller residual than a
        # solved start's is no better answer (see `CORRESPONDING` in starts.py).
        steps, why_steps = 0, "the start is solved already, and there is no picture to learn from"
    rate, why_rate = training.learning_rate, "the spec says so"
    if rate is None and labelled <= FEW_SAMPLES and not asked and not plain:
        rate, why_rate = 5e-4, "few pictures should not take a solved start far"
    elif rate is None:
        rate = 2e-3
        why_rate = "the start knows nothing yet" if plain else "there is enough to learn from"
    because = {"most_steps_because": why_steps, "learning_rate_because": why_rate}
    return Schedule(steps, rate), because
