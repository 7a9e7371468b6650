"""The datasets of a spec's networks and edges."""

from __future__ import annotations

from dataclasses import replace

from legonet.data import Source, TaskDataset, open_source
from legonet.diagnostics import DiagnosticError
from legonet.graph.resolved import ResolvedDataset, ResolvedEdge, ResolvedNetwork
from legonet.language import Key, Spec

DEFAULT_SIZE = 224
"""Pixels of pictures where a spec names no data: what torchvision's ready weights expect."""


class TaskDatasets:
    """Opens the datasets of networks and edges; each source is opened once.

    Args:
        spec: Holds the places of their statements, for errors; default: errors have no place.
    """

    def __init__(self, spec: Spec | None = None) -> None:
        self._spec = spec
        self._sources: dict[str, Source] = {}

    def of_network(self, network: ResolvedNetwork) -> TaskDataset | None:
        """Return what a network is trained on; None for one without a recipe.

        Raises:
            DiagnosticError: Its data cannot be found, or does not fit the goal.
        """
        return self._opened(network.dataset, ("network", network.name), ("train", "category"))

    def of_edge(self, edge: ResolvedEdge) -> TaskDataset | None:
        """Return what an edge is learned and measured on; None where no data is known.

        Raises:
            DiagnosticError: Its data cannot be found, or does not fit the goal.
        """
        return self._opened(edge.dataset, ("adapter", *edge.ends), ("data",))

    def of_task(self, edge: ResolvedEdge) -> TaskDataset | None:
        """Return what the edge's task module was trained on, at the edge's picture size."""
        dataset = self.of_network(edge.task_network)
        return None if dataset is None else replace(dataset, size=self.size(edge))

    def size(self, edge: ResolvedEdge) -> int:
        """Return the width and height of the edge's pictures in pixels."""
        dataset = self.of_edge(edge) or self.of_network(edge.task_network)
        return DEFAULT_SIZE if dataset is None else dataset.size

    def located(self, error: DiagnosticError, key: Key, field: tuple[str, ...]) -> DiagnosticError:
        """Return an error with the place of a statement's field."""
        if self._spec is None:
            return error
        return DiagnosticError(
            *(self._spec.locate(item, key, *field) for item in error.diagnostics)
        )

    def _opened(
        self, dataset: ResolvedDataset | None, key: Key, field: tuple[str, ...]
    ) -> TaskDataset | None:
        if dataset is None:
            return None
        source, block = self._source(dataset), dataset.data
        size = block.size or source.default_size
        try:
            return TaskDataset(
                source, size, dataset.category, dataset.goal, dataset.background, block.transform
            )
        except DiagnosticError as error:
            raise self.located(error, key, field) from None

    def _source(self, dataset: ResolvedDataset) -> Source:
        if dataset.name not in self._sources:
            try:
                self._sources[dataset.name] = open_source(dataset.data.source)
            except DiagnosticError as error:
                raise self.located(error, ("data", dataset.name), ("source",)) from None
        return self._sources[dataset.name]
