"""One descent along the gradient of a loss: the loop that trains networks and adapters."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING

import torch

from legonet.distill.progress import Point, Thinned

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from legonet.diagnostics import DiagnosticError
    from legonet.distill.checkpoint import Resumable, State
    from legonet.distill.progress import Progress, Watch

GRADIENT = "norm of the gradient"
"""What `Descent.diverged` is told where it is not the loss that is no longer finite."""


class Descent(ABC):
    """A descent, up to its current step; it can be resumed with the same bits.

    Args:
        optimiser: Of the parameters that are trained.
        steps: Most steps.
        run: Which training it is, such as ``2/4``.

    Attributes:
        step: Steps taken so far.
        losses: The loss curve.
    """

    def __init__(self, optimiser: torch.optim.Optimizer, steps: int, run: str) -> None:
        self.optimiser = optimiser
        self.steps = steps
        self.step = 0
        self.losses = Thinned()
        self._run = run

    @property
    def finished(self) -> bool:
        """Whether there is no step left to take."""
        return self.step == self.steps

    @abstractmethod
    def differentiate(self) -> dict[str, Tensor]:
        """Return the loss of the next batch by its terms, after `backward` with them."""

    @abstractmethod
    def diverged(self, what: str, value: float, point: Point) -> DiagnosticError:
        """Return what to tell where something is no longer a finite number.

        Args:
            what: `GRADIENT`, or the name of a loss, such as ``task loss``.
            value: The number.
            point: The step's point of the loss curve.
        """

    @abstractmethod
    def words(self, point: Point) -> str:
        """Return how far it has come, in a few words."""

    def rate(self) -> float | None:
        """Return the learning rate of the next step; None for that of the step before."""
        return None

    def look(self, point: Point) -> Point:
        """Return a step's point with whatever is measured after it."""
        return point

    def state(self) -> State:
        """Return all that `resume` needs."""
        return {
            "step": self.step,
            "optimiser": self.optimiser.state_dict(),
            "losses": self.losses.state(),
        }

    def resume(self, state: State) -> None:
        """Continue from a state."""
        self.step = state["step"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.losses = Thinned.of(state["losses"])

    def take_step(self) -> Point:
        """Take the next step and return its point of the loss curve.

        Raises:
            DiagnosticError: The loss or a gradient is no longer finite.
        """
        rate = self.rate()
        self.optimiser.zero_grad()
        terms = self.differentiate()
        parameters = (p for group in self.optimiser.param_groups for p in group["params"])
        gradients = [p.grad for p in parameters if p.grad is not None]
        values = torch.stack([*terms.values(), torch.nn.utils.get_total_norm(gradients)])
        *losses, norm = values.detach().tolist()
        self.step += 1
        point = Point(self._run, self.step, self.steps, dict(zip(terms, losses, strict=True)))
        found = {f"{term} loss": loss for term, loss in point.losses.items()} | {GRADIENT: norm}
        for what, value in found.items():
            if not isfinite(value):
                raise self.diverged(what, value, point)
        for group in self.optimiser.param_groups:
            group["lr"] = group["lr"] if rate is None else rate
        self.optimiser.step()
        point = self.look(point)
        self.losses.add(point)
        return point


def backward(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    """Compute the gradient of a loss that is given by its terms, and return the terms."""
    torch.autograd.backward(reduce(operator.add, terms.values()))
    return terms


def descend(
    descent: Descent,
    training: Resumable,
    state: Callable[[], State],
    progress: Progress,
    watch: Watch,
) -> None:
    """Take all steps of a descent that are left, and save it when that is due.

    Args:
        descent: The descent.
        training: Where it is saved.
        state: Returns what is saved.
        progress: Called for every step.
        watch: Called with every point of the loss curve.
    """
    while not descent.finished:
        point = descent.take_step()
        watch(point)
        progress(descent.step / descent.steps, descent.words(point))
        if training.due():
            training.save(state())
