"""ModuleGraph to DOT: networks, category modules, adapters and task modules from left to right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.render import style, words
from legonet.render.boxes import adapter_box, category_box, node_name, task_box
from legonet.render.columns import Column, side_by_side
from legonet.render.descent import network_columns, unused_networks, ways
from legonet.render.dot_text import block, statement
from legonet.render.legend import legend
from legonet.spec import Key
from legonet.spec.declarations import Adapter, Path

MANY_ADAPTERS = 24
"""With more adapters than these each says the most important only; its tooltip has the rest."""


def to_dot(
    graph: ModuleGraph, states: Mapping[tuple[str, str], EdgeState], *, path: str | None = None
) -> str:
    """Return a picture of a graph in the DOT language; equal arguments give equal text.

    Args:
        graph: A graph without errors. Networks that no module comes from are not drawn.
        states: How far each edge has come, by category and task. An edge that is not listed is
            direct or missing, as the spec says.
        path: Name of an application to draw in red.

    Raises:
        DiagnosticError: LEGO802, the spec has no such path.
    """
    red: frozenset[Key] = frozenset()
    if path is not None:
        application = _application(graph, path)
        ends = ("category", application.category), ("task", application.task)
        red = frozenset({*ends, _key(application)})
    picture = _Picture(graph, states, path or "", red)
    return "\n".join(block("digraph legonet ", picture.lines())) + "\n"


def _application(graph: ModuleGraph, name: str) -> Path:
    paths = graph.spec.paths
    if name in paths:
        return paths[name]
    known = "the spec names " + (", ".join(f"`{item}`" for item in paths) or "no path")
    raise DiagnosticError.of(
        "LEGO802", f"unknown path `{name}`", help=did_you_mean(name, paths, "path") or (known,)
    )


def _key(joint: Adapter | Path) -> Key:
    return "adapter", joint.category, joint.task


@dataclass(frozen=True)
class _Picture:
    """What is drawn.

    Args:
        graph: The modules.
        states: How far each edge has come.
        application: Name of the application in red; empty for none.
        red: The modules and the edge that belong to it.
    """

    graph: ModuleGraph
    states: Mapping[tuple[str, str], EdgeState]
    application: str
    red: frozenset[Key]

    def lines(self) -> Iterator[str]:
        """Give the text line by line: the legend, the nodes by column, the edges."""
        networks = network_columns(self.graph)
        categories, adapters, tasks = self._modules()
        spec = self.graph.spec
        key = legend(
            {self._state(adapter).state for adapter in spec.adapters.values()},
            spec.paths,
            self.application,
            unused_networks(self.graph),
        )
        yield statement(
            "graph", **(style.DENSE_GRAPH if self._is_dense() else style.GRAPH), label=key
        )
        yield statement("node", **style.NODE)
        yield statement("edge", **style.EDGE)
        columns = [column for column in (*networks, categories, adapters, tasks) if column.nodes]
        if not columns:
            yield statement('"nothing"', shape="plaintext", style="", label="no modules")
        yield from side_by_side(columns)
        yield from ways(self.graph, [column for column in columns if column.lanes])
        for adapter in spec.adapters.values():
            yield from self._edge(adapter)

    def _modules(self) -> tuple[Column, Column, Column]:
        """Return the columns of category modules, adapters and task modules.

        Adapters stand in the order of their tasks, so that no two lines to tasks cross.
        """
        spec = self.graph.spec
        tasks = list(spec.tasks)
        adapters = sorted(spec.adapters.values(), key=lambda adapter: tasks.index(adapter.task))
        return (
            Column(
                "categories",
                "category modules",
                [
                    category_box(name, category, red=("category", name) in self.red)
                    for name, category in spec.categories.items()
                ],
                tasks,
            ),
            Column(
                "adapters",
                "adapters",
                [
                    adapter_box(
                        self.graph,
                        adapter,
                        self._state(adapter),
                        application=self.application if _key(adapter) in self.red else "",
                        brief=self._is_dense(),
                    )
                    for adapter in adapters
                ],
                tasks,
            ),
            Column(
                "tasks",
                "task modules",
                [task_box(self.graph, name, red=("task", name) in self.red) for name in tasks],
            ),
        )

    def _edge(self, adapter: Adapter) -> Iterator[str]:
        """Give the two lines of an edge, before and behind its adapter."""
        state = self._state(adapter)
        line = style.LINES[state.state]
        red = _key(adapter) in self.red
        look: dict[str, str | float] = {
            "color": style.APPLICATION if red else line.color,
            "style": line.style,
            "penwidth": max(line.width, style.APPLICATION_WIDTH) if red else line.width,
            "tooltip": words.about_adapter(self.graph, adapter, state),
        }
        middle = node_name("adapter", adapter.category, adapter.task)
        category = node_name("category", adapter.category)
        yield statement(f"{category}:e -> {middle}:w", **look, arrowhead="none", weight=2)
        yield statement(f"{middle}:e -> {node_name('task', adapter.task)}", **look)

    def _is_dense(self) -> bool:
        return len(self.graph.spec.adapters) > MANY_ADAPTERS

    def _state(self, adapter: Adapter) -> EdgeState:
        known = self.states.get((adapter.category, adapter.task))
        return known or EdgeState(State.DIRECT if adapter.learning is None else State.MISSING)
