"""Training an adapter: a few steps of Adam, stopped by examples that it has not seen."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, Protocol, Self

import torch

from legonet.diagnostics import DiagnosticError
from legonet.distill.checkpoint import NoCheckpoint, Resumable
from legonet.distill.progress import Thinned, unwatched
from legonet.distill.training.descent import Descent, backward, descend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from legonet.distill.checkpoint import Checkpoint, State
    from legonet.distill.progress import Point, Progress, Watch
    from legonet.modules.adapter import Adapter

LOOKS = 12
"""How often a run is evaluated on its held-out examples."""

PATIENCE = 4
"""A run ends when this many looks in a row found nothing better."""

SMALLER = 1 / 4
"""The factor of the learning rate where training is tried once more."""


class Objective(Protocol):
    """What an adapter can be trained for."""

    def losses(self, adapter: Adapter, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Return the loss of a random batch by its terms, scalars with history."""

    def held_out(self, adapter: Adapter) -> float:
        """Return the loss that decides when to stop, on all examples."""

    def folds(self, generator: torch.Generator) -> Sequence[tuple[Self, Self]]:
        """Return pairs of objectives, to train on and to stop by, that share no picture."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast an adapter is trained.

    Args:
        steps: Most steps.
        learning_rate: Adam's.
        retries: How often training is tried again, each time with a quarter of the rate, where no
            step was better than the start.
    """

    steps: int
    learning_rate: float
    retries: int = 0

    @property
    def attempts(self) -> list[Schedule]:
        """The schedules to try in turn."""
        rates = (self.learning_rate * SMALLER**number for number in range(self.retries + 1))
        return [Schedule(self.steps, rate) for rate in rates]


@dataclass(frozen=True)
class Trained:
    """An adapter after its training.

    Args:
        adapter: The one that is kept.
        steps: Steps that it took; 0 where the start was not beaten.
        because: Why it took this many steps.
        curve: Mean loss on held-out examples by steps taken; empty where none could be held out.
        losses: The loss curve of the run that gave the adapter, thinned, as JSON values.
        learning_rate: The one with which it was trained; None where the start was kept.
    """

    adapter: Adapter
    steps: int
    because: str
    curve: dict[int, float] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)
    learning_rate: float | None = None


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

    With few examples, each part of them is held out in turn, the best number of steps is found
    from the mean of these runs, and the adapter takes that many on all of them. With many, one
    part is held out and the best moment of that single run is kept. A single example leaves
    nothing to stop by. Steps that are too large for a start that is nearly right make it worse at
    once; then smaller ones are tried.

    Args:
        start: The adapter to begin with; it is not changed.
        objective: What to train for.
        schedule: How long and how fast to train.
        random: Returns the generator for a purpose.
        progress: Called for every step.
        name: What is trained, for an error message.
        watch: Called with every point of the loss curves.
        checkpoint: From where training resumes if it was interrupted, with the same bits;
            default: nothing is kept.

    Raises:
        DiagnosticError: The loss or a gradient is not finite (``LEGO606``, ``LEGO630``).
    """
    if schedule.steps == 0:
        return Trained(start, 0, "no steps were asked for")
    folds = objective.folds(random("folds"))
    attempts = schedule.attempts
    total = len(folds) * len(attempts) + (len(folds) != 1)
    training = Resumable(checkpoint or NoCheckpoint(), start, schedule, start.scale.device)
    saved: list[State] = training.resume().get("runs", [])
    finished: list[State] = []

    def run(
        objective: Objective, limits: Schedule, held_out: Objective | None = None
    ) -> _AdapterDescent:
        """Train a copy and keep its best moment on held-out examples, or else its last."""
        number = len(finished)
        draws = random(f"run {number}")
        found = _AdapterDescent(
            start, objective, limits, draws, held_out, name, f"{number + 1}/{total}"
        )
        if number < len(saved):
            found.resume(saved[number])
        elif held_out is not None:
            found.curve[0] = _at_start(held_out.held_out(start))
        part = within(progress, number / total, (number + 1) / total)
        descend(found, training, lambda: {"runs": [*finished, found.state()]}, part, watch)
        finished.append(found.state())
        return found

    for limits in attempts:
        tried = [run(seen, limits, held_out) for seen, held_out in folds]
        curve = _mean([run.curve for run in tried])
        best = min(curve, key=lambda step: curve[step]) if curve else limits.steps
        if best:
            break
    else:
        because = "no step was better than the start on held-out examples"
        if schedule.retries:
            because += f", with rates of {_listed(limits.learning_rate for limits in attempts)}"
        return Trained(start, 0, because, curve)
    rate = limits.learning_rate
    if len(tried) == 1:
        because = "the best on held-out examples"
        return Trained(tried[0].best, best, because, curve, tried[0].losses.rows, rate)
    because = "all, as nothing could be held out"
    if curve:
        because = f"the best on held-out examples, in the mean of {len(tried)} runs"
    last = run(objective, replace(limits, steps=best))
    return Trained(last.best, best, because, curve, last.losses.rows, rate)


def _listed(rates: Iterable[float]) -> str:
    *first, last = (f"{rate:g}" for rate in rates)
    return f"{', '.join(first)} and {last}"


def within(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress that covers the range from ``start`` to ``end`` of another."""

    def report(done: float, words: str) -> None:
        progress(start + done * (end - start), words)

    return report


