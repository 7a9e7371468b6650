"""What a certificate says about how an adapter was learned."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from legonet.distill.edges.criteria import Criteria
    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.examples import Examples
    from legonet.distill.methods.trained import TrainingSetup
    from legonet.distill.training.trainer import Trained
    from legonet.modules.adapter import Adapter
    from legonet.modules.bridge import Bridge
    from legonet.modules.calibration import Calibration

LEAST_AGREEMENT = 0.2
"""How far above chance a teacher and a student agree that answer the same question, of 0 to 1."""


def least_agreement(outputs: int) -> float:
    """Return how often teacher and student agree at least if they answer the same question.

    It is 0.6 where they tell a category from all else, and less for more labels, as chance is.

    Args:
        outputs: How many outputs both have.
    """
    chance = 1 / max(2, outputs)
    return chance + LEAST_AGREEMENT * (1 - chance)


def scales(context: EdgeContext) -> dict[str, Any]:
    """Return the re-scaling factor, what it was measured on, and the search for an ancestor."""
    return {
        "beta": context.beta,
        "beta_pictures": context.beta_pictures,
        "ancestor_r2": context.ancestor_r2,
        "activation": context.activation,
        **_features(context.edge.bridge),
    }


def _features(bridge: Bridge | None) -> dict[str, Any]:
    """Return the layouts of the features on both sides, where they are not maps of one size."""
    if bridge is None:
        return {}
    words = {"features": bridge.reads.words, "own_features": bridge.writes.words}
    return words if bridge.resized_how is None else {**words, "resized": bridge.resized_how}


def training(setup: TrainingSetup, trained: Trained) -> dict[str, Any]:
    """Return the losses of a training, why it stopped, and how well gradients match."""
    objective = setup.objective
    examples = objective.examples
    notes: dict[str, Any] = {
        "labelled": 0 if examples is None else _pictures(examples.take(examples.labelled)),
        "taught": 0 if examples is None or not objective.teacher_weight else _pictures(examples),
        "learning_rate": trained.learning_rate or setup.schedule.learning_rate,
        "most_steps": setup.schedule.steps,
        **setup.because,
        "steps": trained.steps,
        "steps_because": trained.because,
        "held_out_loss": [[step, loss] for step, loss in trained.curve.items()],
        "loss_curve": trained.losses,
    }
    if setup.gradients is not None:
        learned, held_out = setup.gradients
        with torch.no_grad():
            notes |= {
                "alpha": learned.alpha(float(trained.adapter.scale)),
                "residual_weight": objective.residual_weight,
                "residual": float(learned.residual(trained.adapter)),
                "held_out_residual": float(held_out.residual(trained.adapter)),
                "held_out_residual_of_start": float(held_out.residual(setup.initial.adapter)),
            }
    return notes


def calibration(criteria: Criteria, found: Calibration | None) -> dict[str, Any]:
    """Return the scale and the offset of an edge's answers, and what they were fitted to."""
    if found is None:
        return {"calibration": None}
    seen = criteria.target or criteria.familiar
    notes = {
        "scale": float(found.scale),
        "offset": float(found.offset),
        "answers_of": "donor" if criteria.target is None else "teacher",
        "pictures": seen.name,
    }
    return {"calibration": notes}


def judged(criteria: Criteria, start: Adapter, adapter: Adapter) -> dict[str, Any]:
    """Return the figures of an adapter and of its start that need no labels, with warnings."""
    figures = criteria.figures(adapter)
    if criteria.target is None:
        return {**figures, "warnings": []}
    figures["agreement_of_start"] = criteria.agreement(start)
    warnings = []
    if figures["agreement"] < least_agreement(criteria.outputs):
        warnings.append(
            "teacher and student hardly agree: the task module may answer another question than "
            "the teacher, and no adapter can mend that"
        )
    return {**figures, "warnings": warnings}


def as_json(value: Any) -> Any:
    """Return a value that JSON can represent: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def _pictures(examples: Examples) -> int:
    return len(torch.unique(examples.pictures))
