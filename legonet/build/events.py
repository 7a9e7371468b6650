"""What a build tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from legonet.build.planning.plan import Step
from legonet.diagnostics import Diagnostic
from legonet.distill.progress import Point


@dataclass(frozen=True)
class Event:
    """One piece of news about one step.

    Args:
        kind: What happened; a ``finished`` step is in the store, and a ``loss`` comes with each
            gradient step, in front of the ``progress`` that it made.
        step: To which step.
        fraction: Of its work that is done, 0 to 1.
        message: A few words, such as ``epoch 3/8``.
        diagnostics: Why it failed.
        loss: A point of its loss curve.
    """

    kind: Literal["started", "progress", "loss", "finished", "failed"]
    step: Step
    fraction: float = 0.0
    message: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    loss: Point | None = None


Listener = Callable[[Event], None]
