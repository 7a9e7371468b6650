"""What a build did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.building.planning.plan import EdgeStep, JointStep, Plan, Step
from legonet.building.result import Result, statement_of
from legonet.diagnostics import Diagnostic
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from legonet.building.proof import Proof


@dataclass(frozen=True)
class Report:
    """How a whole build ended.

    Args:
        plan: The plan of the build.
        networks: How each network ended, in the order of the plan.
        edges: How each edge ended, in the order of the plan.
        seconds: How long the whole build took.
        store: Where built things are.
        proof: That nothing built before has changed; None if nothing was built and no proof was
            requested.
        warnings: What went wrong apart from the steps.
        joints: How each answer of a joint path ended, in the order of the plan.
    """

    plan: Plan
    networks: tuple[Result[Step], ...]
    edges: tuple[Result[EdgeStep], ...]
    seconds: float
    store: Path
    proof: Proof | None = None
    warnings: tuple[Diagnostic, ...] = ()
    joints: tuple[Result[JointStep], ...] = ()

    def __repr__(self) -> str:
        outcomes = Counter(result.outcome for result in self.results)
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        return f"<Report: {said or 'nothing to do'}, {self.seconds:.1f} s>"

    @property
    def results(self) -> tuple[Result[Any], ...]:
        """How each step ended: networks, edges, and answers of joint paths."""
        return (*self.networks, *self.edges, *self.joints)

    @property
    def failed(self) -> tuple[Result[Any], ...]:
        """The steps that failed."""
        return tuple(item for item in self.results if item.outcome == "failed")

    def metrics(self, result: Result[Any]) -> dict[str, float]:
        """Return the figures of a network or an edge; a direct edge has those of its network."""
        if result.artifact is not None:
            return result.artifact.metrics
        step = result.step
        if result.outcome != "direct" or not isinstance(step, EdgeStep):
            return {}
        name = step.edge.category_network.name
        (network,) = (item for item in self.networks if item.step.name == name)
        return {} if network.artifact is None else network.artifact.metrics_of_direct_edge

    def warnings_of(self, result: Result[Any]) -> tuple[Diagnostic, ...]:
        """Return what users should know before they trust a network or an edge."""
        if result.artifact is None:
            return ()
        spec, key = self.plan.graph.spec, statement_of(result.step)
        return tuple(spec.locate(item, key) for item in result.artifact.warnings)

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``legonet build --json``."""
        return {
            "edges": [self._edge(result) for result in self.edges],
            "networks": [
                {
                    "name": result.step.name,
                    "action": result.outcome,
                    "seconds": round(result.seconds, 3),
                    "metrics": self.metrics(result),
                }
                for result in self.networks
            ],
            "paths": [
                {
                    "name": result.step.joint.path,
                    "task": result.step.joint.task,
                    "action": result.outcome,
                    "reason": result.reason,
                    "seconds": round(result.seconds, 3),
                    "metrics": self.metrics(result),
                    "diagnostics": [to_json(item) for item in result.diagnostics],
                    "warnings": [to_json(item) for item in self.warnings_of(result)],
                }
                for result in self.joints
            ],
            "seconds": round(self.seconds, 3),
            "store": str(self.store),
            "proof": None if self.proof is None else self.proof.to_json(),
        }

    def _edge(self, result: Result[EdgeStep]) -> dict[str, Any]:
        step = result.step
        learning = step.edge.learning
        return {
            "category": step.edge.category,
            "task": step.edge.task,
            "action": result.outcome,
            "reason": result.reason,
            "seconds": round(result.seconds, 3),
            "method": None if learning is None else learning.method.call,
            "samples": 0 if learning is None else learning.samples,
            "metrics": self.metrics(result),
            "diagnostics": [to_json(item) for item in result.diagnostics],
            "warnings": [to_json(item) for item in self.warnings_of(result)],
        }
