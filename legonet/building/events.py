"""What a build reports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from legonet.building.planning.plan import Step
from legonet.building.storage.store import Artifact
from legonet.diagnostics import Diagnostic
from legonet.distill.progress import Point


@dataclass(frozen=True)
class Event:
    """One update about one step.

    Args:
        kind: What happened; a ``finished`` step is in the store, and a ``loss`` comes with each
            gradient step, before the ``progress`` that it made. A ``stopped`` step keeps its
            checkpoint. A ``damaged`` one was built before, and is built again because its file is
            no longer what was written.
        step: The step it happened to.
        fraction: How much of its work is done, 0 to 1.
        message: A few words, such as ``epoch 3/8``.
        diagnostics: Why it failed, or what is damaged.
        loss: A point of its loss curve.
        seconds: Seconds of work, for a step that ended.
        memory: Peak bytes of that work, where known.
        trace: The traceback of an unexpected error.
        artifact: The artifact of a finished step in the store.
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
    """Ignore an event."""
