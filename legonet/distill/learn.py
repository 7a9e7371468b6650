"""Learning one adapter by the method that its spec names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from legonet.diagnostics import DiagnosticError
from legonet.distill import certificate
from legonet.distill.edges.criteria import Criteria
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.reordering import random_order, reordered, undone
from legonet.distill.progress import unwatched
from legonet.distill.pseudo_gradients.student_pool import StudentPool
from legonet.distill.randomness import generator
from legonet.distill.training.trainer import train, within

if TYPE_CHECKING:
    from torch import Tensor

    from legonet.distill.checkpoint import Checkpoint
    from legonet.distill.edges.edge import Edge
    from legonet.distill.methods.trained import TrainingSetup
    from legonet.distill.progress import Progress, Watch
    from legonet.distill.starts import InitialAdapter
    from legonet.language.declarations import Learning
    from legonet.modules.adapter import Adapter
    from legonet.modules.calibration import Calibration

PREPARATION = 0.3
"""Share of the progress for everything before training."""

ROUNDING = 1e-6
"""Largest difference, relative to the largest feature, that counts as no difference."""


@dataclass(frozen=True)
class Learned:
    """An adapter and how it was learned.

    Args:
        adapter: Frozen, in eval mode, on the CPU.
        calibration: Of the task module's answer after the adapter, frozen, on the CPU; None where
            nothing could be fitted.
        certificate: JSON values: method, start and why, scales, losses, residuals, warnings.
    """

    adapter: Adapter
    calibration: Calibration | None
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
        progress: Called for every batch and step.
        device: Where to compute.
        watch: Called with every point of the loss curves.
        checkpoint: From where training resumes if it was interrupted; default: nothing is kept.
        pool: Student sides of pseudo-gradients, shared with other edges; the result is the same.

    Raises:
        DiagnosticError: The method cannot work on this edge (``LEGO601`` to ``LEGO639``).
    """
    _check_pictures(edge, learning)
    report = partial(progress, 0.0)
    context = EdgeContext(
        edge,
        learning.seed,
        torch.device(device),
        report,
        pool or StudentPool(0),
        learning.activation,
    )
    _check_outputs(context)
    _check_features(context)
    method, order = learning.method, None
    shuffled = getattr(method, "reordered", False)
    if shuffled:
        order = random_order(context.shapes[0][0], learning.seed)
        context = replace(context, edge=reordered(edge, order, context.device))
    prepared: tuple[InitialAdapter, TrainingSetup | None, dict[str, Any]]
    prepared = method.prepare(context, learning)
    initial, setup, reasons = prepared
    notes: dict[str, Any] = {
        "method": method.call,
        "seed": learning.seed,
        "reordered": shuffled,
        "start_because": "the spec says so",
        **reasons,
        **certificate.scales(context),
        **initial.notes,
    }
    adapter = initial.adapter
    if setup is not None:
        trained = train(
            initial.adapter,
            setup.objective,
            setup.schedule,
            partial(generator, learning.seed),
            within(progress, PREPARATION, 1.0),
            name=edge.name,
            watch=watch,
            checkpoint=checkpoint,
        )
        adapter = trained.adapter
        notes |= certificate.training(setup, trained)
    context.report = partial(progress, 1.0)
    calibration = context.once(Criteria).calibration(adapter)
    notes |= certificate.calibration(context.once(Criteria), calibration)
    notes |= certificate.judged(context.once(Criteria), initial.adapter, adapter)
    progress(1.0, "done")
    adapter = adapter.eval().requires_grad_(False).cpu()
    if order is not None:
        adapter = undone(adapter, order)
    return Learned(adapter, calibration, certificate.as_json(notes))


def _check_outputs(context: EdgeContext) -> None:
    own, other = context.answers
    if own != other:
        raise DiagnosticError.of(
            "LEGO602",
            f"the task module answers with {list(own)} numbers per picture and the teacher with "
            f"{list(other)}",
            label="they cannot answer the same question",
            help=["join networks with the same number of outputs, cut for the same goal"],
        )


def _check_pictures(edge: Edge, learning: Learning) -> None:
    """Raise an error where an edge has fewer pictures than its spec asks for."""
    for field, pictures in (("samples", edge.labelled), ("unlabelled", edge.unlabelled)):
        asked = getattr(learning, field)
        if len(pictures) < asked:
            raise DiagnosticError.of(
                "LEGO633",
                f"{edge.name}: `{field}` asks for {asked} pictures, but there are {len(pictures)}",
                label="too few pictures",
                help=[f"set `{field}` to {len(pictures)}, or name more pictures in `data`"],
            )


def _check_features(context: EdgeContext) -> None:
    """Check that the features on both sides of an adapter differ from picture to picture.

    Args:
        context: The edge; its real pictures are used, or synthetic ones where it has none that
            differ.

    Raises:
        DiagnosticError: Features are constant, or not finite (``LEGO606``).
    """
    seen = context.best
    if (seen.images == seen.images[0]).all():
        seen = context.synthetic
    constant = dict.fromkeys(("category module", "donor's own bottom"), True)
    firsts: list[Tensor] = []
    for batch in context.paired(seen):
        firsts = firsts or [features[:1] for features in batch]
        for name, features, first in zip(constant, batch, firsts, strict=True):
            if not bool(torch.isfinite(features).all()):
                raise _broken(f"the features of the {name} are not finite numbers")
            constant[name] &= _are_like(features, first)
        if not any(constant.values()):
            return
    name = next(name for name, found in constant.items() if found)
    raise _broken(f"the features of the {name} are the same for every picture")


def _are_like(features: Tensor, first: Tensor) -> bool:
    """Return whether features of pictures are all those of a first one."""
    return bool((features - first).abs().max() <= ROUNDING * features.abs().max())


def _broken(what: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO606",
        f"{what}, so no adapter can learn from them",
        label="a dead or broken module",
        help=["check the network's weights: its own predictions are useless too"],
    )
