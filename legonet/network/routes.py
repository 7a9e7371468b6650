"""The routes of a plan: which there are, what they are called, and which are built."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from legonet.build import Artifact, EdgeStep, Plan, Report, Store, edge_name
from legonet.build.execution.routes import Half
from legonet.build.planning.questions import Questions
from legonet.diagnostics import DiagnosticError, did_you_mean

Ends = tuple[str, str]
"""Names of a category and a task."""

Names = str | Iterable[str]
"""One name or several."""

SHOWN = 12
"""Names that an error lists, at most."""


class Routes:
    """The routes through a plan's edges.

    Args:
        plan: The plan.
        store: Where networks and adapters stand.
        spec: The file that the plan is of, for errors.
        report: Of the last build, which knows what failed.
    """

    def __init__(self, plan: Plan, store: Store, spec: Path, report: Report | None = None) -> None:
        self.plan = plan
        self._store = store
        self._file = spec
        self._report = report

    def of_path(self, name: str) -> Ends:
        """Return the category and the task of an application.

        Raises:
            DiagnosticError: There is no such path (``LEGO708``).
        """
        paths = self.plan.graph.spec.paths
        if name not in paths:
            raise _unknown("path", name, paths)
        return paths[name].category, paths[name].task

    def between(self, categories: Names | None, tasks: Names | None) -> tuple[Ends, ...]:
        """Return the routes between some categories and some tasks, in the order of the spec.

        Where both are given, each edge between them has to be built; where one is left out, those
        that are not built are passed over.

        Args:
            categories: Their names; all unless given.
            tasks: Their names; all unless given.

        Raises:
            DiagnosticError: There is no such category or task, or no edge at it (``LEGO708``); or
                there is nothing built (``LEGO709``).
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

    def step(self, ends: Ends) -> EdgeStep:
        """Return an edge in the plan.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``).
        """
        found = self.plan.edge(*ends)
        if found is not None:
            return found
        edges = [edge_name(*known) for known in self.plan.graph.spec.adapters]
        raise _unknown("edge", edge_name(*ends), edges)

    def identity(self, ends: Ends) -> tuple[str, ...]:
        """Return what determines the modules of a route, without a look into the store.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``).
        """
        step, spec = self.step(ends), self.plan.graph.spec
        category, task = spec.categories[ends[0]], spec.tasks[ends[1]]
        networks = self.plan.network(category.network), self.plan.network(task.network)
        return (networks[0].key, category.until, step.key, networks[1].key, task.after)

    def parts(self, ends: Ends) -> tuple[Half, Artifact | None, Half]:
        """Return the halves of networks that a route passes through, and its adapter if it has one.

        Raises:
            DiagnosticError: There is no such edge (``LEGO708``), or it is not built (``LEGO709``).
        """
        step, spec = self.step(ends), self.plan.graph.spec
        category, task = spec.categories[ends[0]], spec.tasks[ends[1]]
        adapter = None
        if step.action != "direct":
            adapter = step.artifact or self._store.find("adapter", step.key)
            if adapter is None:
                raise self._not_built(f"the edge `{step.name}` is not built", step.name)
        return (
            self._half(category.network, category.until),
            adapter,
            self._half(task.network, task.after),
        )

    def is_built(self, ends: Ends) -> bool:
        """Whether all that a route passes through stands."""
        try:
            self.parts(ends)
        except DiagnosticError:
            return False
        return True

    def size(self, ends: Ends) -> int:
        """Return the pixels, across and down, of the pictures that a route was learned on.

        Raises:
            DiagnosticError: Its data cannot be found.
        """
        return self._questions.size(self.step(ends).adapter)

    def labels(self, ends: Ends) -> tuple[str, ...] | None:
        """Return what the outputs of a route stand for; None where the spec does not say.

        Raises:
            DiagnosticError: Its data cannot be found.
        """
        self.step(ends)
        question = self._questions.of_network(self.plan.graph.spec.tasks[ends[1]].network)
        if question is None:
            return None
        return question.labels if question.category is None else (ends[0],)

    @cached_property
    def _questions(self) -> Questions:
        return Questions(self.plan.graph)

    def _half(self, name: str, cut: str) -> Half:
        step = self.plan.network(name)
        artifact = step.artifact or self._store.find("network", step.key)
        if artifact is None:
            raise self._not_built(f"the network `{name}` is not built", name)
        return Half(step.key, cut, artifact, self.plan.graph.spec.networks[name].model)

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
    """Return names, each once; a single one may be given by itself."""
    if names is None:
        return None
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


def check_known(kind: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    """Check that there is something of each name.

    Args:
        kind: What it is.
        names: The names.
        known: Those that there are.

    Raises:
        DiagnosticError: There is not (``LEGO708``).
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
