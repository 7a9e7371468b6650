"""Training an adapter: a few steps of Adam, stopped by examples that it did not see."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from math import inf, isfinite
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from collections.abc import Callable

    from legonet.distill.objective import Objective
    from legonet.distill.progress import Progress
    from legonet.modules.adapter import Adapter

LOOKS = 12
"""How often a run is compared with its held-out examples."""

PATIENCE = 4
"""A run ends when so many looks in a row found nothing better."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast an adapter is trained.

    Args:
        steps: Most steps.
        learning_rate: Adam's.
    """

    steps: int
    learning_rate: float


@dataclass(frozen=True)
class Trained:
    """An adapter behind its training.

    Args:
        adapter: The one that is kept.
        steps: Steps that it took; 0 where the start was not beaten.
        curve: Mean loss on held-out examples by steps taken; empty where none could be held out.
    """

    adapter: Adapter
    steps: int
    curve: dict[int, float] = field(default_factory=dict)


def train(
    start: Adapter,
    objective: Objective,
    schedule: Schedule,
    random: Callable[[str], torch.Generator],
    progress: Progress,
) -> Trained:
    """Return the start trained for as many steps as held-out examples ask for.

    With few examples each part of them is held out in turn, the best number of steps is found
    from the mean of these runs, and the adapter takes that many on all of them. With many, one
    part is held out and the best moment of that one run is kept. A single example leaves nothing
    to stop by.

    Args:
        start: The adapter to begin with; it is not changed.
        objective: What to train for.
        schedule: How long and how fast.
        random: Gives the generator for a purpose.
        progress: Told of every step.
    """
    if schedule.steps == 0:
        return Trained(start, 0)
    folds = objective.folds(random("folds"))
    total = len(folds) + (len(folds) != 1)
    runs = []
    for number, (seen, held_out) in enumerate(folds):
        report = within(progress, number / total, (number + 1) / total)
        generator = random(f"run {number}")
        runs.append(_descend(deepcopy(start), seen, schedule, generator, report, held_out))
    curve = _mean([run.curve for run in runs])
    best = min(curve, key=lambda step: curve[step]) if curve else schedule.steps
    if best == 0:
        return Trained(start, 0, curve)
    if len(runs) == 1:
        return Trained(runs[0].best, best, curve)
    report = within(progress, 1 - 1 / total, 1.0)
    last = Schedule(best, schedule.learning_rate)
    run = _descend(deepcopy(start), objective, last, random("last run"), report)
    return Trained(run.best, best, curve)


@dataclass
class _Run:
    best: Adapter
    curve: dict[int, float]


def within(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress that fills the stretch from ``start`` to ``end`` of another."""

    def report(done: float, words: str) -> None:
        progress(start + done * (end - start), words)

    return report


def _descend(
    adapter: Adapter,
    objective: Objective,
    schedule: Schedule,
    generator: torch.Generator,
    progress: Progress,
    held_out: Objective | None = None,
) -> _Run:
    """Train an adapter in place; the best moment on held-out examples, else the last, is kept."""
    optimiser = torch.optim.Adam(adapter.parameters(), lr=schedule.learning_rate)
    interval = max(1, schedule.steps // LOOKS)
    run = _Run(adapter, {})
    if held_out is not None:
        run = _Run(deepcopy(adapter), {0: _at_start(held_out.held_out(adapter))})
    for step in range(1, schedule.steps + 1):
        loss = objective.loss(adapter, generator)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        progress(step / schedule.steps, f"step {step}/{schedule.steps}  loss {loss.item():.3g}")
        if held_out is None or (step % interval and step != schedule.steps):
            continue
        found = _finite(held_out.held_out(adapter))
        if found < min(run.curve.values()):
            run.best = deepcopy(adapter)
        run.curve[step] = found
        if _stalled(list(run.curve.values())):
            break
    return run


def _at_start(loss: float) -> float:
    if isfinite(loss):
        return loss
    raise DiagnosticError.of(
        "LEGO606",
        f"the task module gives a loss of {loss} before any training",
        label="a broken module",
        help=["check the networks' weights for numbers that are not finite"],
    )


def _finite(loss: float) -> float:
    """A run that diverged has lost."""
    return loss if isfinite(loss) else inf


def _stalled(losses: list[float]) -> bool:
    return len(losses) > PATIENCE and min(losses[:-PATIENCE]) <= min(losses[-PATIENCE:])


def _mean(curves: list[dict[int, float]]) -> dict[int, float]:
    """Return the mean of curves, at the steps that all of them reached."""
    if not curves:
        return {}
    common = [step for step in curves[0] if all(step in curve for curve in curves)]
    return {step: fmean(curve[step] for curve in curves) for step in common}
