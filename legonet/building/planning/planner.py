"""ModuleGraph to Plan: content keys are compared with what is in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.dependencies import beside_other_weights, with_other_weights
from legonet.building.planning.estimates import Runs
from legonet.building.planning.inputs import Inputs, InputsOfGraph
from legonet.building.planning.plan import Action, EdgeStep, JointStep, NetworkStep, Plan
from legonet.building.planning.reasons import Reasons
from legonet.building.planning.step_status import StepStatus
from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.keys import key_of
from legonet.building.storage.store import ArtifactKind, Store
from legonet.data.left_out import left_out_warning
from legonet.diagnostics import Diagnostic, DiagnosticError, in_order
from legonet.graph import ModuleGraph
from legonet.graph.resolved import ResolvedEdge, ResolvedJoint, ResolvedNetwork

Item = TypeVar("Item")
Made = TypeVar("Made")


def make_plan(
    graph: ModuleGraph, store: Store, contents: DigestCache, history: BuildHistory
) -> Plan:
    """Return what a build of the graph would do, without loading networks or decoding pictures.

    Args:
        graph: A graph without errors.
        store: Holds what is already built.
        contents: Knows the digests of files.
        history: Knows what was built before.

    Raises:
        DiagnosticError: Weights or pictures cannot be found (all missing ones at once), or an edit
            of the graph left a mistake in it.
    """
    return _Planner(graph.sound(), store, contents, history).plan()


class _Planner:
    def __init__(
        self, graph: ModuleGraph, store: Store, contents: DigestCache, history: BuildHistory
    ) -> None:
        self._graph = graph
        self._store = store
        self._datasets = TaskDatasets(graph.spec)
        self._inputs = InputsOfGraph(graph.network, self._datasets, contents)
        self._reasons = Reasons(
            graph,
            history,
            store.index,
            self._inputs.file_lists,
            lambda name: self._inputs.of_network(graph.network(name)),
        )
        self._weights: dict[str, str] = {}
        self._missing: list[Diagnostic] = []

    def plan(self) -> Plan:
        networks = self._each(self._graph.networks(), self._network)
        edges = self._each(self._graph.edges(), self._edge)
        # What is missing is told once: joints have the pictures of their edges.
        found = () if self._missing else self._each(self._graph.joints(), self._joint)
        joints = [step for step in found if step is not None]
        if self._missing:
            raise DiagnosticError(*in_order(self._missing))
        file_lists = self._inputs.file_lists
        runs = Runs(self._store.index, file_lists)
        status = StepStatus(self._store.folder)
        return Plan(
            self._graph,
            tuple(networks),
            tuple(edges),
            runs,
            file_lists,
            status,
            {name: found.skipped for name, found in self._datasets.sources.items()},
            tuple(in_order(self._left_out())),
            tuple(joints),
        )

    def _left_out(self) -> Iterator[Diagnostic]:
        """Yield the warnings of sources that leave out pictures, or most of their files."""
        for name, source in self._datasets.sources.items():
            warning = left_out_warning(source)
            if warning is not None:
                yield self._graph.spec.locate(warning, ("data", name), "source")

    def _each(self, items: Iterable[Item], make: Callable[[Item], Made]) -> list[Made]:
        made: list[Made] = []
        for item in items:
            try:
                made.append(make(item))
            except DiagnosticError as error:
                self._missing += error.diagnostics
        return made

    def _network(self, network: ResolvedNetwork) -> NetworkStep:
        inputs = self._inputs.of_network(network)
        judged = self._judged("network", network.name, inputs, network.needs)
        step = NetworkStep(**judged, network=network)
        if step.artifact is None:
            self._reasons.tell(network.name)
        else:
            self._weights[network.name] = step.artifact.sha256
        return step

    def _edge(self, edge: ResolvedEdge) -> EdgeStep:
        if edge.learning is None:
            return EdgeStep(
                kind="adapter",
                name=edge.name,
                key="",
                inputs={},
                action="direct",
                reasons=("two halves of one network",),
                edge=edge,
            )
        inputs = self._inputs.of_edge(edge, edge.learning)
        step = EdgeStep(**self._judged("adapter", edge.name, inputs, edge.needs), edge=edge)
        if step.artifact is not None:
            self._weights[edge.name] = step.artifact.sha256
        return step

    def _joint(self, joint: ResolvedJoint) -> JointStep | None:
        """Return the step of a joint path; None where the right answers are not known."""
        inputs = self._inputs.of_joint(joint)
        if not inputs["data"]:
            return None
        learned = (edge.name for edge in joint.edges if edge.learning is not None)
        needs = {name: name for name in (*joint.networks, *learned)}
        return JointStep(**self._judged("joint", joint.name, inputs, needs), joint=joint)

    def _judged(
        self, kind: ArtifactKind, name: str, inputs: Inputs, networks: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the fields of a step that is built or reused."""
        key = key_of(inputs)
        artifact = self._store.find(kind, key)
        action: Action = "reuse"
        reasons: tuple[str, ...] = ("built already",)
        if artifact is not None:
            others = with_other_weights(artifact, networks, self._weights)
            if others:
                artifact, reasons = None, (beside_other_weights(others),)
            elif artifact.has_old_figures:
                action, reasons = "measure", ("another version of legonet measured it",)
            elif artifact.failure is not None:
                reasons = ("built already, and it failed",)
        elif self._store.is_damaged(kind, key):
            reasons = ("what is stored is damaged",)
        else:
            reasons = self._reasons.of(name, inputs, networks)
        return {
            "kind": kind,
            "name": name,
            "key": key,
            "inputs": inputs,
            "action": "build" if artifact is None else action,
            "reasons": reasons,
            "artifact": artifact,
        }
