"""From a method to a start, an objective and a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from legonet.diagnostics import DiagnosticError
from legonet.distill.examples import Examples
from legonet.distill.gradients import Gradients, random_residual
from legonet.distill.objective import Objective
from legonet.distill.starts import Begun, begin, solved_from
from legonet.distill.trainer import Schedule
from legonet.spec.methods import BackDistillation, OutputDistillation

if TYPE_CHECKING:
    from legonet.distill.joint import Joint
    from legonet.spec.declarations import Learning
    from legonet.spec.methods import Training

FEW_SAMPLES = 10
"""Up to so many labelled pictures want a small learning rate."""

SOLVED = ("solve", "least_squares", "assignment")
"""Starts that come from pseudo-gradients."""


@dataclass(frozen=True)
class Prepared:
    """All that training needs, and the gradients that it is judged by.

    Args:
        begun: The start.
        objective: What to train for.
        schedule: How long and how fast.
        gradients: Pseudo-gradients to learn from and held-out ones, where the method has them.
    """

    begun: Begun
    objective: Objective
    schedule: Schedule
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
        DiagnosticError: The method needs pictures that are missing (``LEGO604``).
    """
    gradients = None
    if isinstance(training, BackDistillation):
        gradients = Gradients.draw(joint, learning.layers, training)
    if begun is None and gradients is not None and training.init in SOLVED:
        begun = solved_from(joint, learning.layers, training.init, *gradients)
    if begun is None:
        begun = begin(joint, learning.layers, training.init, BackDistillation())
    objective = _objective(joint, training, gradients)
    return Prepared(begun, objective, _schedule(joint, training, begun), gradients)


def _objective(
    joint: Joint, training: Training, gradients: tuple[Gradients, Gradients] | None
) -> Objective:
    distils = isinstance(training, OutputDistillation)
    examples = Examples.of(joint, unlabelled=distils)
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
        return objective.matched(
            random_residual(learned, joint.seed), held_out.residual, learned.weight(training)
        )
    return objective


def _schedule(joint: Joint, training: Training, begun: Begun) -> Schedule:
    labelled, unlabelled = len(joint.edge.labelled), len(joint.edge.unlabelled)
    plain = begun.notes["start"] in ("default", "identity")
    steps = training.steps
    if steps is None:
        # Without a picture only the residual is left to train on, and a smaller residual than a
        # solved start's is no better answer (see `CORRESPONDING` in starts.py).
        pictured = labelled or (unlabelled and isinstance(training, OutputDistillation))
        steps = 300 if plain else 150 if pictured else 0
    few = labelled <= FEW_SAMPLES and not (unlabelled and isinstance(training, OutputDistillation))
    rate = training.learning_rate or (5e-4 if few and not plain else 2e-3)
    return Schedule(steps, rate)
