"""The boxes of a picture: category modules, adapters, task modules, and their networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from legonet.graph import EdgeState, ModuleGraph, State
from legonet.graph.resolved import with_ancestors
from legonet.language import Key
from legonet.language.declarations import Adapter
from legonet.render import style, words
from legonet.render.built import Size
from legonet.render.diagram import Box, Column, Line, Links, node_name
from legonet.render.dot_text import Markup, marked
from legonet.render.style import EdgeStyle
from legonet.render.view import Bundle, Mark, View


class Boxes:
    """The boxes of a view's modules and adapters.

    Args:
        view: What is drawn.
        links: Returns the addresses of the statements.
        brief: Whether adapters show only what is most important, on one line.
    """

    def __init__(self, view: View, links: Links, *, brief: bool) -> None:
        self._view = view
        self._links = links
        self._brief = brief

    def category(self, name: str) -> Box:
        """Return a category module."""
        spec = self._view.graph.spec
        category = spec.categories[name]
        network = spec.networks[category.network]
        found = self._view.built.sizes.categories.get(name, Size())
        lines = [f"{words.model(network)} until {category.until}", words.size(found)]
        return self._module(
            ("category", name),
            [words.shortened(line) for line in lines if line],
            f"category module {name}\n{category.network} until {category.until}",
            red=any(name in item.categories for item in self._view.applications),
        )

    def task(self, name: str) -> Box:
        """Return a task module."""
        graph = self._view.graph
        task = graph.spec.tasks[name]
        network = graph.network(task.network)
        goal = network.goal
        found = self._view.built.sizes.tasks.get(name, Size())
        model = words.model(network.declaration)
        lines = [str(goal), f"{model} after {task.after}", words.size(found)]
        return self._module(
            ("task", name),
            [words.shortened(line) for line in lines if line],
            f"task module {name}: {goal}\n{task.network} after {task.after}",
            red=any(name in item.tasks for item in self._view.applications),
        )

    def categories(self, label: str, names: Sequence[str]) -> Box:
        """Return several category modules as one box."""
        networks = [self._view.graph.spec.categories[name].network for name in names]
        return self._modules("category", label, names, networks)

    def tasks(self, label: str, names: Sequence[str]) -> Box:
        """Return several task modules as one box."""
        networks = [self._view.graph.spec.tasks[name].network for name in names]
        return self._modules("task", label, names, networks)

    def adapter(self, bundle: Bundle) -> Box:
        """Return the box on the line between two boxes: an adapter, or how many there are."""
        line = bundle.look.line
        red = bool(bundle.applications)
        names = [item.name for item in bundle.applications]
        single = len(bundle.adapters) == 1
        lines = [
            marked(words.shortened(name), size=10, color=style.APPLICATION, bold=True)
            for name in names
        ]
        lines += self._single(bundle) if single else self._several(bundle)
        key = ("adapter", bundle.adapters[0].category, bundle.adapters[0].task)
        return Box(
            node_name("adapter", bundle.category.label, bundle.task.label),
            lines,
            style.Box(style.PAPER, line.color, f"rounded,filled,{line.style}", line.width),
            self.about(bundle),
            red=red,
            link=self._links(key) if single else "",
            attributes=style.BRIEF if self._brief else None,
        )

    def about(self, bundle: Bundle) -> str:
        """Return the tooltip of a bundle of edges."""
        if len(bundle.adapters) > 1:
            names = [f"{item.category} -> {item.task}" for item in bundle.adapters]
            return f"{len(names)} edges\n{words.listed(names)}"
        (adapter,) = bundle.adapters
        built = self._view.built
        return words.about_adapter(
            self._view.graph, adapter, built.state(adapter), built.size(adapter)
        )

    def _module(self, key: Key, lines: Sequence[str], about: str, *, red: bool) -> Box:
        mark = self._view.marks.get(key)
        return Box(
            node_name(*key),
            [
                marked(words.shortened(key[1]), bold=True),
                *(style.soft(line) for line in lines),
                *([] if mark is None else [figures(mark.look, mark.text)]),
            ],
            marked_box(style.CATEGORY if key[0] == "category" else style.TASK, mark),
            about,
            red=red,
            link=self._links(key),
        )

    def _modules(self, kind: str, label: str, names: Sequence[str], networks: Sequence[str]) -> Box:
        spec = self._view.graph.spec
        models = Counter(words.model(spec.networks[network]) for network in networks)
        noun = "category modules" if kind == "category" else "task modules"
        lines = [f"{len(names)} {noun}"]
        lines += [f"{count} of {model}" for model, count in models.most_common(3)]
        return Box(
            node_name(kind, label),
            [
                marked(words.shortened(label), bold=True),
                *(style.soft(words.shortened(line)) for line in lines),
            ],
            style.CATEGORY if kind == "category" else style.TASK,
            f"{len(names)} {noun}\n{words.listed(list(names))}",
            attributes={"peripheries": 2},
        )

    def _single(self, bundle: Bundle) -> list[Markup]:
        (adapter,), (look,) = bundle.adapters, bundle.looks
        state = self._view.built.state(adapter)
        learning = adapter.learning
        kind = "direct" if learning is None else words.kernels(learning.layers)
        if self._brief:
            ends = f"{words.shortened(adapter.category, 24)} → {words.shortened(adapter.task, 24)}"
            return [
                Markup(
                    f"{marked(ends, size=10)} {marked(kind, size=10, bold=True)} "
                    f"{figures(look, words.shortened(self._view.text(adapter)))}"
                )
            ]
        head = marked(kind, size=10, bold=True)
        if learning is None:
            known = bool(state.metrics or self._view.marks)
            return [head, *([figures(look, self._view.text(adapter))] if known else [])]
        lines = [words.pictures(learning), *self._teacher(adapter)]
        found = self._view.built.size(adapter)
        lines += [words.size(replace(found, layouts="")), found.layouts]
        return [
            Markup(f"{head} {marked(words.method(learning), size=10)}"),
            *(style.soft(words.shortened(line)) for line in lines if line),
            figures(look, words.shortened(self._view.text(adapter))),
        ]

    def _several(self, bundle: Bundle) -> list[Markup]:
        counts = Counter(bundle.looks)
        return [
            marked(f"{len(bundle.adapters)} edges", size=10, bold=True),
            *(
                figures(look, f"{counts[look]} {look.meaning}")
                for look in self._view.order
                if look in counts
            ),
        ]

    def _teacher(self, adapter: Adapter) -> list[str]:
        edge = self._view.graph.edge(adapter.category, adapter.task)
        return [] if edge.teacher is edge.category_network else [f"taught by {edge.teacher.name}"]


def marked_box(box: style.Box, mark: Mark | None) -> style.Box:
    """Return how a box looks, given what is said about it."""
    if mark is None:
        return box
    line = mark.look.line
    return style.Box(box.fill, line.color, f"rounded,filled,{line.style}", line.width)


def figures(look: EdgeStyle, text: str) -> Markup:
    """Return what is said about a statement, in the colour of its look and after its sign."""
    sign = f"{look.sign} " if look.sign else ""
    return marked(f"{sign}{text}", size=style.SMALL, color=look.line.color)


_BOXES = {
    State.LEARNING: style.LEARNING_NETWORK,
    State.FAILED: style.FAILED_NETWORK,
    State.MISSING: style.PLANNED_NETWORK,
}


def unused_networks(graph: ModuleGraph) -> list[str]:
    """Return the unused networks: not the source of a module, not a teacher, nor an ancestor."""
    spec = graph.spec
    used = {item.network for item in spec.categories.values()}
    used |= {item.network for item in spec.tasks.values()}
    used |= {edge.teacher.name for edge in graph.edges() if edge.learning is not None}
    used = with_ancestors(graph.compiled, used)
    return [name for name in spec.networks if name not in used]


class Descent:
    """The networks of a picture.

    A network that donates both a category and a task is drawn on both sides, so that no line has
    to run across the whole picture.

    Args:
        view: What is drawn.
        links: Returns the addresses of the statements.
    """

    def __init__(self, view: View, links: Links) -> None:
        self._view = view
        self._links = links
        spec = view.graph.spec
        self._categories = {name: spec.categories[name].network for name in view.shown.categories}
        self._tasks = {name: spec.tasks[name].network for name in view.shown.tasks}
        self._left = set(self._categories.values())
        self._left = with_ancestors(view.graph.compiled, self._left)

    def columns_of_categories(self) -> list[Column]:
        """Return the columns left of the categories, ancestors left of their descendants."""
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
        """Yield the lines between networks and what comes from them."""
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
        """Return the length of the longest chain of descendants of each network on the left."""
        found = dict.fromkeys(self._left, 0)
        for network in reversed(self._view.graph.networks()):
            name, init = network.name, network.declaration.init
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
