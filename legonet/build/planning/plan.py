"""ModuleGraph to Plan: what a build would do, network by network and edge by edge, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from legonet.build.planning.inputs import Inputs, InputsOfGraph
from legonet.build.planning.questions import Questions
from legonet.build.storage.contents import Contents
from legonet.build.storage.keys import key_of
from legonet.build.storage.ledger import Ledger, changes
from legonet.build.storage.store import Artifact, ArtifactKind, Store
from legonet.diagnostics import Diagnostic, DiagnosticError, in_order
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.spec.declarations import Adapter

Action = Literal["build", "reuse", "direct"]
_STATES = {"build": State.MISSING, "reuse": State.BUILT, "direct": State.DIRECT}
Item = TypeVar("Item")
Made = TypeVar("Made")


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
        artifact: What is there already.
    """

    kind: ArtifactKind
    name: str
    key: str
    inputs: Inputs
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
    """

    graph: ModuleGraph
    networks: tuple[Step, ...]
    edges: tuple[EdgeStep, ...]

    @property
    def to_build(self) -> tuple[Step, ...]:
        """The steps that have work in them."""
        return tuple(step for step in (*self.networks, *self.edges) if step.action == "build")

    def network(self, name: str) -> Step:
        """Return the step of a network."""
        return next(step for step in self.networks if step.name == name)

    def edge(self, category: str, task: str) -> EdgeStep | None:
        """Return the step of an edge, or None where there is no such edge."""
        ends = (category, task)
        return next((s for s in self.edges if (s.adapter.category, s.adapter.task) == ends), None)

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
        """Return how far each edge has come."""
        return {
            (step.adapter.category, step.adapter.task): EdgeState(
                _STATES[step.action], self.metrics(step)
            )
            for step in self.edges
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``legonet plan --json``."""
        return {
            "edges": [
                {
                    "category": step.adapter.category,
                    "task": step.adapter.task,
                    "action": step.action,
                    "reason": step.reason,
                }
                for step in self.edges
            ],
            "networks": [
                {"name": step.name, "action": step.action, "reason": step.reason}
                for step in self.networks
            ],
        }


def edge_name(category: str, task: str) -> str:
    """Return what an edge is called, such as ``cat -> classify``."""
    return f"{category} -> {task}"


def make_plan(graph: ModuleGraph, store: Store, contents: Contents, ledger: Ledger) -> Plan:
    """Return what a build of the graph would do. No network is loaded and no picture is decoded.

    Args:
        graph: A graph without errors.
        store: What is there.
        contents: Knows what files contain.
        ledger: Knows what was built before.

    Raises:
        DiagnosticError: Weights or pictures cannot be found; everything that is missing at once.
    """
    return _Planner(graph, store, contents, ledger).plan()


class _Planner:
    def __init__(
        self, graph: ModuleGraph, store: Store, contents: Contents, ledger: Ledger
    ) -> None:
        self._graph = graph
        self._store = store
        self._ledger = ledger
        self._inputs = InputsOfGraph(graph, Questions(graph), contents)
        self._missing: list[Diagnostic] = []

    def plan(self) -> Plan:
        networks = self._each(self._graph.ancestors_first(), self._network)
        edges = self._each(self._graph.spec.adapters.values(), self._edge)
        if self._missing:
            raise DiagnosticError(*in_order(self._missing))
        return Plan(self._graph, tuple(networks), tuple(edges))

    def _each(self, items: Iterable[Item], make: Callable[[Item], Made]) -> list[Made]:
        made: list[Made] = []
        for item in items:
            try:
                made.append(make(item))
            except DiagnosticError as error:
                self._missing += error.diagnostics
        return made

    def _network(self, name: str) -> Step:
        inputs = self._inputs.of_network(name)
        return Step(**self._judged("network", name, inputs))

    def _edge(self, adapter: Adapter) -> EdgeStep:
        name = edge_name(adapter.category, adapter.task)
        if adapter.learning is None:
            return EdgeStep(
                kind="adapter",
                name=name,
                key="",
                inputs={},
                action="direct",
                reasons=("two halves of one network",),
                adapter=adapter,
            )
        inputs = self._inputs.of_edge(adapter, adapter.learning)
        return EdgeStep(**self._judged("adapter", name, inputs), adapter=adapter)

    def _judged(self, kind: ArtifactKind, name: str, inputs: Inputs) -> dict[str, Any]:
        """Return the fields of a step that is built or reused."""
        key = key_of(inputs)
        artifact = self._store.find(kind, key)
        action: Action = "build" if artifact is None else "reuse"
        reasons = ("built already",) if artifact else self._why(kind, name, key, inputs)
        return {
            "kind": kind,
            "name": name,
            "key": key,
            "inputs": inputs,
            "action": action,
            "reasons": reasons,
            "artifact": artifact,
        }

    def _why(self, kind: ArtifactKind, name: str, key: str, inputs: Inputs) -> tuple[str, ...]:
        if self._store.is_damaged(kind, key):
            return ("what is stored is damaged",)
        before = self._ledger.inputs(name)
        if before is None:
            return ("not built yet",)
        return tuple(changes(before, inputs)) or ("its artifact is gone from the store",)
