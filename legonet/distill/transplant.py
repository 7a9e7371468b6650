"""The automatic choice: what to begin with and what to learn from, by what there is.

The choice follows measurements, not the paper: what an edge lacks most often is a common ancestor
of its two networks, and pictures. Whether there is an ancestor is measured (R^2 of stitching on
dead leaves), never asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.starts import Begun, real_gradients, solved, stitched
from legonet.spec.base import Goal
from legonet.spec.methods import BackDistillation, OrdinaryLearning, OutputDistillation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.joint import Joint
    from legonet.spec.methods import Training, Transplant

ANCESTOR_R2 = 0.8
"""From this R^2 on two networks are taken to have a common ancestor.

Measured on animals of CIFAR-10: 0.94 to 0.96 with one, 0.50 to 0.58 without.
"""


def choose_start(joint: Joint, kernels: Sequence[int]) -> Begun:
    """Return the start for an edge, with the reason in its notes."""
    related = joint.ancestor_r2 >= ANCESTOR_R2
    if not related:
        begun, why = stitched(joint, kernels), "the networks have no common ancestor"
    elif joint.edge.goal is Goal.SEGMENTATION:
        begun = solved(joint, kernels, "assignment", BackDistillation())
        why = "the networks have a common ancestor, and the task is segmentation"
    else:
        begun = real_gradients(joint, kernels, joint.leaves)
        why = "the networks have a common ancestor, and the task is classification"
    return Begun(begun.adapter, {**begun.notes, "start_because": why})


def choose_training(
    joint: Joint, kernels: Sequence[int], transplant: Transplant
) -> tuple[Training | None, str]:
    """Return the method to train with behind the start, or None, and why."""
    labelled, unlabelled = len(joint.edge.labelled), len(joint.edge.unlabelled)
    related = joint.ancestor_r2 >= ANCESTOR_R2
    if not labelled and not unlabelled:
        return None, "there are no pictures of the category"
    if unlabelled or joint.edge.goal is Goal.SEGMENTATION:
        why = "there are unlabelled pictures" if unlabelled else "the task is segmentation"
        return OutputDistillation(steps=transplant.steps), why
    if related and max(kernels) > 1:
        why = "the adapter has more freedom than the samples can fix"
        return BackDistillation(steps=transplant.steps), why
    return OrdinaryLearning(steps=transplant.steps), "there are labelled pictures only"
