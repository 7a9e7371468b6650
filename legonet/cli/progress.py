"""How far a build has come, how long it may still take, and lines of text that say so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from legonet.building import Event, Plan, Step
from legonet.cli.output import note
from legonet.cli.tables import KINDS, duration, error

TOLD_ENOUGH = 0.1
"""The fraction of a step from which its own pace says more than an estimate."""


@dataclass
class AtWork:
    """A running step.

    Args:
        step: The step.
        since: When it began, on the build's clock.
        fraction: How much of it is done, 0 to 1.
        message: What it is doing.
    """

    step: Step
    since: float
    fraction: float = 0.0
    message: str = ""


class BuildProgress:
    """Counts the steps of a build by its events.

    Steps that build the same thing under several names count as one.

    Args:
        plan: What is built.
        clock: Returns the time in seconds.

    Attributes:
        at_work: The running steps by content key, the oldest first.
        most_at_once: The largest number of steps that ran at the same time.
        started: When the build began, on the clock.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._steps = {step.key: step for step in plan.to_build}
        self._ended: dict[str, str] = {}
        self._spent: dict[str, tuple[int, float]] = dict.fromkeys(KINDS, (0, 0.0))
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
        """The names of the steps."""
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
        """The share of the steps that is done."""
        done = self.ended + sum(item.fraction for item in self.at_work.values())
        return done / self.total if self.total else 1.0

    @property
    def seconds(self) -> float:
        """Seconds since the build began."""
        return self.clock() - self.started

    def hear(self, event: Event) -> None:
        """Process an event."""
        key = event.step.key
        match event.kind:
            case "started":
                # What turns out to be damaged is begun again, even after it has ended.
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
        """Return the seconds that the build may still take, or None if that is unknown."""
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
        """Say what happens to a build that is interrupted now."""
        return (
            f"{self.finished} of {self.total} steps are finished and kept;"
            " run the same command again to continue"
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


def outcome(event: Event) -> str:
    """Return a few words on how a step ended; nothing if it did not end.

    For a finished step, how long it took, and its error and its teacher's; for a failed one, why.
    """
    if event.kind == "failed":
        return event.diagnostics[0].message if event.diagnostics else ""
    if event.kind == "damaged":
        return "set aside, and built again"
    if event.kind != "finished":
        return ""
    metrics = {} if event.artifact is None else event.artifact.metrics
    own, teachers = error(metrics), error(metrics, "teacher")
    words = [duration(event.seconds)]
    if own:
        words.append(f"error {own}" + (f", teacher's {teachers}" if teachers else ""))
    return "  ".join(words)


class Watcher(Protocol):
    """Shows the events of a build between entering and leaving."""

    def __enter__(self) -> Watcher:
        """Start showing events."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""

    def hear(self, event: Event) -> None:
        """Show one event."""


NEWS_EVERY = 10.0
"""Seconds between two lines about the same step in a log."""


class Lines:
    """A line when a step begins, one when it ends, and some in between, for logs.

    Args:
        progress_so_far: The progress of the build.
    """

    def __init__(self, progress_so_far: BuildProgress) -> None:
        self._progress = progress_so_far
        self._told: dict[str, float] = {}

    def __enter__(self) -> Lines:
        """Start listening."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left to do."""

    def hear(self, event: Event) -> None:
        """Write a line, unless one was just written about this step."""
        progress = self._progress
        progress.hear(event)
        now = progress.clock()
        last = self._told.get(event.step.key, -NEWS_EVERY)
        if event.kind == "loss" or (event.kind == "progress" and now - last < NEWS_EVERY):
            return
        self._told[event.step.key] = now
        word = f"{event.fraction:.0%}" if event.kind == "progress" else event.kind
        more = event.message if event.kind == "progress" else outcome(event)
        count = f"[{progress.ended}/{progress.total}]"
        note(f"{count} {progress.seconds:6.1f} s  {word:8}  {event.step.name}  {more}".rstrip())
