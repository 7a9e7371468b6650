"""What a build tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from legonet.build.planning.plan import Step
from legonet.build.storage.store import Artifact
from legonet.diagnostics import Diagnostic
from legonet.distill.progress import Point


@dataclass(frozen=True)
class Event:
    """One piece of news about one step.

    Args:
        kind: What happened; a ``finished`` step is in the store, and a ``loss`` comes with each
            gradient step, in front of the ``progress`` that it made. A ``stopped`` step keeps its
            checkpoint. A ``damaged`` one was built before, and is built again since its file is
            no longer what was written.
        step: To which step.
        fraction: Of its work that is done, 0 to 1.
        message: A few words, such as ``epoch 3/8``.
        diagnostics: Why it failed, or what is damaged.
        loss: A point of its loss curve.
        seconds: Of work, of a step that ended.
        memory: Bytes at the peak of that work, where it is known.
        trace: The traceback of an error that nobody foresaw.
        artifact: What a finished step is in the store.
    """

    kind: Literal["started", "progress", "loss", "finished", "failed", "stopped", "damaged"]
    step: Step
    fraction: float = 0.0
    message: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    loss: Point | None = None
    seconds: float = 0.0
    memory: int | None = None
    trace: str = ""
    artifact: Artifact | None = None


Listener = Callable[[Event], None]


def unheard(event: Event) -> None:
    """Take no notice of an event."""
