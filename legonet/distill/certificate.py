"""What a certificate says of how an adapter was learned."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from legonet.distill.examples import Examples
    from legonet.distill.joint import Joint
    from legonet.distill.preparation import Prepared
    from legonet.distill.trainer import Trained
    from legonet.modules.adapter import Adapter

LEAST_AGREEMENT = 0.6
"""A teacher and a student that agree less often than this answer different questions."""


def scales(joint: Joint) -> dict[str, Any]:
    """Return the re-scaling factor, what it was measured on, and the search for an ancestor."""
    return {
        "beta": joint.beta,
        "beta_pictures": joint.beta_pictures,
        "ancestor_r2": joint.ancestor_r2,
    }


def training(prepared: Prepared, trained: Trained) -> dict[str, Any]:
    """Return losses, stop and gradient match of a training."""
    objective = prepared.objective
    examples = objective.examples
    notes: dict[str, Any] = {
        "labelled": 0 if examples is None else _pictures(examples.take(examples.labelled)),
        "taught": 0 if examples is None or not objective.teacher_weight else _pictures(examples),
        "learning_rate": prepared.schedule.learning_rate,
        "most_steps": prepared.schedule.steps,
        **prepared.because,
        "steps": trained.steps,
        "steps_because": trained.because,
        "held_out_loss": [[step, loss] for step, loss in trained.curve.items()],
        "loss_curve": trained.losses,
    }
    if prepared.gradients is not None:
        learned, held_out = prepared.gradients
        with torch.no_grad():
            notes |= {
                "alpha": learned.alpha(float(trained.adapter.scale)),
                "residual_weight": objective.residual_weight,
                "residual": float(learned.residual(trained.adapter)),
                "held_out_residual": float(held_out.residual(trained.adapter)),
                "held_out_residual_of_start": float(held_out.residual(prepared.begun.adapter)),
            }
    return notes


def agreement(joint: Joint, start: Adapter, adapter: Adapter) -> dict[str, Any]:
    """Return how often student and teacher agree on the target's pictures, if there are any.

    The mean over the teacher's answers, so that answering always the same scores 0.5 for a
    single category.
    """
    if joint.target is None:
        return {"warnings": []}
    found = {
        "agreement_of_start": _agreement(joint, start),
        "agreement": _agreement(joint, adapter),
    }
    warnings = []
    if found["agreement"] < LEAST_AGREEMENT:
        warnings.append(
            "teacher and student hardly agree: the task module may answer another question than "
            "the teacher, and no adapter can mend that"
        )
    return {**found, "warnings": warnings}


def as_json(value: Any) -> Any:
    """Return a value with nothing that JSON cannot hold: numbers that are not finite are None."""
    if isinstance(value, dict):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def _pictures(examples: Examples) -> int:
    return len(torch.unique(examples.pictures))


def _agreement(joint: Joint, adapter: Adapter) -> float:
    if joint.target is None:
        return 0.0
    edge = joint.edge
    student, teacher = [], []
    for features, taught in joint.batches(joint.target.images, edge.category_module, edge.teacher):
        with torch.no_grad():
            student.append(_answers(edge.task_module(adapter(features))))
        teacher.append(_answers(taught))
    own, other = torch.cat(student), torch.cat(teacher)
    shares = [
        float((own[other == label] == label).double().mean()) for label in torch.unique(other)
    ]
    return sum(shares) / len(shares)


def _answers(outputs: Tensor) -> Tensor:
    return (outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(1)).flatten()
