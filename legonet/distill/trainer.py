"""Training an adapter: a few steps of Adam, stopped by examples that it did not see."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from legonet.diagnostics import DiagnosticError
from legonet.distill.checkpoint import NoCheckpoint, Resumable
from legonet.distill.progress import Point, Thinned, unwatched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from legonet.distill.checkpoint import Checkpoint, State
    from legonet.distill.objective import Objective
    from legonet.distill.progress import Progress, Watch
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
        because: Why so many.
        curve: Mean loss on held-out examples by steps taken; empty where none could be held out.
        losses: The loss curve of the run that gave the adapter, thinned, as values of JSON.
    """

    adapter: Adapter
    steps: int
    because: str
    curve: dict[int, float] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)


def train(
    start: Adapter,
    objective: Objective,
    schedule: Schedule,
    random: Callable[[str], torch.Generator],
    progress: Progress,
    *,
    name: str = "the edge",
    watch: Watch = unwatched,
    checkpoint: Checkpoint | None = None,
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
        name: What is trained, for an error.
        watch: Told of every point of the loss curves.
        checkpoint: Where training goes on if it was interrupted, with the same bits; nothing is
            kept unless given.

    Raises:
        DiagnosticError: The loss or a gradient is not finite (``LEGO606``, ``LEGO630``).
    """
    if schedule.steps == 0:
        return Trained(start, 0, "no steps were asked for")
    folds = objective.folds(random("folds"))
    total = len(folds) + (len(folds) != 1)
    training = Resumable(checkpoint or NoCheckpoint(), start, schedule, start.scale.device)
    runs = _Runs(start, random, name, progress, watch, training, total)
    tried = [runs.run(seen, schedule, held_out) for seen, held_out in folds]
    curve = _mean([run.curve for run in tried])
    best = min(curve, key=lambda step: curve[step]) if curve else schedule.steps
    if best == 0:
        return Trained(start, 0, "no step was better than the start on held-out examples", curve)
    if len(tried) == 1:
        because = "the best on held-out examples"
        return Trained(tried[0].best, best, because, curve, tried[0].losses.rows)
    because = "all, as nothing could be held out"
    if curve:
        because = f"the best on held-out examples, in the mean of {len(tried)} runs"
    run = runs.run(objective, Schedule(best, schedule.learning_rate))
    return Trained(run.best, best, because, curve, run.losses.rows)


def within(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress that fills the stretch from ``start`` to ``end`` of another."""

    def report(done: float, words: str) -> None:
        progress(start + done * (end - start), words)

    return report


@dataclass
class _Run:
    """One descent, as far as it has come."""

    adapter: Adapter
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    best: Adapter
    step: int = 0
    finished: bool = False
    curve: dict[int, float] = field(default_factory=dict)
    losses: Thinned = field(default_factory=Thinned)

    def state(self) -> State:
        state = {
            "step": self.step,
            "finished": self.finished,
            "best": self.best.state_dict(),
            "curve": self.curve,
            "losses": self.losses.state(),
        }
        if not self.finished:
            state |= {
                "adapter": self.adapter.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "generator": self.generator.get_state(),
            }
        return state

    def resume(self, state: State) -> None:
        self.step, self.finished, self.curve = state["step"], state["finished"], state["curve"]
        self.losses = Thinned.of(state["losses"])
        self.best.load_state_dict(state["best"])
        if not self.finished:
            self.adapter.load_state_dict(state["adapter"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.generator.set_state(state["generator"])


class _Runs:
    """Runs one descent after the other, and notes how far they have come."""

    def __init__(
        self,
        start: Adapter,
        random: Callable[[str], torch.Generator],
        name: str,
        progress: Progress,
        watch: Watch,
        training: Resumable,
        total: int,
    ) -> None:
        self._start = start
        self._random = random
        self._name = name
        self._progress = progress
        self._watch = watch
        self._training = training
        self._total = total
        self._saved: list[State] = training.resume().get("runs", [])
        self._finished: list[State] = []

    def run(
        self, objective: Objective, schedule: Schedule, held_out: Objective | None = None
    ) -> _Run:
        """Train a copy; the best moment on held-out examples, else the last, is kept."""
        number = len(self._finished)
        run = self._begin(number, schedule)
        report = within(self._progress, number / self._total, (number + 1) / self._total)
        if held_out is not None and not run.curve:
            run.curve[0] = _at_start(held_out.held_out(run.adapter))
        interval = max(1, schedule.steps // LOOKS)
        while not run.finished:
            point = self._step(run, objective, schedule, number)
            looks = run.step % interval == 0 or run.step == schedule.steps
            if held_out is not None and looks:
                point = self._look(run, held_out, point, schedule)
            run.finished = run.step == schedule.steps or _stalled(list(run.curve.values()))
            if run.finished and held_out is None:
                run.best = run.adapter
            run.losses.add(point)
            self._watch(point)
            report(
                run.step / schedule.steps,
                f"step {run.step}/{schedule.steps}  loss {point.loss:.3g}",
            )
            if self._training.due():
                self._training.save({"runs": [*self._finished, run.state()]})
        self._finished.append(run.state())
        return run

    def _begin(self, number: int, schedule: Schedule) -> _Run:
        adapter = deepcopy(self._start)
        optimiser = torch.optim.Adam(adapter.parameters(), lr=schedule.learning_rate)
        run = _Run(adapter, optimiser, self._random(f"run {number}"), deepcopy(adapter))
        if number < len(self._saved):
            run.resume(self._saved[number])
        return run

    def _step(self, run: _Run, objective: Objective, schedule: Schedule, number: int) -> Point:
        terms = objective.losses(run.adapter, run.generator)
        run.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(sum(terms.values(), torch.zeros_like(run.adapter.scale)))
        gradients = [p.grad for p in run.adapter.parameters() if p.grad is not None]
        values = torch.stack([*terms.values(), torch.nn.utils.get_total_norm(gradients)])
        *losses, norm = values.detach().tolist()
        run.step += 1
        named = dict(zip(terms, losses, strict=True))
        point = Point(f"{number + 1}/{self._total}", run.step, schedule.steps, named)
        found = {f"{term} loss": loss for term, loss in named.items()}
        found["norm of the gradient"] = norm
        _check_finite(self._name, found, point, schedule.learning_rate)
        run.optimiser.step()
        return point

    def _look(self, run: _Run, held_out: Objective, point: Point, schedule: Schedule) -> Point:
        found = held_out.held_out(run.adapter)
        _check_finite(self._name, {"held-out loss": found}, point, schedule.learning_rate)
        if found < min(run.curve.values()):
            run.best = deepcopy(run.adapter)
        run.curve[run.step] = found
        return replace(point, held_out=found)


def _at_start(loss: float) -> float:
    if isfinite(loss):
        return loss
    raise DiagnosticError.of(
        "LEGO606",
        f"the task module gives a loss of {loss} before any training",
        label="a broken module",
        help=["check the networks' weights for numbers that are not finite"],
    )


def _check_finite(name: str, found: Mapping[str, float], point: Point, rate: float) -> None:
    """Stop what would only go on with numbers that mean nothing."""
    broken = next((what for what, value in found.items() if not isfinite(value)), None)
    if broken is None:
        return
    causes = [f"a smaller `learning_rate` than {rate:g} may mend it"]
    if point.step == 1:
        causes = ["nothing was learned yet: look for wrong weights with `legonet inspect`", *causes]
    if "gradients" in point.losses:
        causes.append("a smaller `weight` may mend it, too")
    raise DiagnosticError.of(
        "LEGO630",
        f"{name}: the {broken} is {found[broken]} in step {point.step} of {point.steps}, "
        f"run {point.run}",
        label="training failed",
        help=causes,
    )


def _stalled(losses: list[float]) -> bool:
    return len(losses) > PATIENCE and min(losses[:-PATIENCE]) <= min(losses[-PATIENCE:])


def _mean(curves: list[dict[int, float]]) -> dict[int, float]:
    """Return the mean of curves, at the steps that all of them reached."""
    if not curves:
        return {}
    common = [step for step in curves[0] if all(step in curve for curve in curves)]
    return {step: fmean(curve[step] for curve in curves) for step in common}
