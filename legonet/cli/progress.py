"""A build's progress, for a person who watches."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Protocol

from legonet.build import Event
from legonet.cli.output import error, note
from legonet.cli.quantities import duration
from legonet.cli.tally import Tally


class Watcher(Protocol):
    """Shows the events of a build between entering and leaving."""

    def __enter__(self) -> Watcher:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""

    def hear(self, event: Event) -> None:
        """Show one event."""


def watcher(tally: Tally) -> Watcher:
    """Return what suits standard error: moving bars on a terminal, else a line a step.

    Args:
        tally: Of the build, with nothing in it yet.
    """
    moves = sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    if not moves or not tally.total:
        return Lines(tally)
    from rich.console import Console

    from legonet.cli.bars import Bars

    return Bars(tally, Console(stderr=True, highlight=False))


NEWS_EVERY = 10.0
"""Seconds between two lines about the same step in a log."""


class Lines:
    """A line when a step begins, one when it ends, and one now and then between, for logs.

    Args:
        tally: Of the build.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._told: dict[str, float] = {}

    def __enter__(self) -> Lines:
        """Begin to listen."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left to do."""

    def hear(self, event: Event) -> None:
        """Write a line, unless there was one about this step just now."""
        self._tally.hear(event)
        now = self._tally.clock()
        last = self._told.get(event.step.key, -NEWS_EVERY)
        if event.kind == "loss" or (event.kind == "progress" and now - last < NEWS_EVERY):
            return
        self._told[event.step.key] = now
        word = f"{event.fraction:.0%}" if event.kind == "progress" else event.kind
        more = event.message if event.kind == "progress" else outcome(event)
        count = f"[{self._tally.ended}/{self._tally.total}]"
        note(f"{count} {self._tally.seconds:6.1f} s  {word:8}  {event.step.name}  {more}".rstrip())


def outcome(event: Event) -> str:
    """Return in a few words how a step ended; nothing where it did not end.

    A finished step says how long it took, and its error beside its teacher's; a failed one why.
    """
    if event.kind == "failed":
        return event.diagnostics[0].message if event.diagnostics else ""
    if event.kind == "damaged":
        return "set aside, and built again"
    if event.kind != "finished":
        return ""
    metrics = {} if event.artifact is None else event.artifact.metrics
    own, teachers = error(metrics), error(metrics, teacher=True)
    words = [duration(event.seconds)]
    if own:
        words.append(f"error {own}" + (f", teacher's {teachers}" if teachers else ""))
    return "  ".join(words)
