"""The picture's nodes: networks, category modules, adapters and task modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from legonet.render import style, words
from legonet.render.dot_text import Attributes, Markup, left_aligned, marked, quoted, statement
from legonet.render.looks import Look
from legonet.render.sizes import Size
from legonet.render.view import Bundle, Mark, View
from legonet.spec import Key
from legonet.spec.declarations import Adapter

Links = Callable[[Key], str]
"""Gives the address of a statement; empty for none."""


def node_name(kind: str, *names: str) -> str:
    """Return what a node is called in DOT."""
    return quoted(f"{kind} {' -> '.join(names)}")


@dataclass(frozen=True)
class Box:
    """A node that shows some lines of text.

    Args:
        name: As it stands in DOT.
        lines: Of text.
        look: Its fill and its border.
        about: What appears under the mouse.
        red: Whether it belongs to an application.
        link: Where a click leads; empty for nowhere.
        attributes: More of Graphviz's.
    """

    name: str
    lines: Sequence[Markup]
    look: style.Box
    about: str
    red: bool = False
    link: str = ""
    attributes: Attributes | None = None

    def text(self, **place: str) -> str:
        """Return its statement in DOT, with its place if that is known."""
        return statement(
            self.name,
            label=left_aligned(self.lines),
            style=self.look.style,
            fillcolor=self.look.fill,
            color=style.APPLICATION if self.red else self.look.border,
            penwidth=max(self.look.width, style.APPLICATION_WIDTH) if self.red else self.look.width,
            tooltip=self.about,
            **({"URL": self.link} if self.link else {}),
            **(self.attributes or {}),
            **place,
        )


class Boxes:
    """The boxes of a view's modules and adapters.

    Args:
        view: What is drawn.
        links: Where the statements stand.
        brief: Whether adapters say the most important only, in one line.
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
            red=any(item.category == name for item in self._view.applications),
        )

    def task(self, name: str) -> Box:
        """Return a task module."""
        graph = self._view.graph
        task = graph.spec.tasks[name]
        network = graph.spec.networks[task.network]
        goal = graph.goal(network)
        found = self._view.built.sizes.tasks.get(name, Size())
        lines = [str(goal), f"{words.model(network)} after {task.after}", words.size(found)]
        return self._module(
            ("task", name),
            [words.shortened(line) for line in lines if line],
            f"task module {name}: {goal}\n{task.network} after {task.after}",
            red=any(item.task == name for item in self._view.applications),
        )

    def categories(self, label: str, names: Sequence[str]) -> Box:
        """Return several category modules as one."""
        networks = [self._view.graph.spec.categories[name].network for name in names]
        return self._modules("category", label, names, networks)

    def tasks(self, label: str, names: Sequence[str]) -> Box:
        """Return several task modules as one."""
        networks = [self._view.graph.spec.tasks[name].network for name in names]
        return self._modules("task", label, names, networks)

    def adapter(self, bundle: Bundle) -> Box:
        """Return what stands on the line between two boxes: an adapter, or how many there are."""
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
        lines.append(words.size(self._view.built.size(adapter)))
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
        teacher = self._view.graph.teacher_name(adapter)
        own = self._view.graph.spec.categories[adapter.category].network
        return [] if teacher in (None, own) else [f"taught by {teacher}"]


def marked_box(box: style.Box, mark: Mark | None) -> style.Box:
    """Return how a box looks of which something is said."""
    if mark is None:
        return box
    line = mark.look.line
    return style.Box(box.fill, line.color, f"rounded,filled,{line.style}", line.width)


def figures(look: Look, text: str) -> Markup:
    """Return what is said of a statement in the colour of its look, behind its sign."""
    sign = f"{look.sign} " if look.sign else ""
    return marked(f"{sign}{text}", size=style.SMALL, color=look.line.color)
