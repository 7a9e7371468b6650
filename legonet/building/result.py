"""How one step of a build ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from legonet.building.planning.plan import EdgeStep, JointStep, Step
from legonet.building.storage.store import Artifact
from legonet.diagnostics import Diagnostic
from legonet.language import Key, Spec

StepT = TypeVar("StepT", bound=Step)
Outcome = Literal["built", "measured", "reused", "direct", "failed", "stopped"]


@dataclass(frozen=True)
class Result(Generic[StepT]):
    """How one step ended.

    Args:
        step: The step.
        outcome: How it ended; ``measured``: it was already built and was measured again.
        reason: Why, in one line.
        seconds: How long it took in this build.
        artifact: What is in the store now; an edge that is no better than chance has failed, but
            is kept all the same.
        diagnostics: Why it failed.
    """

    step: StepT
    outcome: Outcome
    reason: str
    seconds: float = 0.0
    artifact: Artifact | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def ended(
    step: StepT, outcome: Outcome, reason: str, artifact: Artifact, spec: Spec, seconds: float = 0.0
) -> Result[StepT]:
    """Return how a step with an artifact in the store ended; a bad edge has failed.

    Args:
        step: The step.
        outcome: How it ended, unless the edge is bad.
        reason: Why, in one line.
        artifact: What is in the store.
        spec: The spec with its statement.
        seconds: How long it took in this build.
    """
    failure = artifact.failure
    if failure is None:
        return Result(step, outcome, reason, seconds, artifact)
    located = spec.locate(failure, statement_of(step))
    return Result(step, "failed", failure.message, seconds, artifact, (located,))


def statement_of(step: Step) -> Key:
    """Return the key of a step's statement in its spec."""
    if isinstance(step, EdgeStep):
        return ("adapter", *step.edge.ends)
    if isinstance(step, JointStep):
        return ("path", step.joint.path)
    return ("network", step.name)
