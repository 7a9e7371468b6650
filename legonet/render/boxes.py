"""The picture's nodes: networks, category modules, adapters and task modules."""

from __future__ import annotations

from dataclasses import dataclass

from legonet.graph import EdgeState, ModuleGraph
from legonet.render import style, words
from legonet.render.dot_text import Markup, left_aligned, marked, quoted, statement
from legonet.spec.declarations import Adapter, Category, Network


@dataclass(frozen=True)
class Node:
    """A node.

    Args:
        name: As it stands in DOT.
        text: Its statement.
    """

    name: str
    text: str


def node_name(kind: str, *names: str) -> str:
    """Return what a node is called in DOT."""
    return quoted(f"{kind} {' -> '.join(names)}")


def network_box(name: str, network: Network) -> Node:
    """Return a specific network."""
    lines = [marked(name), _soft(network.model.call)]
    about = words.about_network(name, network)
    return _box(node_name("network", name), lines, style.NETWORK, about)


def category_box(name: str, category: Category, *, red: bool) -> Node:
    """Return a category module, in red where it belongs to the application."""
    lines = [marked(name, bold=True), _soft(f"until {category.until}")]
    about = f"category module {name}\n{category.network} until {category.until}"
    return _box(node_name("category", name), lines, style.CATEGORY, about, red=red)


def task_box(graph: ModuleGraph, name: str, *, red: bool) -> Node:
    """Return a task module, in red where it belongs to the application."""
    task = graph.spec.tasks[name]
    goal = graph.goal(graph.spec.networks[task.network])
    origin = f"{task.network} after {task.after}"
    lines = [marked(name, bold=True), marked(goal, size=10), _soft(origin)]
    about = f"task module {name}: {goal}\n{origin}"
    return _box(node_name("task", name), lines, style.TASK, about, red=red)


def adapter_box(
    graph: ModuleGraph, adapter: Adapter, state: EdgeState, *, application: str, brief: bool
) -> Node:
    """Return an adapter, or the label of a direct edge.

    Args:
        graph: Where it stands.
        adapter: The adapter.
        state: How far it has come.
        application: Name of the application in red that it belongs to; empty if it does not.
        brief: One line, which says by name where it comes from.
    """
    line = style.LINES[state.state]
    lines = _adapter_lines(graph, adapter, state, brief=brief)
    if application:
        name = marked(application, size=10, color=style.APPLICATION, bold=True)
        lines.insert(0, name)
    text = statement(
        node_name("adapter", adapter.category, adapter.task),
        label=left_aligned(lines),
        fillcolor=style.PAPER,
        color=style.APPLICATION if application else line.color,
        style=f"rounded,filled,{line.style}",
        penwidth=max(line.width, style.APPLICATION_WIDTH) if application else line.width,
        tooltip=words.about_adapter(graph, adapter, state),
        **(style.BRIEF if brief else {}),
    )
    return Node(node_name("adapter", adapter.category, adapter.task), text)


def _adapter_lines(
    graph: ModuleGraph, adapter: Adapter, state: EdgeState, *, brief: bool
) -> list[Markup]:
    progress = marked(words.progress(state), size=style.SMALL, color=style.LINES[state.state].color)
    learning = adapter.learning
    kind = "direct" if learning is None else words.kernels(learning.layers)
    head = marked(kind, size=10, bold=True)
    if brief:
        return [Markup(f"{marked(adapter.category, size=10)} {head} {progress}")]
    if learning is None:
        return [head, progress] if state.metrics else [head]
    lines = [
        Markup(f"{head} {marked(words.method(learning), size=10)}"),
        _soft(words.pictures(learning)),
        progress,
    ]
    teacher = graph.teacher_name(adapter)
    if teacher != graph.spec.categories[adapter.category].network:
        lines.insert(2, _soft(f"taught by {teacher}"))
    return lines


def _box(name: str, lines: list[Markup], box: style.Box, about: str, *, red: bool = False) -> Node:
    text = statement(
        name,
        label=left_aligned(lines),
        fillcolor=box.fill,
        color=style.APPLICATION if red else box.border,
        penwidth=style.APPLICATION_WIDTH if red else 1,
        tooltip=about,
    )
    return Node(name, text)


def _soft(text: str) -> Markup:
    return marked(text, size=style.SMALL, color=style.SOFT_INK)
