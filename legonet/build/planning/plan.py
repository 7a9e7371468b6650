"""What a build would do, network by network and edge by edge, why, and how long it may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from legonet.build.planning.inputs import Inputs
from legonet.build.planning.news import News
from legonet.build.storage.inventory import Inventory
from legonet.build.storage.store import Artifact, ArtifactKind
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.spec.declarations import Adapter

if TYPE_CHECKING:
    from legonet.build.planning.estimates import Estimate, Runs

Action = Literal["build", "reuse", "direct"]
_STATES = {"build": State.MISSING, "reuse": State.BUILT, "direct": State.DIRECT}


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a build does for one network or one edge.

    Args:
        kind: ``network`` or ``adapter``.
        name: A network's name, or ``CATEGORY -> TASK``.
        key: The content key; empty for a direct edge.
        inputs: What the key is made of.
        action: To build it, to reuse what is there, or nothing for a direct edge.
        reasons: Why, a few words each.
        artifact: What is there already and is good; None for a step to build.
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


@dataclass(frozen=True, kw_only=True)
class EdgeStep(Step):
    """What a build does for one edge.

    Args:
        adapter: The edge in the spec.
    """

    adapter: Adapter


@dataclass(frozen=True)
class Plan:
    """What a build would do.

    Args:
        graph: For which graph.
        networks: In the order in which they can be built, ancestors first.
        edges: In the order of the spec.
        runs: Knows how long steps took and how much memory they needed.
        inventories: The files behind the pictures that the steps are about, by their key.
        news: Knows what builds do right now, and what failed; nothing unless given.
    """

    graph: ModuleGraph
    networks: tuple[Step, ...]
    edges: tuple[EdgeStep, ...]
    runs: Runs
    inventories: Mapping[str, Inventory]
    news: News | None = None

    def __repr__(self) -> str:
        actions = Counter(step.action for step in (*self.networks, *self.edges))
        said = ", ".join(f"{count} {action}" for action, count in actions.items())
        return f"<Plan: {said or 'nothing to do'}>"

    @property
    def to_build(self) -> tuple[Step, ...]:
        """The steps that have work in them."""
        return tuple(step for step in (*self.networks, *self.edges) if step.action == "build")

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """What the steps to build may take, by name, as far as anything alike was built before."""
        found = ((step.name, self.runs.estimate(step)) for step in self.to_build)
        return {name: estimate for name, estimate in found if estimate is not None}

    def network(self, name: str) -> Step:
        """Return the step of a network."""
        return self._networks[name]

    def edge(self, category: str, task: str) -> EdgeStep | None:
        """Return the step of an edge, or None where there is no such edge."""
        return self._edges.get((category, task))

    @cached_property
    def _networks(self) -> dict[str, Step]:
        return {step.name: step for step in self.networks}

    @cached_property
    def _edges(self) -> dict[tuple[str, str], EdgeStep]:
        return {(step.adapter.category, step.adapter.task): step for step in self.edges}

    def networks_of(self, edge: EdgeStep) -> tuple[Step, ...]:
        """Return the steps of the networks that an edge needs, ancestors first."""
        spec = self.graph.spec
        wanted = {
            spec.categories[edge.adapter.category].network,
            spec.tasks[edge.adapter.task].network,
            self.graph.teacher_name(edge.adapter),
        }
        found = []
        for step in reversed(self.networks):
            if step.name in wanted:
                wanted.add(spec.networks[step.name].init)
                found.append(step)
        return tuple(reversed(found))

    def metrics(self, edge: EdgeStep) -> dict[str, float]:
        """Return an edge's figures; a direct edge has those of its network."""
        if edge.action != "direct":
            return {} if edge.artifact is None else edge.artifact.metrics
        category = self.graph.spec.categories[edge.adapter.category]
        artifact = self.network(category.network).artifact
        return {} if artifact is None else artifact.metrics_of_direct_edge

    def states(self) -> dict[tuple[str, str], EdgeState]:
        """Return how far each edge has come, as it was when somebody first asked."""
        return self._states

    @cached_property
    def _states(self) -> dict[tuple[str, str], EdgeState]:
        return {ends: self._state_of_edge(step) for ends, step in self._edges.items()}

    def _state_of_edge(self, step: EdgeStep) -> EdgeState:
        if step.action != "build":
            return EdgeState(_STATES[step.action], self.metrics(step))
        known = self._news.get(step.key)
        if known is not None:
            return known
        for network in self.networks_of(step) if self._some_network_failed else ():
            if self.network_states()[network.name].state is State.FAILED:
                return EdgeState(State.FAILED, message=f"its network `{network.name}` failed")
        return EdgeState(State.MISSING)

    def network_states(self) -> dict[str, EdgeState]:
        """Return how far each network has come, as it was when somebody first asked."""
        return self._network_states

    @cached_property
    def _network_states(self) -> dict[str, EdgeState]:
        return {
            step.name: EdgeState(State.BUILT, step.artifact.metrics)
            if step.artifact is not None
            else self._news.get(step.key, EdgeState(State.MISSING))
            for step in self.networks
        }

    @cached_property
    def _some_network_failed(self) -> bool:
        return any(state.state is State.FAILED for state in self._network_states.values())

    @cached_property
    def _news(self) -> Mapping[str, EdgeState]:
        return self.news.of({step.key for step in self.to_build}) if self.news else {}

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``legonet plan --json``."""
        return {
            "edges": [
                {
                    "category": step.adapter.category,
                    "task": step.adapter.task,
                    **self._step(step),
                }
                for step in self.edges
            ],
            "networks": [{"name": step.name, **self._step(step)} for step in self.networks],
            "to_build": len(self.to_build),
            "unknown": len(self.to_build) - len(self.estimates),
            **(_amounts(self.total) if self.to_build else {"seconds": 0.0, "memory": 0}),
        }

    @property
    def total(self) -> Estimate | None:
        """All estimates together: the sum of their seconds, and the most memory of any one step.

        None where nothing is known of any step. `estimates` has fewer entries than `to_build` where
        the work of some is not in the sum.
        """
        from legonet.build.planning.estimates import Estimate

        # What has several names is built once.
        known = {step.key: self.estimates.get(step.name) for step in self.to_build}
        found = [estimate for estimate in known.values() if estimate is not None]
        if not found:
            return None
        memory = max((item.memory for item in found if item.memory is not None), default=None)
        return Estimate(sum(item.seconds for item in found), memory)

    def _step(self, step: Step) -> dict[str, Any]:
        plain = {"action": step.action, "reason": step.reason}
        if step.action != "build":
            return plain | {"seconds": 0.0, "memory": 0}
        return plain | _amounts(self.estimates.get(step.name))


def _amounts(estimate: Estimate | None) -> dict[str, float | int | None]:
    if estimate is None:
        return {"seconds": None, "memory": None}
    return {"seconds": round(estimate.seconds, 1), "memory": estimate.memory}


def edge_name(category: str, task: str) -> str:
    """Return what an edge is called, such as ``cat -> classify``."""
    return f"{category} -> {task}"
