"""The automatic choice: what to begin with and what to learn from, by what there is.

The choice follows measurements (docs/measurements.md), not the paper: pseudo-gradients match where
two networks have a common ancestor and its channels are still what they were, and only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.gates import implied_options
from legonet.distill.operations import has_surrogate
from legonet.distill.starts import Begun, begin
from legonet.spec.base import Goal
from legonet.spec.methods import BackDistillation, OutputDistillation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.joint import Joint
    from legonet.spec.methods import Start, Training, Transplant

RELATED = 0.8
"""From this R^2 of stitching on dead leaves on, two networks have a common ancestor.

It was 0.94 to 1.00 with one, and 0.42 to 0.58 without.
"""

UNCHANGED = 0.82
"""From this correlation of matched channels on, least squares through the teacher's maps is best.

It was 0.88 to 0.97 for animals of CIFAR-10, on which least squares erred least. For photographs at
40 pixels it was 0.51 to 0.77, and least squares erred on twice as many held-out pictures as
stitching; for digits it was 0.42 to 0.45 (docs/measurements.md, docs/results/starts.md).
"""

SYNTHETIC = 300
"""Dead leaves pictures about which the teacher is asked where there are no others."""


def chosen_start(joint: Joint, kernels: Sequence[int]) -> tuple[Begun, str]:
    """Return the adapter that an edge begins with, and why.

    Args:
        joint: The edge.
        kernels: Kernel sizes of the adapter's convs.
    """
    why = f"stitching explains {joint.ancestor_r2:.2f} of the variance on dead leaves: "
    why += "there is a common ancestor" if _related(joint) else "there is no common ancestor"
    if _related(joint) and not _maps_fit(joint):
        why += ", but the two task modules cannot share maps"
    elif _related(joint) and joint.edge.goal is Goal.CLASSIFICATION:
        options = BackDistillation(relu_maps="teacher")
        begun = begin(joint, kernels, "least_squares", options)
        correlation = begun.notes["matched_correlation"]
        if correlation >= UNCHANGED:
            return begun, f"{why}, and its channels still correlate by {correlation:.2f}"
        why += f", but its channels correlate by {correlation:.2f} only"
    if joint.best is not joint.leaves:
        return begin(joint, kernels, "stitching"), f"{why}; there are real pictures"
    start: Start = "real_gradients"
    if _related(joint) and _maps_fit(joint):
        start = "assignment"
    return begin(joint, kernels, start), f"{why}; there are no pictures"


def choose_training(
    joint: Joint, transplant: Transplant, begun: Begun
) -> tuple[Training | None, str]:
    """Return the method to train with behind the start, or None, and why.

    Labels join the teacher's outputs where there are some: on animals of CIFAR-10 that was as good
    as labels alone with a common ancestor, and better without. Dead leaves instead of pictures of
    the category spoilt starts that were made from real pictures or with a common ancestor.
    """
    if len(joint.edge.labelled) or len(joint.edge.unlabelled):
        why = "there are pictures of the category, and the teacher can be asked about each"
        return OutputDistillation(steps=transplant.steps), why
    if begun.notes["start"] != "real_gradients" or joint.edge.goal is Goal.SEGMENTATION:
        return None, "there are no pictures of the category"
    why = "there are no pictures at all, but the teacher can be asked about dead leaves"
    return OutputDistillation(steps=transplant.steps, synthetic=SYNTHETIC), why


def _related(joint: Joint) -> bool:
    return joint.ancestor_r2 >= RELATED


def _maps_fit(joint: Joint) -> bool:
    """Return whether both task modules can have the same map at each ReLU, unit by unit."""
    tops = (joint.edge.task_module, joint.edge.teacher_top)
    if not all(map(has_surrogate, tops)):
        return False
    return implied_options(joint.student, joint.teacher) == BackDistillation()
