"""Which pictures a network and an edge of a spec are about."""

from __future__ import annotations

from dataclasses import replace

from legonet.data import Question, Source, open_source
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph
from legonet.spec import Goal, Key
from legonet.spec.declarations import Adapter

DEFAULT_SIZE = 224
"""Pixels of pictures where a spec names no data, as torchvision's ready weights expect them."""


class Questions:
    """The questions of a graph; each source is opened once.

    Args:
        graph: The graph.
    """

    def __init__(self, graph: ModuleGraph) -> None:
        self._graph = graph
        self._sources: dict[str, Source] = {}

    def of_network(self, name: str) -> Question | None:
        """Return what a network is trained on; None for one without a recipe.

        Raises:
            DiagnosticError: Its data cannot be found, or cannot answer such a question.
        """
        recipe = self._graph.spec.networks[name].train
        if recipe is None:
            return None
        return self._question(
            recipe.data,
            recipe.category,
            recipe.goal,
            recipe.background,
            ("network", name),
            ("train", "category"),
        )

    def of_edge(self, adapter: Adapter) -> Question | None:
        """Return what an edge is learned and measured on; None where no data are known.

        Raises:
            DiagnosticError: Its data cannot be found, or cannot answer such a question.
        """
        data = self._graph.data_name(adapter)
        if data is None:
            return None
        return self._question(
            data,
            self._graph.category_label(adapter),
            self.goal(adapter),
            False,
            ("adapter", adapter.category, adapter.task),
            ("data",),
        )

    def of_task(self, adapter: Adapter) -> Question | None:
        """Return what the edge's task module was trained on, at the edge's size of pictures."""
        question = self.of_network(self._graph.spec.tasks[adapter.task].network)
        return None if question is None else replace(question, size=self.size(adapter))

    def goal(self, adapter: Adapter) -> Goal:
        """Return the question that the edge's task module answers."""
        spec = self._graph.spec
        return self._graph.goal(spec.networks[spec.tasks[adapter.task].network])

    def size(self, adapter: Adapter) -> int:
        """Return the pixels of the edge's pictures, across and down."""
        question = self.of_edge(adapter) or self.of_network(
            self._graph.spec.tasks[adapter.task].network
        )
        return DEFAULT_SIZE if question is None else question.size

    def _question(
        self,
        data: str,
        category: str | None,
        goal: Goal,
        background: bool,
        asker: Key,
        field: tuple[str, ...],
    ) -> Question:
        source = self._source(data)
        size = self._graph.spec.data[data].size or source.default_size
        try:
            return Question(source, size, category, goal, background)
        except DiagnosticError as error:
            raise self._located(error, asker, field) from None

    def _source(self, data: str) -> Source:
        if data not in self._sources:
            try:
                self._sources[data] = open_source(self._graph.spec.data[data].source)
            except DiagnosticError as error:
                raise self._located(error, ("data", data), ("source",)) from None
        return self._sources[data]

    def _located(self, error: DiagnosticError, key: Key, field: tuple[str, ...]) -> DiagnosticError:
        return DiagnosticError(
            *(self._graph.spec.locate(item, key, *field) for item in error.diagnostics)
        )
