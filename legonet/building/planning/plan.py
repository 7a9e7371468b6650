"""What a build would do, network by network and edge by edge, why, and how long it may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

from legonet.building.planning.inputs import Inputs
from legonet.building.planning.step_status import StepStatus
from legonet.building.storage.file_list import FileList
from legonet.building.storage.store import Artifact, ArtifactKind
from legonet.diagnostics import Diagnostic
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.graph.resolved import ResolvedEdge, ResolvedJoint, ResolvedNetwork

Action = Literal["build", "measure", "reuse", "direct"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a build does for one network or one edge.

    Args:
        kind: ``network``, ``adapter`` or ``joint``.
        name: A network's name, ``CATEGORY -> TASK``, or ``path NAME``.
        key: The content key; empty for a direct edge.
        inputs: What the key is made of.
        action: ``build`` it, ``measure`` again what is there, ``reuse`` it, or ``direct`` for a
            direct edge, which needs nothing.
        reasons: Why, in a few words each.
        artifact: A valid artifact that is already there; None for a step to build.
    """

    kind: ArtifactKind
    name: str
    key: str
    inputs: Inputs = field(repr=False)
    action: Action
    reasons: tuple[str, ...]
    artifact: Artifact | None = None

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return "; ".join(self.reasons)

    @property
    def needs(self) -> Mapping[str, str]:
        """The names of the networks that have to be built before it, by role."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class NetworkStep(Step):
    """What a build does for one network.

    Args:
        network: The network.
    """

    network: ResolvedNetwork

    @property
    def needs(self) -> Mapping[str, str]:
        """The name of its ``ancestor``, if it has one."""
        return self.network.needs


@dataclass(frozen=True, kw_only=True)
class EdgeStep(Step):
    """What a build does for one edge.

    Args:
        edge: The edge.
    """

    edge: ResolvedEdge

    @property
    def needs(self) -> Mapping[str, str]:
        """The names of its ``category``, ``task`` and ``teacher`` networks."""
        return self.edge.needs


@dataclass(frozen=True, kw_only=True)
class JointStep(Step):
    """What a build does for one answer of a joint path: it measures it, and writes a certificate.

    Args:
        joint: The answer.
    """

    joint: ResolvedJoint

    @property
    def needs(self) -> Mapping[str, str]:
        """The names of its networks and of its learned edges; each is its own role."""
        learned = (edge.name for edge in self.joint.edges if edge.learning is not None)
        return {name: name for name in (*self.joint.networks, *learned)}


@dataclass(frozen=True)
class Estimate:
    """What a step may take.

    Args:
        seconds: How long its work may take.
        memory: Its peak in bytes; None where no similar run measured it.
    """

    seconds: float
    memory: int | None


class Estimator(Protocol):
    """Knows how long steps took and how much memory they needed."""

    def add(self, step: Step, seconds: float, memory: int | None) -> None:
        """Record what a step took: seconds, and its peak in bytes where known."""

    def estimate(self, step: Step) -> Estimate | None:
        """Return what a step may take; None if nothing similar was built before."""


@dataclass(frozen=True)
class Plan:
    """What a build would do.

    Args:
        graph: The graph that is built.
        networks: In an order in which they can be built, ancestors first.
        edges: In the order of the spec.
        runs: Knows how long steps took and how much memory they needed.
        file_lists: The file lists of the steps' pictures, by their key.
        news: Knows what builds are doing right now and what failed; default: nothing is known.
        skipped: How many files the sources of ``data`` blocks leave out, by kind.
        warnings: What is odd about the pictures, as far as it is known without reading them.
        joints: What joint paths answer, as far as it can be measured.
    """

    graph: ModuleGraph
    networks: tuple[NetworkStep, ...]
    edges: tuple[EdgeStep, ...]
    runs: Estimator
    file_lists: Mapping[str, FileList]
    news: StepStatus | None = None
    skipped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    joints: tuple[JointStep, ...] = ()

    def __repr__(self) -> str:
        actions = Counter(step.action for step in self.steps)
        said = ", ".join(f"{count} {action}" for action, count in actions.items())
        return f"<Plan: {said or 'nothing to do'}>"

    @property
    def steps(self) -> tuple[NetworkStep | EdgeStep | JointStep, ...]:
        """All of them, each after those that it needs."""
        return (*self.networks, *self.edges, *self.joints)

    @property
    def to_build(self) -> tuple[Step, ...]:
        """The steps that have work to do."""
        work = ("build", "measure")
        return tuple(step for step in self.steps if step.action in work)

    @property
    def reused(self) -> tuple[Step, ...]:
        """The steps whose artifacts are used as they are."""
        return tuple(step for step in self.steps if step.action == "reuse")

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """What the steps to build may take, by name, for those with similar earlier runs."""
        building = (step for step in self.to_build if step.action == "build")
        found = ((step.name, self.runs.estimate(step)) for step in building)
        return {name: estimate for name, estimate in found if estimate is not None}

    def network(self, name: str) -> NetworkStep:
        """Return the step of a network."""
        return self._networks[name]

    def edge(self, category: str, task: str) -> EdgeStep | None:
        """Return the step of an edge, or None where there is no such edge."""
        return self._edges.get((category, task))

    @cached_property
    def _networks(self) -> dict[str, NetworkStep]:
        return {step.name: step for step in self.networks}

    @cached_property
    def _edges(self) -> dict[tuple[str, str], EdgeStep]:
        return {step.edge.ends: step for step in self.edges}

    def joint(self, path: str, task: str) -> JointStep | None:
        """Return the step of an answer of a joint path, or None where it cannot be measured."""
        return next(
            (step for step in self.joints if (step.joint.path, step.joint.task) == (path, task)),
            None,
        )

    def needed(self, step: Step) -> dict[str, Step]:
        """Return the steps that have to be done before a step, by role."""
        edges = {item.name: item for item in self.edges} if isinstance(step, JointStep) else {}
        return {
            role: edges[name] if name in edges else self.network(name)
            for role, name in step.needs.items()
        }

    def networks_of(self, edge: EdgeStep) -> tuple[NetworkStep, ...]:
        """Return the steps of the networks that an edge needs, ancestors first."""
        from legonet.graph.resolved import with_ancestors

        wanted = with_ancestors(self.graph.compiled, edge.needs.values())
        return tuple(step for step in self.networks if step.name in wanted)

    def metrics(self, edge: EdgeStep) -> dict[str, float]:
        """Return an edge's figures; a direct edge has those of its network."""
        if edge.action != "direct":
            return {} if edge.artifact is None else edge.artifact.metrics
        artifact = self.network(edge.edge.category_network.name).artifact
        return {} if artifact is None else artifact.metrics_of_direct_edge

    def states(self) -> dict[tuple[str, str], EdgeState]:
        """Return how far each edge has come, as of the first call."""
        return self._states

    @cached_property
    def _states(self) -> dict[tuple[str, str], EdgeState]:
        return {ends: self._state_of_edge(step) for ends, step in self._edges.items()}

    def _state_of_edge(self, step: EdgeStep) -> EdgeState:
        if step.action == "direct":
            return EdgeState(State.DIRECT, self.metrics(step))
        if step.artifact is not None:
            return _state_of(step.artifact)
        known = self._status.get(step.key)
        if known is not None:
            return known
        for network in self.networks_of(step) if self._some_network_failed else ():
            if self.network_states()[network.name].state is State.FAILED:
                return EdgeState(State.FAILED, message=f"its network `{network.name}` failed")
        return EdgeState(State.MISSING)

    def network_states(self) -> dict[str, EdgeState]:
        """Return how far each network has come, as of the first call."""
        return self._network_states

    @cached_property
    def _network_states(self) -> dict[str, EdgeState]:
        return {
            step.name: _state_of(step.artifact)
            if step.artifact is not None
            else self._status.get(step.key, EdgeState(State.MISSING))
            for step in self.networks
        }

    def joint_states(self) -> dict[str, EdgeState]:
        """Return how good each joint path is at the first of its tasks, by its name."""
        found = {}
        for step in reversed(self.joints):
            known = self._status.get(step.key, EdgeState(State.MISSING))
            found[step.joint.path] = known if step.artifact is None else _state_of(step.artifact)
        return found

    @cached_property
    def _some_network_failed(self) -> bool:
        return any(state.state is State.FAILED for state in self._network_states.values())

    @cached_property
    def _status(self) -> Mapping[str, EdgeState]:
        return self.news.of({step.key for step in self.to_build}) if self.news else {}

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``legonet plan --json``."""
        return {
            "edges": [
                {
                    "category": step.edge.category,
                    "task": step.edge.task,
                    **self._step(step),
                }
                for step in self.edges
            ],
            "networks": [{"name": step.name, **self._step(step)} for step in self.networks],
            "skipped": {name: dict(found) for name, found in self.skipped.items() if found},
            "paths": [
                {"name": step.joint.path, "task": step.joint.task, **self._step(step)}
                for step in self.joints
            ],
            "to_build": len(self.to_build),
            "unknown": len(self.to_build) - len(self.estimates),
            **(_amounts(self.total) if self.to_build else {"seconds": 0.0, "memory": 0}),
        }

    @property
    def total(self) -> Estimate | None:
        """All estimates together: the sum of their seconds, and the largest memory of any step.

        None if no step has an estimate. If `estimates` has fewer entries than `to_build`, the work
        of some steps is not in the sum.
        """
        # A step with several names is built once.
        known = {step.key: self.estimates.get(step.name) for step in self.to_build}
        found = [estimate for estimate in known.values() if estimate is not None]
        if not found:
            return None
        memory = max((item.memory for item in found if item.memory is not None), default=None)
        return Estimate(sum(item.seconds for item in found), memory)

    def _step(self, step: Step) -> dict[str, Any]:
        plain = {"action": step.action, "reason": step.reason}
        if step.action not in ("build", "measure"):
            return plain | {"seconds": 0.0, "memory": 0}
        return plain | _amounts(self.estimates.get(step.name))


def _state_of(artifact: Artifact) -> EdgeState:
    """Return the state of an artifact; an edge that is no better than chance has failed."""
    failure = artifact.failure
    return EdgeState(
        State.BUILT if failure is None else State.FAILED,
        artifact.metrics,
        message="" if failure is None else failure.message,
        warnings=tuple(item.message for item in artifact.warnings),
    )


def _amounts(estimate: Estimate | None) -> dict[str, float | int | None]:
    if estimate is None:
        return {"seconds": None, "memory": None}
    return {"seconds": round(estimate.seconds, 1), "memory": estimate.memory}
