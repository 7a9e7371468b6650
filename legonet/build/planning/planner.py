"""ModuleGraph to Plan: keys are compared with what stands in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from legonet.build.planning.estimates import RUNS, Runs
from legonet.build.planning.inputs import Inputs, InputsOfGraph
from legonet.build.planning.neighbours import (
    beside_other_weights,
    neighbours_of_edge,
    neighbours_of_network,
    with_other_weights,
)
from legonet.build.planning.news import News
from legonet.build.planning.plan import EdgeStep, Plan, Step, edge_name
from legonet.build.planning.questions import Questions
from legonet.build.planning.reasons import Reasons
from legonet.build.storage.contents import Contents
from legonet.build.storage.inventory import EVIDENCE, Inventories
from legonet.build.storage.keys import key_of
from legonet.build.storage.ledger import Ledger
from legonet.build.storage.store import ArtifactKind, Store
from legonet.diagnostics import Diagnostic, DiagnosticError, in_order
from legonet.graph import ModuleGraph
from legonet.spec.declarations import Adapter

Item = TypeVar("Item")
Made = TypeVar("Made")


def make_plan(graph: ModuleGraph, store: Store, contents: Contents, ledger: Ledger) -> Plan:
    """Return what a build of the graph would do. No network is loaded and no picture is decoded.

    Args:
        graph: A graph without errors.
        store: What is there.
        contents: Knows what files contain.
        ledger: Knows what was built before.

    Raises:
        DiagnosticError: Weights or pictures cannot be found, everything that is missing at once; or
            an edit of the graph left a mistake in it.
    """
    return _Planner(graph.sound(), store, contents, ledger).plan()


class _Planner:
    def __init__(
        self, graph: ModuleGraph, store: Store, contents: Contents, ledger: Ledger
    ) -> None:
        self._graph = graph
        self._store = store
        self._inputs = InputsOfGraph(graph, Questions(graph), contents)
        self._reasons = Reasons(
            graph,
            ledger,
            Inventories(store.folder / EVIDENCE),
            self._inputs.inventories,
            self._inputs.of_network,
        )
        self._weights: dict[str, str] = {}
        self._missing: list[Diagnostic] = []

    def plan(self) -> Plan:
        networks = self._each(self._graph.ancestors_first(), self._network)
        edges = self._each(self._graph.spec.adapters.values(), self._edge)
        if self._missing:
            raise DiagnosticError(*in_order(self._missing))
        inventories = self._inputs.inventories
        runs = Runs(self._store.folder / RUNS, self._graph, inventories)
        news = News(self._store.folder)
        return Plan(self._graph, tuple(networks), tuple(edges), runs, inventories, news)

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
        networks = neighbours_of_network(self._graph, name)
        step = Step(**self._judged("network", name, inputs, networks))
        if step.artifact is None:
            self._reasons.tell(name)
        else:
            self._weights[name] = step.artifact.sha256
        return step

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
        networks = neighbours_of_edge(self._graph, adapter)
        return EdgeStep(**self._judged("adapter", name, inputs, networks), adapter=adapter)

    def _judged(
        self, kind: ArtifactKind, name: str, inputs: Inputs, networks: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the fields of a step that is built or reused."""
        key = key_of(inputs)
        artifact = self._store.find(kind, key)
        reasons: tuple[str, ...] = ("built already",)
        if artifact is not None:
            others = with_other_weights(artifact, networks, self._weights)
            if others:
                artifact, reasons = None, (beside_other_weights(others),)
        elif self._store.is_damaged(kind, key):
            reasons = ("what is stored is damaged",)
        else:
            reasons = self._reasons.of(name, inputs, networks)
        return {
            "kind": kind,
            "name": name,
            "key": key,
            "inputs": inputs,
            "action": "build" if artifact is None else "reuse",
            "reasons": reasons,
            "artifact": artifact,
        }
