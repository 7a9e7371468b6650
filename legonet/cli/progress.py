"""A build's progress, for a person who watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from legonet.build import Event, Plan


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


def watcher(plan: Plan) -> Watcher:
    """Return what suits standard error: moving bars on a terminal, else a line a step."""
    console = Console(stderr=True, highlight=False)
    return Bars(plan, console) if console.is_terminal else Lines(plan)


class Bars:
    """A bar for the whole build and one for the step at work."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=console,
            transient=True,
        )
        total = len(plan.to_build)
        self._whole = self._progress.add_task(f"{total} to build", total=total, note="")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing and take the bars away."""
        self._progress.stop()

    def hear(self, event: Event) -> None:
        """Move the bars."""
        name = event.step.name
        if event.kind == "loss":
            return
        if event.kind == "started":
            self._tasks[name] = self._progress.add_task(name, total=1.0, note="")
        elif event.kind == "progress":
            self._progress.update(self._tasks[name], completed=event.fraction, note=event.message)
        else:
            self._progress.remove_task(self._tasks.pop(name))
            self._progress.advance(self._whole)
            word = "built " if event.kind == "finished" else "failed"
            self._progress.console.print(f"{word} {name}", markup=False)


NEWS_EVERY = 10.0
"""Seconds between two lines about the same step in a log."""


class Lines:
    """A line when a step begins, one when it ends, and one now and then between, for logs."""

    def __init__(self, plan: Plan) -> None:
        self._total = len(plan.to_build)
        self._count = 0
        self._started = self._told = time.monotonic()

    def __enter__(self) -> Lines:
        """Begin to count."""
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
        now = time.monotonic()
        if event.kind == "loss" or (event.kind == "progress" and now - self._told < NEWS_EVERY):
            return
        if event.kind == "started":
            self._count += 1
        self._told = now
        under_way = f"{event.fraction:4.0%}  {event.message}" if event.kind == "progress" else ""
        print(
            f"[{self._count}/{self._total}] {now - self._started:6.1f} s",
            f"{under_way or event.kind:8} {event.step.name}",
            sep="  ",
            file=sys.stderr,
            flush=True,
        )
