"""The automatic choice: what to begin with and what to learn from, by what there is.

The choice follows measurements (docs/measurements.md), not the paper: pseudo-gradients match where
two networks have a common ancestor, and only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.gates import implied_options
from legonet.distill.operations import has_surrogate
from legonet.spec.base import Goal
from legonet.spec.methods import BackDistillation, OutputDistillation

if TYPE_CHECKING:
    from legonet.distill.joint import Joint
    from legonet.spec.methods import Training, Transplant

RELATED = 0.8
"""From this R^2 of stitching on dead leaves on, two networks have a common ancestor.

It was 0.94 to 0.97 with one, and 0.41 to 0.58 without.
"""

SYNTHETIC = 300
"""Dead leaves pictures about which the teacher is asked where there are no others."""


def choose_start(joint: Joint) -> tuple[BackDistillation, str]:
    """Return the start for an edge, with the maps that it is made from, and why."""
    measured = f"stitching explains {joint.ancestor_r2:.2f} of the variance on dead leaves"
    if joint.ancestor_r2 >= RELATED and _maps_fit(joint):
        why = f"{measured}: the networks have a common ancestor"
        if joint.edge.goal is Goal.SEGMENTATION:
            return BackDistillation(init="assignment"), why
        return BackDistillation(init="least_squares", relu_maps="teacher"), why
    if joint.ancestor_r2 < RELATED:
        why = f"{measured}: the networks have no common ancestor"
    else:
        why = "the two task modules cannot share maps"
    if joint.best is joint.leaves:
        return BackDistillation(init="real_gradients"), f"{why}, and there are no pictures"
    return BackDistillation(init="stitching"), why


def choose_training(
    joint: Joint, transplant: Transplant, start: BackDistillation
) -> tuple[Training | None, str]:
    """Return the method to train with behind the start, or None, and why.

    Labels join the teacher's outputs where there are some: on animals of CIFAR-10 that was as good
    as labels alone with a common ancestor, and better without. Dead leaves instead of pictures of
    the category spoilt starts that were made from real pictures or with a common ancestor.
    """
    if len(joint.edge.labelled) or len(joint.edge.unlabelled):
        why = "there are pictures of the category, and the teacher can be asked about each"
        return OutputDistillation(steps=transplant.steps), why
    if start.init != "real_gradients" or joint.edge.goal is Goal.SEGMENTATION:
        return None, "there are no pictures of the category"
    why = "there are no pictures at all, but the teacher can be asked about dead leaves"
    return OutputDistillation(steps=transplant.steps, synthetic=SYNTHETIC), why


def _maps_fit(joint: Joint) -> bool:
    """Return whether both task modules can have the same map at each ReLU, unit by unit."""
    tops = (joint.edge.task_module, joint.edge.teacher_top)
    if not all(map(has_surrogate, tops)):
        return False
    return implied_options(joint.student, joint.teacher) == BackDistillation()
