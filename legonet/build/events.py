"""What a build tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from legonet.build.plan import Step
from legonet.diagnostics import Diagnostic


@dataclass(frozen=True)
class Event:
    """One piece of news about one step.

    Args:
        kind: What happened; a ``finished`` step is in the store.
        step: To which step.
        fraction: Of its work that is done, 0 to 1.
        message: A few words, such as ``epoch 3/8``.
        diagnostics: Why it failed.
    """

    kind: Literal["started", "progress", "finished", "failed"]
    step: Step
    fraction: float = 0.0
    message: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


Listener = Callable[[Event], None]
