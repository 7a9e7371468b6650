"""What of a graph is drawn: which modules and edges, which of them in one box, which in red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from legonet.graph import EdgeState, ModuleGraph, State
from legonet.render import words
from legonet.render.applications import Application
from legonet.render.grouping import By, Group, Sides, apart, together
from legonet.render.looks import ORDER, SEVERAL, Look, look_of
from legonet.render.selection import Selection
from legonet.render.sizes import Size, Sizes, sizes_of
from legonet.spec import Key
from legonet.spec.declarations import Adapter

if TYPE_CHECKING:
    from legonet.build import Plan

COLLAPSE_ABOVE = 400
"""Edges above which modules stand in groups, where no other number is given."""

Ends = tuple[str, str]
"""A category and a task."""


@dataclass(frozen=True)
class Built:
    """What a store knows of a graph.

    Args:
        states: How far each edge has come, by category and task; one that is not listed is direct
            or missing, as the spec says.
        networks: How far each network has come; nothing is said of one that is not listed.
        sizes: How large modules are.
    """

    states: Mapping[Ends, EdgeState] = field(default_factory=dict)
    networks: Mapping[str, EdgeState] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=Sizes)

    @classmethod
    def of(cls, plan: Plan) -> Built:
        """Return what a plan found in its store."""
        return cls(plan.states(), plan.network_states(), sizes_of(plan))

    def state(self, adapter: Adapter) -> EdgeState:
        """Return how far an edge has come."""
        known = self.states.get((adapter.category, adapter.task))
        return known or EdgeState(State.DIRECT if adapter.learning is None else State.MISSING)

    def size(self, adapter: Adapter) -> Size:
        """Return how large an adapter is."""
        return self.sizes.adapters.get((adapter.category, adapter.task), Size())


@dataclass(frozen=True)
class Mark:
    """What is said of a statement.

    Args:
        look: How it looks.
        text: In a few words.
    """

    look: Look
    text: str


@dataclass(frozen=True)
class Bundle:
    """The edges from one box to another.

    Args:
        category: The box on the left.
        task: The box on the right.
        adapters: The edges.
        looks: How each of them looks.
        applications: Those in red that one of them belongs to.
    """

    category: Group
    task: Group
    adapters: tuple[Adapter, ...]
    looks: tuple[Look, ...]
    applications: tuple[Application, ...]

    @property
    def look(self) -> Look:
        """How its line looks: as its edges do, where they all look alike."""
        return self.looks[0] if len(set(self.looks)) == 1 else SEVERAL


@dataclass(frozen=True)
class View:
    """What is drawn.

    Args:
        graph: All modules.
        built: What is known of them.
        shown: The part that is shown.
        applications: In red.
        limit: Edges above which modules stand in groups.
        by: What the modules of a group have in common; they then stand in groups however few
            edges there are.
        marks: What is said of statements in the place of how far they have come.
        order: In which the legend explains looks.
    """

    graph: ModuleGraph
    built: Built
    shown: Selection
    applications: tuple[Application, ...] = ()
    limit: int = COLLAPSE_ABOVE
    by: By | None = None
    marks: Mapping[Key, Mark] = field(default_factory=dict)
    order: tuple[Look, ...] = ORDER

    @cached_property
    def sides(self) -> Sides:
        """The boxes of category modules and of task modules; what is red stands alone."""
        sides = apart(self.shown.categories, self.shown.tasks)
        if self.by is None and len(self.shown.adapters) <= self.limit:
            return sides
        alone = {("category", item.category) for item in self.applications}
        alone |= {("task", item.task) for item in self.applications}
        return together(self.graph, sides, self.shown.adapters, alone, self.by)

    @property
    def is_collapsed(self) -> bool:
        """Whether some box stands for several modules."""
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

        They stand beside the modules of which there are more, so that lines are short.
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
        """Return how far an edge has come, or what is said of it instead."""
        mark = self.marks.get(_key(adapter))
        return words.progress(self.built.state(adapter)) if mark is None else mark.text

    def _look(self, adapter: Adapter) -> Look:
        mark = self.marks.get(_key(adapter))
        return look_of(self.built.state(adapter)) if mark is None else mark.look

    def _bundle(self, category: Group, task: Group, adapters: Sequence[Adapter]) -> Bundle:
        ends = {(adapter.category, adapter.task) for adapter in adapters}
        return Bundle(
            category,
            task,
            tuple(adapters),
            tuple(self._look(adapter) for adapter in adapters),
            tuple(item for item in self.applications if (item.category, item.task) in ends),
        )


def _key(adapter: Adapter) -> Key:
    return "adapter", adapter.category, adapter.task
