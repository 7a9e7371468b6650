"""The routes of a plan: which ones there are, their names, and which are built."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from legonet.building import Artifact, EdgeStep, Plan, Report, Store
from legonet.building.execution.routes import ModuleRef
from legonet.building.planning.datasets import TaskDatasets
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, did_you_mean
from legonet.goals.background import BACKGROUND
from legonet.graph.path_rules import other_size
from legonet.graph.resolved import ResolvedNetwork, edge_name
from legonet.modules.labels import published_labels

EdgeKey = tuple[str, str]
"""Names of a category and a task."""


@dataclass(frozen=True)
class JointKey:
    """What identifies one answer of a joint path.

    Args:
        path: The name of the path.
        categories: The names of its categories.
        task: The name of the task that answers.
    """

    path: str
    categories: tuple[str, ...]
    task: str

    @property
    def edges(self) -> tuple[EdgeKey, ...]:
        """The edges whose answers are joined."""
        return tuple((category, self.task) for category in self.categories)

    @property
    def labels(self) -> tuple[str, ...]:
        """What its outputs mean: the background, then each category."""
        return (BACKGROUND, *self.categories)

    @property
    def name(self) -> str:
        """What it is called, such as ``zoo -> classify``."""
        return edge_name(self.path, self.task)


RouteKey = EdgeKey | JointKey
"""What identifies something that answers: one edge, or several that a path joins."""


def edges_of(routes: Iterable[RouteKey]) -> tuple[EdgeKey, ...]:
    """Return the edges that some routes lead along, each once."""
    groups = (key.edges if isinstance(key, JointKey) else (key,) for key in routes)
    return tuple(dict.fromkeys(ends for group in groups for ends in group))


Names = str | Iterable[str]
"""One name or several."""

SHOWN = 12
"""How many names an error lists, at most."""


class Routes:
    """The routes through a plan's edges.

    Args:
        plan: The plan.
        store: Where networks and adapters are.
        spec: The spec's file, for errors.
        report: The report of the last build, which knows what failed.
    """

    def __init__(self, plan: Plan, store: Store, spec: Path, report: Report | None = None) -> None:
        self.plan = plan
        self._store = store
        self._file = spec
        self._report = report

    def of_path(self, name: str) -> tuple[RouteKey, ...]:
        """Return what an application answers with: a route for each of its tasks.

        Raises:
            DiagnosticError: There is no such path (``LEGO708``); or its edges take pictures of
                different sizes (``LEGO323``).
        """
        paths = self.plan.graph.spec.paths
        if name not in paths:
            raise _unknown("path", name, paths)
        path = paths[name]
        self._check_sizes(name, path.edges)
        if not path.is_joint:
            return path.edges
        return tuple(JointKey(name, path.categories, task) for task in path.tasks)

    def between(self, categories: Names | None, tasks: Names | None) -> tuple[EdgeKey, ...]:
        """Return the routes between some categories and some tasks, in the order of the spec.

        If both are given, every edge between them has to be built; if one is left out, edges that
        are not built are skipped.

        Args:
            categories: Their names; default: all.
            tasks: Their names; default: all.

        Raises:
            DiagnosticError: There is no such category or task, or it has no edge (``LEGO708``); or
                nothing is built (``LEGO709``).
        """
        spec = self.plan.graph.spec
        wanted = (
            _chosen("category", categories, spec.categories),
            _chosen("task", tasks, spec.tasks),
        )
        edges = [
            ends
            for ends in spec.adapters
            if all(only is None or name in only for name, only in zip(ends, wanted, strict=True))
        ]
        joined = {name for ends in edges for name in ends}
        for name in (*(wanted[0] or ()), *(wanted[1] or ())):
            if name not in joined:
                raise DiagnosticError.of(
                    "LEGO708", f"`{name}` has no edge to any of those asked for"
                )
        if None not in wanted:
            for ends in edges:
                self.parts(ends)
            return tuple(edges)
        built = tuple(ends for ends in edges if self.is_built(ends))
        if edges and not built:
            raise self._not_built(f"none of {len(edges)} edges is built")
        return built

    def step(self, ends: EdgeKey) -> EdgeStep:
        """Return the step of an edge in the plan.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``).
        """
        found = self.plan.edge(*ends)
        if found is not None:
            return found
        edges = [edge_name(*known) for known in self.plan.graph.spec.adapters]
        raise _unknown("edge", edge_name(*ends), edges)

    def identity(self, ends: EdgeKey) -> tuple[str, ...]:
        """Return what determines the modules of a route, without looking into the store.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``).
        """
        step = self.step(ends)
        edge = step.edge
        below, above = (
            self.plan.network(network.name)
            for network in (edge.category_network, edge.task_network)
        )
        return (below.key, edge.until, step.key, above.key, edge.after)

    def parts(self, ends: EdgeKey) -> tuple[ModuleRef, Artifact | None, ModuleRef]:
        """Return the modules that a route passes through: category, adapter if any, and task.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``), or it is not built (``LEGO709``).
        """
        step = self.step(ends)
        edge = step.edge
        adapter = None
        if step.action != "direct":
            adapter = step.artifact or self._store.find("adapter", step.key)
            if adapter is None:
                raise self._not_built(f"the edge `{step.name}` is not built", step.name)
        return (
            self._module(edge.category_network, edge.until),
            adapter,
            self._module(edge.task_network, edge.after),
        )

    def failure(self, ends: EdgeKey) -> Diagnostic | None:
        """Return why a built edge is no better than chance; None for one that is.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``), or it is not built (``LEGO709``).
        """
        adapter = self.parts(ends)[1]
        if adapter is None or adapter.failure is None:
            return None
        found = replace(adapter.failure, severity=Severity.WARNING)
        return self.plan.graph.spec.locate(found, ("adapter", *ends))

    def is_built(self, ends: EdgeKey) -> bool:
        """Whether everything that a route passes through is built."""
        try:
            self.parts(ends)
        except DiagnosticError:
            return False
        return True

    def size(self, ends: EdgeKey) -> int:
        """Return the width and height in pixels of the pictures that a route was learned on.

        Raises:
            DiagnosticError: Its data cannot be found.
        """
        return self._datasets.size(self.step(ends).edge)

    def labels(self, ends: EdgeKey) -> tuple[str, ...] | None:
        """Return what the outputs of a route mean; None if the spec does not say.

        Raises:
            DiagnosticError: Its data cannot be found.
        """
        network = self.step(ends).edge.task_network
        return (ends[0],) if network.is_single else self._datasets.labels(network)

    def _check_sizes(self, path: str, edges: Sequence[EdgeKey]) -> None:
        """Check that all edges of a path take pictures of one size."""
        first = edges[0]
        for ends in edges[1:]:
            size, other = self.size(first), self.size(ends)
            if size != other:
                found = other_size(path, edge_name(*first), size, edge_name(*ends), other)
                raise DiagnosticError(self.plan.graph.spec.locate(found, ("path", path)))

    @cached_property
    def _datasets(self) -> TaskDatasets:
        return TaskDatasets(self.plan.graph.spec, published_labels)

    def _module(self, network: ResolvedNetwork, cut: str) -> ModuleRef:
        step = self.plan.network(network.name)
        artifact = step.artifact or self._store.find("network", step.key)
        if artifact is None:
            raise self._not_built(f"the network `{network.name}` is not built", network.name)
        return ModuleRef(step.key, cut, artifact, network.model)

    def _not_built(self, message: str, name: str = "") -> DiagnosticError:
        why = [
            f"it failed: {item.diagnostics[0].message if item.diagnostics else item.reason}"
            for item in (self._report.failed if self._report else ())
            if item.step.name == name
        ]
        return DiagnosticError.of(
            "LEGO709", message, help=[*why, f"run `legonet build {self._file}`"]
        )


def listed(names: Names | None) -> tuple[str, ...] | None:
    """Return names, each once; a single name may be given by itself."""
    if names is None:
        return None
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


def check_known(kind: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    """Check that every name is known.

    Args:
        kind: What the names are names of.
        names: The names.
        known: The known names.

    Raises:
        DiagnosticError: A name is unknown (``LEGO708``).
    """
    for name in names:
        if name not in known:
            raise _unknown(kind, name, known)


def _chosen(kind: str, names: Names | None, known: Mapping[str, object]) -> Collection[str] | None:
    found = listed(names)
    check_known(kind, found or (), known)
    return found


def _unknown(kind: str, name: str, known: Collection[str]) -> DiagnosticError:
    shown = [f"`{item}`" for item in known][:SHOWN]
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return DiagnosticError.of(
        "LEGO708",
        f"unknown {kind} `{name}`",
        help=[*did_you_mean(name, known, kind), f"there are: {', '.join(shown) or 'none'}{more}"],
    )
