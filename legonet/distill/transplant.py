"""The automatic choice: what to begin with and what to learn from, by what there is.

The choice follows measurements, not the paper. Pseudo-gradients alone fail where the two networks
have no common ancestor, stitched features alone where the pictures at hand are unlike real ones;
pulled towards each other they were never much worse than the better of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.surrogate import has_surrogate
from legonet.modules.cut import sequence
from legonet.spec.base import Goal
from legonet.spec.methods import OrdinaryLearning, OutputDistillation

if TYPE_CHECKING:
    from legonet.distill.joint import Joint
    from legonet.spec.methods import Start, Training, Transplant


def choose_start(joint: Joint) -> tuple[Start, str]:
    """Return the start for an edge, and why."""
    tops = (joint.edge.task_module, joint.edge.teacher_top)
    if not all(has_surrogate(layer) for top in tops for layer in sequence(top)):
        return "stitching", "pseudo-gradients cannot pass every layer"
    return "blend", "it serves networks with and without a common ancestor"


def choose_training(joint: Joint, transplant: Transplant) -> tuple[Training | None, str]:
    """Return the method to train with behind the start, or None, and why."""
    steps = transplant.steps
    labelled, unlabelled = len(joint.edge.labelled), len(joint.edge.unlabelled)
    if not labelled and not unlabelled:
        return None, "there are no pictures of the category"
    if unlabelled or joint.edge.goal is Goal.SEGMENTATION:
        why = "there are unlabelled pictures" if unlabelled else "the task is segmentation"
        return OutputDistillation(steps=steps), why
    return OrdinaryLearning(steps=steps), "there are labelled pictures only"
