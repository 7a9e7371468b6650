"""How far a build has come, and how long it may still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from legonet.build import Event, Plan, Step

TOLD_ENOUGH = 0.1
"""The fraction of a step from which on its own pace says more than an estimate."""


@dataclass
class AtWork:
    """A step at work.

    Args:
        step: The step.
        since: When it began, on the tally's clock.
        fraction: Of it that is done.
        message: What it is at.
    """

    step: Step
    since: float
    fraction: float = 0.0
    message: str = ""


class Tally:
    """Counts the steps of a build by its events.

    Steps that stand for the same thing under several names are one.

    Args:
        plan: What is built.
        clock: Gives the time in seconds.

    Attributes:
        at_work: The steps at work by content key, the oldest first.
        most_at_once: How many were at work at the same time, at most.
        started: When the build began, on the clock.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._steps = {step.key: step for step in plan.to_build}
        self._ended: dict[str, str] = {}
        self._spent: dict[str, tuple[int, float]] = {"network": (0, 0.0), "adapter": (0, 0.0)}
        self.clock = clock
        self.at_work: dict[str, AtWork] = {}
        self.most_at_once = 0
        self.started = clock()

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self._steps)

    @property
    def names(self) -> list[str]:
        """What the steps are called."""
        return [step.name for step in self._steps.values()]

    @property
    def ended(self) -> int:
        """How many steps have ended, in whatever way."""
        return len(self._ended)

    @property
    def finished(self) -> int:
        """How many steps are in the store now."""
        return sum(kind == "finished" for kind in self._ended.values())

    @property
    def fraction(self) -> float:
        """How much is done, as a share of the steps."""
        done = self.ended + sum(item.fraction for item in self.at_work.values())
        return done / self.total if self.total else 1.0

    @property
    def seconds(self) -> float:
        """Since the build began."""
        return self.clock() - self.started

    def hear(self, event: Event) -> None:
        """Take up an event."""
        key = event.step.key
        match event.kind:
            case "started":
                # What turns out to be damaged is begun again, also behind its end.
                self._steps[key] = event.step
                self._ended.pop(key, None)
                self.at_work[key] = AtWork(event.step, self.clock())
                self.most_at_once = max(self.most_at_once, len(self.at_work))
            case "progress" if key in self.at_work:
                self.at_work[key].fraction = event.fraction
                self.at_work[key].message = event.message
            case "damaged":
                self._steps[key] = event.step
                self._ended.pop(key, None)
            case "finished" | "failed" | "stopped":
                self.at_work.pop(key, None)
                self._ended[key] = event.kind
                if event.kind == "finished":
                    count, seconds = self._spent[event.step.kind]
                    self._spent[event.step.kind] = (count + 1, seconds + event.seconds)
            case _:
                return

    def left(self) -> float | None:
        """Return the seconds that the build may still take, or None where nobody can know."""
        at_work = [self._left_of(item) for item in self.at_work.values()]
        waiting = [
            self._estimate(step)
            for key, step in self._steps.items()
            if key not in self._ended and key not in self.at_work
        ]
        known = [seconds for seconds in (*at_work, *waiting) if seconds is not None]
        if len(known) < len(at_work) + len(waiting):
            return None
        longest = max((seconds for seconds in at_work if seconds is not None), default=0.0)
        return max(longest, sum(known) / max(1, self.most_at_once))

    def words(self) -> str:
        """Say what becomes of a build that is interrupted now."""
        return (
            f"{self.finished} of {self.total} steps are finished and kept;"
            " the same command goes on from here"
        )

    def _left_of(self, item: AtWork) -> float | None:
        spent = self.clock() - item.since
        if item.fraction >= TOLD_ENOUGH:
            return spent * (1 - item.fraction) / item.fraction
        estimate = self._estimate(item.step)
        return None if estimate is None else max(0.0, estimate - spent)

    def _estimate(self, step: Step) -> float | None:
        known = self._plan.estimates.get(step.name)
        if known is not None:
            return known.seconds
        count, seconds = self._spent[step.kind]
        return seconds / count if count else None
