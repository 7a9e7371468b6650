"""Where modules come from: the networks left of the categories, and those right of the tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from legonet.graph import EdgeState, ModuleGraph, State
from legonet.render import style, words
from legonet.render.boxes import Box, Links, figures, marked_box, node_name
from legonet.render.dot_text import marked
from legonet.render.sheet import Column, Line
from legonet.render.sizes import Size
from legonet.render.view import View

_BOXES = {
    State.LEARNING: style.LEARNING_NETWORK,
    State.FAILED: style.FAILED_NETWORK,
    State.MISSING: style.PLANNED_NETWORK,
}


def unused_networks(graph: ModuleGraph) -> list[str]:
    """Return the networks that nothing comes from: no module, no teacher, none of their kin."""
    spec = graph.spec
    used = {item.network for item in spec.categories.values()}
    used |= {item.network for item in spec.tasks.values()}
    teachers = (graph.teacher_name(item) for item in spec.adapters.values())
    used |= {name for name in teachers if name is not None}
    used |= _ancestors(graph, used)
    return [name for name in spec.networks if name not in used]


class Descent:
    """The networks of a picture.

    A network that donates both a category and a task stands on both sides, so that no line has to
    run past the whole picture.

    Args:
        view: What is drawn.
        links: Where the statements stand.
    """

    def __init__(self, view: View, links: Links) -> None:
        self._view = view
        self._links = links
        spec = view.graph.spec
        self._categories = {name: spec.categories[name].network for name in view.shown.categories}
        self._tasks = {name: spec.tasks[name].network for name in view.shown.tasks}
        self._left = set(self._categories.values())
        self._left |= _ancestors(view.graph, self._left)

    def columns_of_categories(self) -> list[Column]:
        """Return the columns left of the categories, ancestors left of what starts from them."""
        generation = self._generations()
        order = self._by_category()
        return [
            Column(
                f"networks {number}",
                "ancestors" if number else "specific networks",
                [self._box(name, "network") for name in order if generation[name] == number],
            )
            for number in sorted(set(generation.values()), reverse=True)
        ]

    def column_of_tasks(self) -> Column:
        """Return the column right of the tasks."""
        names = dict.fromkeys(self._tasks.values())
        return Column("donors", "specific networks", [self._box(name, "donor") for name in names])

    def lines(self) -> Iterator[Line]:
        """Give the lines between networks and what comes from them."""
        spec = self._view.graph.spec
        for name in self._by_category():
            init = spec.networks[name].init
            if init is not None:
                yield _line(("network", init), ("network", name), f"{name} starts from {init}")
        for category, network in self._categories.items():
            about = f"{category} comes from {network}"
            yield _line(("network", network), ("category", category), about, weight=20)
        for task, network in self._tasks.items():
            about = f"{task} comes from {network}"
            yield _line(("task", task), ("donor", network), about, arrow="left", weight=20)

    def _generations(self) -> dict[str, int]:
        """Return how many networks start from each other behind each network on the left."""
        found = dict.fromkeys(self._left, 0)
        for name in reversed(self._view.graph.ancestors_first()):
            init = self._view.graph.spec.networks[name].init
            if name in found and init is not None:
                found[init] = max(found[init], found[name] + 1)
        return found

    def _by_category(self) -> list[str]:
        """Return the networks on the left in the order of the categories that come from them."""
        order: dict[str, None] = {}
        for network in self._categories.values():
            name: str | None = network
            while name is not None:
                order.setdefault(name)
                name = self._view.graph.spec.networks[name].init
        return list(order)

    def _box(self, name: str, kind: str) -> Box:
        built = self._view.built
        network = self._view.graph.spec.networks[name]
        state = built.networks.get(name)
        found = built.sizes.networks.get(name, Size())
        lines = [words.model(network), words.parameters(found)]
        if kind == "donor" and network.init is not None and name not in self._left:
            lines.append(f"starts from {words.shortened(network.init)}")
        mark = self._view.marks.get(("network", name))
        if mark is None and state is not None and state.state is not State.BUILT:
            lines.append(words.shortened(words.progress(state)))
        shown = [marked(words.shortened(name)), *(style.soft(line) for line in lines if line)]
        if mark is not None:
            shown.append(figures(mark.look, mark.text))
        return Box(
            node_name(kind, name),
            shown,
            _box_style(state) if mark is None else marked_box(style.NETWORK, mark),
            words.about_network(name, network, found, state),
            link=self._links(("network", name)),
        )


def _box_style(state: EdgeState | None) -> style.Box:
    return style.NETWORK if state is None else _BOXES.get(state.state, style.NETWORK)


def _line(
    left: tuple[str, str],
    right: tuple[str, str],
    about: str,
    arrow: str = "right",
    weight: int = 1,
) -> Line:
    return Line(
        node_name(*left), node_name(*right), about, style.DESCENT, arrow, size=0.5, weight=weight
    )


def _ancestors(graph: ModuleGraph, names: Iterable[str]) -> set[str]:
    """Return all networks that some networks start from, one behind the other."""
    found: set[str] = set()
    for name in names:
        older = graph.spec.networks[name].init
        while older is not None and older not in found:
            found.add(older)
            older = graph.spec.networks[older].init
    return found
