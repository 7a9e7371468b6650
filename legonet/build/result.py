"""How one step of a build ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from legonet.build.planning.plan import Step
from legonet.build.storage.store import Artifact
from legonet.diagnostics import Diagnostic

StepT = TypeVar("StepT", bound=Step)
Outcome = Literal["built", "reused", "direct", "failed", "stopped"]


@dataclass(frozen=True)
class Result(Generic[StepT]):
    """How one step ended.

    Args:
        step: The step.
        outcome: How.
        reason: Why, in one line.
        seconds: That it took in this build.
        artifact: What is in the store now.
        diagnostics: Why it failed.
    """

    step: StepT
    outcome: Outcome
    reason: str
    seconds: float = 0.0
    artifact: Artifact | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
