"""Pictures of graphs about which a test says what is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from legonet.graph import EdgeState, ModuleGraph
from legonet.language.declarations import Adapter, Category, Learning, Network, Task
from legonet.language.spec import Spec
from legonet.modules.small import SmallVgg
from legonet.render import COLLAPSE_ABOVE, Built, By, Picture
from legonet.render.built import Sizes
from legonet.render.selection import Wanted, applications_of, select
from legonet.render.view import View

States = Mapping[tuple[str, str], EdgeState]


def picture(
    graph: ModuleGraph,
    states: States | None = None,
    *,
    path: Wanted | Sequence[Wanted] = (),
    only: Sequence[str] = (),
    collapse: int = COLLAPSE_ABOVE,
    group: By | None = None,
    networks: Mapping[str, EdgeState] | None = None,
    sizes: Sizes | None = None,
) -> Picture:
    """Return a picture of a graph whose edges have come so far."""
    return Picture(
        View(
            graph,
            Built(states or {}, networks or {}, sizes or Sizes()),
            select(graph, only),
            applications_of(graph, path),
            collapse,
            group,
        )
    )


def to_dot(
    graph: ModuleGraph, states: States, path: Wanted | Sequence[Wanted] = (), **how: object
) -> str:
    """Return such a picture in the DOT language."""
    return picture(graph, states, path=path, **how).dot()  # type: ignore[arg-type]


def grid(categories: int, tasks: int) -> ModuleGraph:
    """Return a graph with an adapter from each category to each task."""
    model = SmallVgg(classes=1)
    networks = {f"net_{i}": Network(model=model) for i in range(max(categories, tasks))}
    edges = [(f"category_{i}", f"task_{j}") for i in range(categories) for j in range(tasks)]
    spec = Spec(
        networks=networks,
        categories={
            f"category_{i}": Category(network=f"net_{i}", until="features.4")
            for i in range(categories)
        },
        tasks={f"task_{j}": Task(network=f"net_{j}", after="features.4") for j in range(tasks)},
        adapters={(c, t): Adapter(category=c, task=t, learning=Learning()) for c, t in edges},
    )
    return ModuleGraph(spec)
