"""Learning one adapter, by whichever method its spec names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from legonet.diagnostics import DiagnosticError
from legonet.distill import certificate
from legonet.distill.joint import Joint
from legonet.distill.preparation import Prepared, prepare
from legonet.distill.randomness import generator
from legonet.distill.starts import Begun, begin, stitched
from legonet.distill.trainer import train, within
from legonet.distill.transplant import choose_start, choose_training
from legonet.spec.methods import BackDistillation, Stitching, Transplant

if TYPE_CHECKING:
    from legonet.distill.edge import Edge
    from legonet.distill.progress import Progress
    from legonet.modules.adapter import Adapter
    from legonet.spec.declarations import Learning

PREPARATION = 0.3
"""Share of the progress that goes to what comes before training."""


@dataclass(frozen=True)
class Learned:
    """An adapter and how it came to be.

    Args:
        adapter: Frozen, in eval mode, on the CPU.
        certificate: Values of JSON: method, start and why, scales, losses, residuals, warnings.
    """

    adapter: Adapter
    certificate: dict[str, Any]


def learn(
    edge: Edge,
    learning: Learning,
    progress: Progress,
    *,
    device: torch.device | str = "cpu",
) -> Learned:
    """Learn the adapter of an edge.

    All randomness comes from ``learning.seed``; torch's own generators and the edge's modules
    stay as they are. On the CPU the same arguments give the same bits.

    Args:
        edge: The modules, frozen and on the device, and the pictures.
        learning: Kernels, method and seed.
        progress: Told of every batch and step.
        device: Where to compute.

    Raises:
        DiagnosticError: The method cannot work on this edge (``LEGO601`` to ``LEGO606``).
    """
    joint = Joint(edge, learning.seed, torch.device(device), partial(progress, 0.0))
    _check_outputs(joint)
    begun, prepared, notes = _prepared(joint, learning)
    notes = {**notes, **certificate.scales(joint), **begun.notes}
    adapter = begun.adapter
    if prepared is not None:
        trained = train(
            begun.adapter,
            prepared.objective,
            prepared.schedule,
            partial(generator, learning.seed),
            within(progress, PREPARATION, 1.0),
        )
        adapter = trained.adapter
        notes |= certificate.training(prepared, trained)
    joint.report = partial(progress, 1.0)
    notes |= certificate.agreement(joint, begun.adapter, adapter)
    progress(1.0, "done")
    adapter = adapter.eval().requires_grad_(False).cpu()
    return Learned(adapter, certificate.as_json(notes))


def _prepared(joint: Joint, learning: Learning) -> tuple[Begun, Prepared | None, dict[str, Any]]:
    """Return the start, what to train on if anything, and notes on the choice."""
    method = learning.method
    notes: dict[str, Any] = {"method": method.call, "seed": learning.seed}
    if isinstance(method, Stitching):
        return stitched(joint, learning.layers, ridge=method.ridge), None, notes
    if not isinstance(method, Transplant):
        prepared = prepare(joint, learning, method)
        return prepared.begun, prepared, notes
    start, why_start = choose_start(joint)
    training, why = choose_training(joint, method)
    begun = begin(joint, learning.layers, start, BackDistillation())
    notes |= {
        "start_because": why_start,
        "trained_by": training.call if training else None,
        "trained_because": why,
    }
    if training is None:
        return begun, None, notes
    return begun, prepare(joint, learning, training, begun), notes


def _check_outputs(joint: Joint) -> None:
    own, other = joint.answers
    if own != other:
        raise DiagnosticError.of(
            "LEGO602",
            f"the task module answers with {list(own)} numbers a picture and the teacher with "
            f"{list(other)}",
            label="they cannot answer the same question",
            help=["join networks with the same number of outputs, cut for the same goal"],
        )
