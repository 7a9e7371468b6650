"""A graph and what is built of it as the JSON data of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from legonet.graph import EdgeState, ModuleGraph, State
from legonet.language.weights import WeightsFile
from legonet.render import words
from legonet.render.built import Built
from legonet.render.page.certificates import (
    Fact,
    Section,
    certificate_of,
    curve_of,
    facts,
    failure,
    metrics,
    quality,
    section,
    sections_of,
    size,
    warnings,
    why_no_curve,
)
from legonet.render.selection import Application, Selection, Wanted, applications_of, select
from legonet.render.style import (
    BEHIND_ITS_TEACHER,
    FAR_BEHIND,
    LOOKS,
    NEAR_ITS_TEACHER,
    ORDER,
    look_of,
)
from legonet.syntax import ast, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from legonet.building import Plan
    from legonet.diagnostics import SourceText, Span
    from legonet.language.declarations import Adapter, Network, Path
    from legonet.language.spec import Key, Origin
    from legonet.language.weights import Weights
    from legonet.syntax.ast import Statement

Item = dict[str, Any]

_NAMES = {
    NEAR_ITS_TEACHER: "near",
    BEHIND_ITS_TEACHER: "behind",
    FAR_BEHIND: "far",
    **{look: state.value for state, look in LOOKS.items()},
}
"""The names of the edges' looks in the page's style."""


def document_of(
    graph: ModuleGraph,
    plan: Plan | None = None,
    *,
    path: Wanted | Iterable[Wanted] = (),
    only: Sequence[str] = (),
) -> Item:
    """Return the data of the page; the scripts beside this module read it.

    Args:
        graph: A graph without errors.
        plan: Knows what is built of it.
        path: Applications; the page opens with the first.
        only: What is shown; see `select`.

    Raises:
        DiagnosticError: LEGO802 or LEGO806, the spec has no such path or edge; LEGO807, a pattern
            chooses nothing.
    """
    return _Document(graph, plan).whole(applications_of(graph, path), select(graph, only))


class _Document:
    """Gathers the data.

    Args:
        graph: The graph.
        plan: What is built of it.
    """

    def __init__(self, graph: ModuleGraph, plan: Plan | None) -> None:
        self._graph = graph
        self._plan = plan
        self._built = Built() if plan is None else Built.of(plan)
        self._statements = Statements()
        self._texts: dict[str, int] = {}

    def whole(self, applications: Sequence[Application], shown: Selection) -> Item:
        spec = self._graph.spec
        sizes = self._built.sizes
        categories = {name: spec.categories[name] for name in shown.categories}
        tasks = {name: spec.tasks[name] for name in shown.tasks}
        items = {
            "networks": [
                self._network(network.name, network.declaration)
                for network in self._graph.networks()
            ],
            "categories": [
                {
                    "name": name,
                    "network": category.network,
                    "cut": f"until {category.until}",
                    **size(sizes.categories.get(name)),
                    **self._place(("category", name)),
                }
                for name, category in categories.items()
            ],
            "tasks": [
                {
                    "name": name,
                    "network": task.network,
                    "cut": f"after {task.after}",
                    **size(sizes.tasks.get(name)),
                    "goal": self._graph.network(task.network).goal.name,
                    **self._place(("task", name)),
                }
                for name, task in tasks.items()
            ],
            "edges": [self._edge(adapter) for adapter in shown.adapters],
            "paths": [
                self._path(name, item, task)
                for name, item in spec.paths.items()
                if categories.keys() >= set(item.categories) and tasks.keys() >= set(item.tasks)
                for task in item.tasks
            ],
        }
        return {
            "title": self._title(),
            "first": [list(item.edges[0]) for item in applications[:1] if len(item.edges) == 1],
            "states": {
                state.value: {"name": words.STATES[state], "sign": LOOKS[state].sign}
                for state in State
            },
            "looks": {_NAMES[look]: {"meaning": look.meaning, "sign": look.sign} for look in ORDER},
            **items,
            "texts": list(self._texts),
        }

    def _title(self) -> str:
        for origin in self._graph.spec.origins.values():
            outermost = origin.trace[-1].span if origin.trace else origin.span
            return PurePath(outermost.source.path).name
        return "legonet"

    def _place(self, key: Key) -> Item:
        """Return where a statement is, and the number of its text."""
        origin = self._graph.spec.origins.get(key)
        if origin is None:
            return {"place": None, "text": None, "trace": []}
        statement = self._statements.text(origin)
        return {
            "place": f"{origin.span.source.path}:{origin.span.line}",
            "text": self._texts.setdefault(statement, len(self._texts)),
            "trace": [
                f"{step.message}, {step.span.source.path}:{step.span.line}" for step in origin.trace
            ],
        }

    def _network(self, name: str, network: Network) -> Item:
        step = None if self._plan is None else self._plan.network(name)
        certificate = certificate_of(step)
        sources: list[Fact] = [["model", words.form(network.model)]]
        if network.init is not None:
            sources.append(["starts from", network.init, f"network:{network.init}"])
        if network.weights is not None:
            sources.append(["ready weights", _weights(network.weights)])
        state = self._built.networks.get(name, EdgeState(State.MISSING))
        recipe = {} if network.train is None else network.train.model_dump(mode="json")
        return {
            "name": name,
            "model": words.model(network),
            "init": network.init,
            "state": state.state.value,
            "message": state.message,
            **size(self._built.sizes.networks.get(name)),
            "reason": "" if step is None or certificate else step.reason,
            "metrics": metrics(certificate.get("metrics") or {}),
            "warnings": warnings(certificate),
            "sections": [
                *section("Where it comes from", sources),
                *section("Recipe", list(facts(recipe))),
                *sections_of(certificate),
            ],
            "curve": curve_of(certificate),
            "no_curve": why_no_curve(certificate, trained=network.train is not None),
            **self._place(("network", name)),
        }

    def _edge(self, adapter: Adapter) -> Item:
        ends = (adapter.category, adapter.task)
        step = None if self._plan is None else self._plan.edge(*ends)
        certificate = certificate_of(step)
        learning = adapter.learning
        edge = self._graph.edge(*ends)
        teacher = None if learning is None else edge.teacher.name
        state = self._built.state(adapter)
        asked: list[Fact] = []
        if learning is not None:
            asked = [
                ["method", words.form(learning.method)],
                ["convs", words.kernels(learning.layers)],
                ["pictures", words.pictures(learning)],
                ["seed", str(learning.seed)],
            ]
            if teacher is not None:
                asked.insert(0, ["teacher", teacher, f"network:{teacher}"])
            if edge.dataset is not None:
                asked.append(["data", edge.dataset.name])
        sections: list[Section] = [*section("The spec asks for", asked), *sections_of(certificate)]
        return {
            "category": adapter.category,
            "task": adapter.task,
            "state": state.state.value,
            "look": _NAMES[look_of(state)],
            "message": words.progress(state),
            **size(self._built.size(adapter)),
            "reason": "" if step is None or step.action != "build" else step.reason,
            "method": "direct" if learning is None else words.method(learning),
            "convs": "" if learning is None else words.kernels(learning.layers),
            "pictures": "" if learning is None else words.pictures(learning),
            "teacher": teacher,
            "metrics": metrics(state.metrics),
            "quality": quality(state.metrics),
            "failure": failure(certificate),
            "warnings": warnings(certificate),
            "sections": sections,
            "curve": curve_of(certificate),
            "no_curve": why_no_curve(certificate, trained=learning is not None),
            **self._place(("adapter", *ends)),
        }

    def _path(self, name: str, path: Path, task: str) -> Item:
        """Return one answer of a path; a joint one has figures of its own."""
        if not path.is_joint:
            return {"name": name, "category": path.categories[0], "task": task}
        step = None if self._plan is None else self._plan.joint(name, task)
        certificate = certificate_of(step)
        return {
            "name": name,
            "category": None,
            "categories": list(path.categories),
            "task": task,
            "metrics": metrics(certificate.get("metrics") or {}),
            "labels": certificate.get("labels") or [],
            "confusion": certificate.get("confusion") or [],
            "warnings": warnings(certificate),
        }


def _weights(weights: Weights) -> str:
    """Return where ready weights come from; for a file, only its name."""
    return weights.file.name if isinstance(weights, WeightsFile) else words.form(weights)


class Statements:
    """Finds the statements that things in a graph come from; each file is parsed once."""

    def __init__(self) -> None:
        self._files: dict[str, dict[int, Span]] = {}

    def text(self, origin: Origin) -> str:
        """Return the whole statement, without the indentation that all its lines share."""
        source = origin.span.source
        if source.path not in self._files:
            self._files[source.path] = _by_place(source)
        span = self._files[source.path].get(origin.span.start, origin.span)
        start = source.position(span.start)[1] - 1
        return dedent(" " * start + source.text[span.start : span.end]).rstrip()


def _by_place(source: SourceText) -> dict[int, Span]:
    """Return the spans of a file's statements, by where their names begin."""
    return dict(_places(parse(source).ast.statements))


def _places(statements: Iterable[Statement]) -> Iterator[tuple[int, Span]]:
    for statement in statements:
        match statement:
            case ast.For():
                yield from _places(statement.body)
            case ast.Block() | ast.Path():
                yield statement.name.span.start, statement.span
            case ast.Adapter():
                yield statement.category.span.start, statement.span