class _AdapterDescent(Descent):
    """One descent of a copy of an adapter, which keeps its best moment on held-out examples."""

    def __init__(
        self,
        start: Adapter,
        objective: Objective,
        schedule: Schedule,
        generator: torch.Generator,
        held_out: Objective | None,
        name: str,
        run: str,
    ) -> None:
        self.adapter, self.best = deepcopy(start), deepcopy(start)
        optimiser = torch.optim.Adam(self.adapter.parameters(), lr=schedule.learning_rate)
        super().__init__(optimiser, schedule.steps, run)
        self.curve: dict[int, float] = {}
        self._objective = objective
        self._rate = schedule.learning_rate
        self._generator = generator
        self._held_out = held_out
        self._name = name
        self._finished = False

    @property
    def finished(self) -> bool:
        """Whether all steps are taken, or several looks in a row found nothing better."""
        return self._finished

    def differentiate(self) -> dict[str, torch.Tensor]:
        """Return the loss of a random batch by its terms, after computing its gradient."""
        return backward(self._objective.losses(self.adapter, self._generator))

    def look(self, point: Point) -> Point:
        """Measure the loss on held-out examples now and then, and keep the best adapter."""
        due = self.step % max(1, self.steps // LOOKS) == 0 or self.step == self.steps
        if self._held_out is not None and due:
            found = self._held_out.held_out(self.adapter)
            if not isfinite(found):
                raise self.diverged("held-out loss", found, point)
            if found < min(self.curve.values()):
                self.best = deepcopy(self.adapter)
            self.curve[self.step] = found
            point = replace(point, held_out=found)
        self._finished = self.step == self.steps or _stalled(list(self.curve.values()))
        if self._finished and self._held_out is None:
            self.best = self.adapter
        return point

    def words(self, point: Point) -> str:
        """Return the number of the step and its loss."""
        return f"step {self.step}/{self.steps}  loss {point.loss:.3g}"

    def diverged(self, what: str, value: float, point: Point) -> DiagnosticError:
        """Return what to tell instead of continuing with meaningless numbers."""
        causes = [f"a smaller `learning_rate` than {self._rate:g} may help"]
        if point.step == 1:
            causes = [
                "nothing has been learned yet: look for wrong weights with `legonet inspect`",
                *causes,
            ]
        if "gradients" in point.losses:
            causes.append("a smaller `weight` may help too")
        return DiagnosticError.of(
            "LEGO630",
            f"{self._name}: the {what} is {value} in step {point.step} of {point.steps}, "
            f"run {point.run}",
            label="training failed",
            help=causes,
        )

    def state(self) -> State:
        """Return all that `resume` needs; of a finished run, its result."""
        whole = {
            **super().state(),
            "finished": self._finished,
            "best": self.best.state_dict(),
            "curve": self.curve,
            "adapter": self.adapter.state_dict(),
            "generator": self._generator.get_state(),
        }
        needed = ("step", "finished", "best", "curve", "losses")
        return {name: whole[name] for name in needed} if self._finished else whole

    def resume(self, state: State) -> None:
        """Continue from a state."""
        self._finished, self.curve = state["finished"], state["curve"]
        self.best.load_state_dict(state["best"])
        if self._finished:
            self.step, self.losses = state["step"], Thinned.of(state["losses"])
            return
        super().resume(state)
        self.adapter.load_state_dict(state["adapter"])
        self._generator.set_state(state["generator"])


def _at_start(loss: float) -> float:
    if isfinite(loss):
        return loss
    raise DiagnosticError.of(
        "LEGO606",
        f"the task module gives a loss of {loss} before any training",
        label="a broken module",
        help=["check the networks' weights for numbers that are not finite"],
    )


def _stalled(losses: list[float]) -> bool:
    return len(losses) > PATIENCE and min(losses[:-PATIENCE]) <= min(losses[-PATIENCE:])


def _mean(curves: list[dict[int, float]]) -> dict[int, float]:
    """Return the mean of curves, at the steps that all of them reached."""
    if not curves:
        return {}
    common = [step for step in curves[0] if all(step in curve for curve in curves)]
    return {step: fmean(curve[step] for curve in curves) for step in common}
