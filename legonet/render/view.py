"""What is drawn of a graph: which modules and edges, which of them in one box, which in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from legonet.graph import ModuleGraph
from legonet.language import Key
from legonet.language.declarations import Adapter
from legonet.render import words
from legonet.render.built import Built
from legonet.render.grouping import By, Group, Sides, apart, together
from legonet.render.selection import Application, Selection
from legonet.render.style import ORDER, SEVERAL, EdgeStyle, look_of

COLLAPSE_ABOVE = 400
"""Edges above which modules are drawn in groups by default."""


@dataclass(frozen=True)
class Mark:
    """What is said about a statement.

    Args:
        look: How it looks.
        text: What is said, in a few words.
    """

    look: EdgeStyle
    text: str


@dataclass(frozen=True)
class Bundle:
    """The edges from one box to another.

    Args:
        category: The box on the left.
        task: The box on the right.
        adapters: The edges.
        looks: How each of them looks.
        applications: The applications in red among them.
    """

    category: Group
    task: Group
    adapters: tuple[Adapter, ...]
    looks: tuple[EdgeStyle, ...]
    applications: tuple[Application, ...]

    @property
    def look(self) -> EdgeStyle:
        """How its line looks: like its edges, if they all look alike."""
        return self.looks[0] if len(set(self.looks)) == 1 else SEVERAL


@dataclass(frozen=True)
class View:
    """What is drawn.

    Args:
        graph: All modules.
        built: What is known about them.
        shown: The part that is shown.
        applications: The applications in red.
        limit: Edges above which modules are drawn in groups.
        by: What the modules of a group have in common; they are then drawn in groups however few
            edges there are.
        marks: What is said about statements instead of how far they have come.
        order: The order in which the legend explains looks.
    """

    graph: ModuleGraph
    built: Built
    shown: Selection
    applications: tuple[Application, ...] = ()
    limit: int = COLLAPSE_ABOVE
    by: By | None = None
    marks: Mapping[Key, Mark] = field(default_factory=dict)
    order: tuple[EdgeStyle, ...] = ORDER

    @cached_property
    def sides(self) -> Sides:
        """The boxes of category modules and of task modules; red modules have their own."""
        sides = apart(self.shown.categories, self.shown.tasks)
        if self.by is None and len(self.shown.adapters) <= self.limit:
            return sides
        red = [ends for item in self.applications for ends in item.edges]
        alone = {("category", category) for category, _ in red}
        alone |= {("task", task) for _, task in red}
        return together(self.graph, sides, self.shown.adapters, alone, self.by)

    @property
    def is_collapsed(self) -> bool:
        """Whether some box shows several modules."""
        return any(len(group.members) > 1 for side in self.sides for group in side)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the graph is left out."""
        spec, shown = self.graph.spec, self.shown
        return (len(shown.categories), len(shown.tasks), len(shown.adapters)) == (
            len(spec.categories),
            len(spec.tasks),
            len(spec.adapters),
        )

    @cached_property
    def bundles(self) -> tuple[Bundle, ...]:
        """The edges by box, in the order in which they are drawn.

        They are ordered like the side with more boxes, so that lines are short.
        """
        categories, tasks = self.sides
        left, right = (
            {name: group for group in side for name in group.members} for side in self.sides
        )
        found: dict[tuple[Group, Group], list[Adapter]] = {}
        for adapter in self.shown.adapters:
            found.setdefault((left[adapter.category], right[adapter.task]), []).append(adapter)
        rows = {group: place for place, group in enumerate(categories)}
        columns = {group: place for place, group in enumerate(tasks)}
        by_task = len(categories) < len(tasks)

        def place(ends: tuple[Group, Group]) -> tuple[int, int]:
            row, column = rows[ends[0]], columns[ends[1]]
            return (column, row) if by_task else (row, column)

        return tuple(self._bundle(*ends, found[ends]) for ends in sorted(found, key=place))

    def text(self, adapter: Adapter) -> str:
        """Return how far an edge has come, or what is said about it instead."""
        mark = self.marks.get(_key(adapter))
        return words.progress(self.built.state(adapter)) if mark is None else mark.text

    def _look(self, adapter: Adapter) -> EdgeStyle:
        mark = self.marks.get(_key(adapter))
        return look_of(self.built.state(adapter)) if mark is None else mark.look

    def _bundle(self, category: Group, task: Group, adapters: Sequence[Adapter]) -> Bundle:
        ends = {(adapter.category, adapter.task) for adapter in adapters}
        return Bundle(
            category,
            task,
            tuple(adapters),
            tuple(self._look(adapter) for adapter in adapters),
            tuple(item for item in self.applications if ends.intersection(item.edges)),
        )


def _key(adapter: Adapter) -> Key:
    return "adapter", adapter.category, adapter.task
