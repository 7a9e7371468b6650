"""Where an adapter begins: solved from gradients or features, or one of the plain starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from legonet.distill import real_gradients, solve
from legonet.distill.gates import implied_options
from legonet.distill.gradients import Gradients
from legonet.distill.randomness import generator
from legonet.modules.adapter import Adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.joint import Joint
    from legonet.spec.methods import BackDistillation, Start

CORRESPONDING = 0.1
"""From this correlation of matched channels on, two networks' channels correspond.

With a common ancestor it was 0.12 to 0.17 for the ink of digits, 0.38 to 0.41 for digits and 0.91
for photographed animals, without one 0.05 to 0.08. Where channels correspond, the smaller residual
of least squares is deceptive: without a picture the assignment erred on 13 to 19 % of the animals,
least squares on 36 to 50 %.
"""


@dataclass(frozen=True)
class Begun:
    """An adapter before training, and what is known of it.

    Args:
        adapter: With the re-scaling factor beta in it.
        notes: For the certificate.
    """

    adapter: Adapter
    notes: dict[str, Any] = field(default_factory=dict)


def begin(
    joint: Joint, kernels: Sequence[int], start: Start, options: BackDistillation | None = None
) -> Begun:
    """Return an adapter with a named start.

    Args:
        joint: The edge.
        kernels: Kernel sizes of its convs, bottom first.
        start: The start's name.
        options: How pseudo-gradients are drawn, where the start needs them; as the two networks
            allow it unless given.
    """
    if start in ("default", "identity"):
        adapter = empty_adapter(joint, kernels)
        return Begun(adapter if start == "default" else adapter.dirac_(), {"start": start})
    if start == "stitching":
        return stitched(joint, kernels)
    if start == "real_gradients":
        return really_matched(joint, kernels)
    options = options or implied_options(joint.student, joint.teacher)
    if start == "blend":
        return blended(joint, kernels, options)
    if start == "iterated_assignment":
        return reassigned(joint, kernels, options)
    return solved(joint, kernels, start, options)


def empty_adapter(joint: Joint, kernels: Sequence[int]) -> Adapter:
    """Return an adapter with torch's own random start, drawn from the edge's seed."""
    channels_in, channels_out = (shape[0] for shape in joint.shapes)
    random = generator(joint.seed, "default start")
    return Adapter(channels_in, channels_out, kernels, joint.beta, random).to(joint.device)


def solved(joint: Joint, kernels: Sequence[int], start: Start, options: BackDistillation) -> Begun:
    """Return the adapter that least squares or an assignment makes of pseudo-gradients."""
    return solved_from(joint, kernels, start, *Gradients.draw(joint, kernels, options))


def solved_from(
    joint: Joint,
    kernels: Sequence[int],
    start: Start,
    gradients: Gradients,
    held_out: Gradients,
) -> Begun:
    """Return what `solved` does, from pseudo-gradients that are already drawn."""
    moments = gradients.first(kernels[0])
    candidates = {}
    if start in ("solve", "least_squares"):
        candidates["least_squares"] = solve.least_squares(moments)
    if start in ("solve", "assignment"):
        candidates["assignment"] = solve.assignment(moments)
    deciding = held_out.first(kernels[0])
    residuals = {name: float(deciding.residual(found)) for name, found in candidates.items()}
    correlation = solve.matched_correlation(moments)
    chosen = start
    if start == "solve":
        chosen = "assignment" if correlation >= CORRESPONDING else "least_squares"
    notes: dict[str, Any] = {
        "start": chosen,
        "start_residuals": residuals,
        "matched_correlation": correlation,
    }
    weight = candidates[chosen] / gradients.alpha_beta
    return Begun(_with_first(joint, kernels, weight), notes)


def stitched(joint: Joint, kernels: Sequence[int], ridge: float = 1e-3) -> Begun:
    """Return the adapter that makes f's features most like f_S's, on the best pictures."""
    pictures = joint.best
    features = joint.features(pictures)
    weight, bias = features.stitch(ridge)
    notes = {
        "start": "stitching",
        "start_pictures": f"{len(pictures.images)} {pictures.name}",
        "stitching_r2": features.explained(weight),
    }
    return Begun(_with_first(joint, kernels, weight[:, :, None, None] / joint.beta, bias), notes)


def blended(joint: Joint, kernels: Sequence[int], options: BackDistillation) -> Begun:
    """Return the adapter that pseudo-gradients ask for, pulled towards the stitched one.

    Alone the gradients say what moves the answer, and nothing of how large features are; alone
    the features say what g_S is used to, and nothing of what the teacher answers. The bias is 0.
    """
    gradients, held_out = Gradients.draw(joint, (1,), options)
    features = joint.features(joint.best)
    stitch, _ = features.stitch()
    matched = solve.pulled(gradients.moments, stitch * gradients.alpha_beta / joint.beta)
    notes = {
        "start": "blend",
        "start_pictures": f"{len(joint.best.images)} {joint.best.name}",
        "start_residual": float(held_out.moments.residual(matched)),
        "matched_correlation": solve.matched_correlation(gradients.moments),
        "stitching_r2": features.explained(stitch),
    }
    return Begun(_with_first(joint, kernels, matched / gradients.alpha_beta), notes)


def really_matched(joint: Joint, kernels: Sequence[int]) -> Begun:
    """Return the adapter that least squares makes of real gradients, on the best pictures."""
    pictures, beta = joint.best, joint.beta
    weight, moments = real_gradients.least_squares(joint, pictures)
    notes = {
        "start": "real_gradients",
        "start_pictures": f"{len(pictures.images)} {pictures.name}",
        "matched_correlation": solve.matched_correlation(moments),
    }
    return Begun(_with_first(joint, kernels, weight / beta), notes)


def reassigned(joint: Joint, kernels: Sequence[int], options: BackDistillation) -> Begun:
    """Return an assignment that was made again from the real gradients on both sides of it.

    The first one is made of pseudo-gradients; each later one of the gradients that g_S has behind
    the one before it.
    """
    pictures = joint.best
    begun = solved(joint, (1,), "assignment", options)
    notes: dict[str, Any] = {
        "start": "iterated_assignment",
        "start_pictures": f"{len(pictures.images)} {pictures.name}",
    }
    changed = []
    for _ in range(real_gradients.ROUNDS):
        before = begun.adapter.convolutions[0].weight != 0
        weight, moments = real_gradients.assignment(joint, pictures, begun.adapter)
        begun = Begun(_with_first(joint, (1,), weight))
        changed.append(int(((weight != 0) & ~before.cpu()).sum()))
        notes["matched_correlation"] = solve.matched_correlation(moments)
    notes["channels_assigned_anew"] = changed
    return Begun(_with_first(joint, kernels, begun.adapter.convolutions[0].weight), notes)


@torch.no_grad()
def _with_first(
    joint: Joint, kernels: Sequence[int], weight: Tensor, bias: Tensor | None = None
) -> Adapter:
    """Return an adapter whose first conv is given and whose other convs are the identity.

    Behind the first ReLU features are nowhere negative, so that the others change nothing.

    Args:
        joint: The edge.
        kernels: Kernel sizes.
        weight: ``(C_S, C_T, k, k)``; a smaller kernel is put at the middle of the conv's.
        bias: ``(C_S,)``, zero unless given.
    """
    adapter = empty_adapter(joint, kernels).dirac_()
    first = adapter.convolutions[0]
    margin = (kernels[0] - weight.shape[-1]) // 2
    padded = torch.nn.functional.pad(weight, (margin,) * 4)
    first.weight.copy_(padded)
    if bias is not None and first.bias is not None:
        first.bias.copy_(bias)
    return adapter
