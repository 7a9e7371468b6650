"""Where modules come from: which networks are drawn, in which columns, and what leads where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import networkx as nx

from legonet.graph import ModuleGraph
from legonet.render import style
from legonet.render.boxes import network_box, node_name
from legonet.render.columns import Column
from legonet.render.dot_text import statement
from legonet.spec import Key


def donors(graph: ModuleGraph) -> set[str]:
    """Return the networks that modules come from, and the ancestors of these."""
    return _origins(graph, (node for node in graph.graph if node[0] != "network"))


def unused_networks(graph: ModuleGraph) -> list[str]:
    """Return the networks that nothing comes from: no module, no teacher, none of their kin."""
    adapters = graph.spec.adapters.values()
    teachers = {name for item in adapters if (name := graph.teacher_name(item)) is not None}
    used = donors(graph) | teachers | _origins(graph, (("network", name) for name in teachers))
    return [name for name in graph.spec.networks if name not in used]


def network_columns(graph: ModuleGraph) -> list[Column]:
    """Return the donors in columns, ancestors left of all networks that start from them."""
    drawn = donors(graph)
    generation: dict[str, int] = {}
    for name in reversed(graph.ancestors_first()):
        heirs = graph.graph.successors(("network", name))
        older = [generation[heir] for kind, heir in heirs if kind == "network" and heir in drawn]
        generation[name] = 1 + max(older, default=-1)
    columns = []
    for number in sorted({generation[name] for name in drawn}, reverse=True):
        names = [name for name in graph.spec.networks if name in drawn]
        names = [name for name in names if generation[name] == number]
        names.sort(key=lambda name: _first_category(graph, name))
        boxes = [network_box(name, graph.spec.networks[name]) for name in names]
        title = "ancestors" if number else "specific networks"
        columns.append(Column(f"networks {number}", title, boxes))
    return columns


def ways(graph: ModuleGraph, passed: Sequence[Column]) -> Iterator[str]:
    """Give the edges from the donors to networks, category modules and task modules.

    Args:
        graph: What is drawn.
        passed: The columns between the networks and the tasks.
    """
    drawn = donors(graph)
    for source, target, role in graph.graph.edges(data="role"):
        if role == "adapter" or (role == "init" and target[1] not in drawn):
            continue
        lanes = [column.lane(target[1]) for column in passed] if role == "top" else []
        stops = [node_name(*source), *lanes, node_name(*target)]
        about = f"{target[1]} {'starts' if role == 'init' else 'comes'} from {source[1]}"
        for number, (start, end) in enumerate(pairwise(stops), 1):
            arrives = number == len(stops) - 1
            enters = ":s" if lanes and arrives else ":w"
            yield statement(
                f"{start}:e -> {end}{enters}",
                color=style.DESCENT.color,
                penwidth=style.DESCENT.width,
                weight=1 if lanes else 8,
                tooltip=about,
                **({"arrowsize": 0.5} if arrives else {"arrowhead": "none"}),
            )


def _origins(graph: ModuleGraph, nodes: Iterable[Key]) -> set[str]:
    """Return the networks that lead to any of the nodes."""
    found = {origin for node in nodes for origin in nx.ancestors(graph.graph, node)}
    return {name for kind, name in found if kind == "network"}


def _first_category(graph: ModuleGraph, network: str) -> int:
    """Return the place of the first category that comes from a network."""
    reached = nx.descendants(graph.graph, ("network", network))
    categories = list(graph.spec.categories)
    places = [place for place, name in enumerate(categories) if ("category", name) in reached]
    return min(places, default=len(categories))
