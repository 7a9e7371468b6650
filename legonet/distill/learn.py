"""Learning one adapter, by whichever method its spec names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from legonet.diagnostics import DiagnosticError
from legonet.distill import certificate
from legonet.distill.joint import Joint
from legonet.distill.preparation import Prepared, prepare
from legonet.distill.progress import unwatched
from legonet.distill.randomness import generator
from legonet.distill.reordering import random_order, reordered, undone
from legonet.distill.starts import CORRESPONDING, Begun, stitched
from legonet.distill.student_pool import StudentPool
from legonet.distill.trainer import train, within
from legonet.distill.transplant import choose_training, chosen_start
from legonet.spec.methods import Stitching, Transplant

if TYPE_CHECKING:
    from legonet.distill.checkpoint import Checkpoint
    from legonet.distill.edge import Edge
    from legonet.distill.progress import Progress, Watch
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
    watch: Watch = unwatched,
    checkpoint: Checkpoint | None = None,
    pool: StudentPool | None = None,
) -> Learned:
    """Learn the adapter of an edge.

    All randomness comes from ``learning.seed``; torch's own generators and the edge's modules
    stay as they are. On the CPU the same arguments give the same bits.

    Args:
        edge: The modules, frozen and on the device, and the pictures.
        learning: Kernels, method and seed.
        progress: Told of every batch and step.
        device: Where to compute.
        watch: Told of every point of the loss curves.
        checkpoint: Where training goes on if it was interrupted; nothing is kept unless given.
        pool: Student sides of pseudo-gradients, shared with other edges; the result is the same.

    Raises:
        DiagnosticError: The method cannot work on this edge (``LEGO601`` to ``LEGO639``).
    """
    _check_pictures(edge, learning)
    report = partial(progress, 0.0)
    joint = Joint(edge, learning.seed, torch.device(device), report, pool or StudentPool(0))
    _check_outputs(joint)
    order = None
    if learning.method.reordered:
        order = random_order(joint.shapes[0][0], learning.seed)
        joint = replace(joint, edge=reordered(edge, order, joint.device))
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
            name=edge.name,
            watch=watch,
            checkpoint=checkpoint,
        )
        adapter = trained.adapter
        notes |= certificate.training(prepared, trained)
    joint.report = partial(progress, 1.0)
    notes |= certificate.agreement(joint, begun.adapter, adapter)
    progress(1.0, "done")
    adapter = adapter.eval().requires_grad_(False).cpu()
    if order is not None:
        adapter = undone(adapter, order)
    return Learned(adapter, certificate.as_json(notes))


def _prepared(joint: Joint, learning: Learning) -> tuple[Begun, Prepared | None, dict[str, Any]]:
    """Return the start, what to train on if anything, and notes on the choice."""
    method = learning.method
    notes: dict[str, Any] = {
        "method": method.call,
        "seed": learning.seed,
        "reordered": method.reordered,
        "start_because": "the spec says so",
    }
    if isinstance(method, Stitching):
        notes |= {"trained_by": None, "trained_because": "stitching is solved, not trained"}
        return stitched(joint, learning.layers, ridge=method.ridge), None, notes
    if not isinstance(method, Transplant):
        notes |= {"trained_by": method.call, "trained_because": "the spec says so"}
        prepared = prepare(joint, learning, method)
        if method.init == "solve":
            correlation = prepared.begun.notes["matched_correlation"]
            notes["start_because"] = (
                f"channels that match correlate by {correlation:.2f}, and correspond from "
                f"{CORRESPONDING} on"
            )
        return prepared.begun, prepared, notes
    begun, why_start = chosen_start(joint, learning.layers)
    training, why = choose_training(joint, method, begun)
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


def _check_pictures(edge: Edge, learning: Learning) -> None:
    """Raise where an edge has fewer pictures than its spec asks for."""
    for field, pictures in (("samples", edge.labelled), ("unlabelled", edge.unlabelled)):
        asked = getattr(learning, field)
        if len(pictures) < asked:
            raise DiagnosticError.of(
                "LEGO633",
                f"{edge.name}: `{field}` asks for {asked} pictures, but {len(pictures)} are there",
                label="too few pictures",
                help=[f"set `{field}` to {len(pictures)}, or name more pictures in `data`"],
            )
