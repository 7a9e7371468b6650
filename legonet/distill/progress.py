"""How long-running work reports its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Progress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and a few words such as ``epoch 3/8  loss 0.31``."""

MOST_POINTS = 60
"""Points of a loss curve that a certificate keeps, at most."""


@dataclass(frozen=True)
class Point:
    """One point of a loss curve.

    Args:
        run: Which training it belongs to, such as ``2/4``; a step of a build may train several
            times, with different examples held out each time.
        step: Steps taken, from 1.
        steps: Most steps of this run.
        losses: The loss before the step by its terms, each multiplied by its weight: ``task``,
            ``teacher`` and ``gradients``, as far as the method has them.
        held_out: The loss on held-out examples after the step, where it was measured.
    """

    run: str
    step: int
    steps: int
    losses: Mapping[str, float]
    held_out: float | None = None

    @property
    def loss(self) -> float:
        """The whole loss."""
        return sum(self.losses.values())


Watch = Callable[[Point], None]
"""Called with every point of every loss curve."""


def unwatched(point: Point) -> None:
    """Ignore a point of a loss curve."""


@dataclass
class Thinned:
    """The loss curve of one run as evenly spaced points, however long the run is.

    Args:
        every: Steps between two points.
        rows: JSON values: for each point the number of its step and its losses by term.
    """

    every: int = 1
    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, point: Point) -> None:
        """Add a point, and double the distance between points when there are too many."""
        if point.step % self.every:
            return
        self.rows.append({"step": point.step, **point.losses})
        if len(self.rows) > MOST_POINTS:
            self.every *= 2
            self.rows = [row for row in self.rows if row["step"] % self.every == 0]

    def state(self) -> dict[str, Any]:
        """Return what `of` takes."""
        return {"every": self.every, "rows": list(self.rows)}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Thinned:
        """Return the curve that a state was taken from."""
        return cls(state["every"], list(state["rows"]))
