"""The automatic choice: what to begin with and what to learn from, by what there is.

The choice follows measurements, not the paper. Pseudo-gradients alone fail where the two networks
have no common ancestor, stitched features alone where the pictures at hand are unlike real ones;
pulled towards each other they were never much worse than the better of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.surrogate import has_surrogate
from legonet.modules.cut import sequence
from legonet.spec.methods import OutputDistillation

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
    """Return the method to train with behind the start, or None, and why.

    Labels join the teacher's outputs where there are some: on animals of CIFAR-10 that was as good
    as labels alone with a common ancestor, and better without.
    """
    if not len(joint.edge.labelled) and not len(joint.edge.unlabelled):
        return None, "there are no pictures of the category"
    why = "there are pictures of the category, and the teacher can be asked about each"
    return OutputDistillation(steps=transplant.steps), why
