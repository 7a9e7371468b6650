"""The datasets of a spec's networks and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from legonet.data import BACKGROUND, Source, TaskDataset, open_source
from legonet.data.joint_dataset import JointDataset
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph.path_rules import other_size
from legonet.graph.resolved import (
    ResolvedDataset,
    ResolvedEdge,
    ResolvedJoint,
    ResolvedNetwork,
)
from legonet.language import Key, Spec
from legonet.language.models import Model
from legonet.language.weights import Weights

DEFAULT_SIZE = 224
"""Pixels of pictures where a spec names no data: what torchvision's ready weights expect."""

PER_VARIANT = 20
"""torchvision and timm write 3 of the 1000 labels of ImageNet differently."""

SHOWN = 8
"""How many labels an error lists, at most."""


class TaskDatasets:
    """Opens the datasets of networks and edges; each source is opened once.

    Args:
        spec: Holds the places of their statements, for errors; default: errors have no place.
        published: Finds what libraries say of the outputs of networks without a recipe; that takes
            torch. By default, nothing is known about them.
    """

    def __init__(
        self,
        spec: Spec | None = None,
        published: Callable[[Model, Weights | None], tuple[str, ...] | None] | None = None,
    ) -> None:
        self._spec = spec
        self._published = published
        self._sources: dict[str, Source] = {}

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources that were opened so far, by the names of their ``data`` blocks."""
        return self._sources

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
        place = ("adapter", *edge.ends)
        if edge.dataset is None or edge.task_network.is_single:
            return self._opened(edge.dataset, place, ("data",))
        asked = self.labels(edge.task_network)
        dataset = self._opened(edge.dataset, place, ("data",), asked or ())
        if dataset is not None and (asked or self._published):
            self._check_labels(edge, dataset)
        return dataset

    def of_joint(self, joint: ResolvedJoint) -> tuple[JointDataset, ...]:
        """Return what a joint path is measured on: a dataset for each `data` block of its edges.

        It is empty where the right answers about one of its categories are not known.

        Raises:
            DiagnosticError: Its data cannot be found, or its edges take pictures of different
                sizes.
        """
        found: dict[str, tuple[TaskDataset, list[tuple[str, ...]]]] = {}
        for number, edge in enumerate(joint.edges):
            block = edge.dataset or edge.category_network.dataset
            direct = edge.learning is None
            dataset = self.of_network(edge.category_network) if direct else self.of_edge(edge)
            if block is None or dataset is None or not dataset.knows_answers:
                return ()
            nothing: list[tuple[str, ...]] = [()] * len(joint.edges)
            first, answered = found.setdefault(block.name, (dataset, nothing))
            answered[number] = joint.answered[number]
            if first.size != next(iter(found.values()))[0].size:
                sizes = (joint.edges[0].name, self.size(joint.edges[0]), edge.name, dataset.size)
                error = DiagnosticError(other_size(joint.path, *sizes))
                raise self.located(error, ("path", joint.path), ())
        return tuple(JointDataset(dataset, tuple(own)) for dataset, own in found.values())

    def labels(self, network: ResolvedNetwork) -> tuple[str, ...] | None:
        """Return what a network's outputs mean, one name for each; None where nobody says so.

        They are those that its statement declares, those of the data that it was trained on, or
        those that its model or the library that publishes its weights says.

        Raises:
            DiagnosticError: Its data cannot be found.
        """
        declared, dataset = network.declaration.labels, self.of_network(network)
        if declared is not None or dataset is not None:
            return declared or (None if dataset is None else dataset.labels)
        found = network.model.labels
        if found is None and self._published is not None:
            found = self._published(network.model, network.declaration.weights)
        return None if found is None else distinct(found)

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

    def _check_labels(self, edge: ResolvedEdge, dataset: TaskDataset) -> None:
        """Check that teacher and task mean the same by their outputs, and who knows the answers."""
        asked, teachers = dataset.labels, self.labels(edge.teacher)
        networks = edge.teacher, edge.task_network
        exact = all(network.dataset or network.declaration.labels for network in networks)
        if teachers is not None and asked and not _alike(teachers, asked, exact=exact):
            raise self.located(
                other_labels(edge, teachers, asked), ("adapter", *edge.ends), ("teacher",)
            )
        strange = [name for name in dataset.only if asked and name not in asked]
        if strange and dataset.knows_answers:
            error = DiagnosticError.of(
                "LEGO411",
                f"expected labels of the task `{edge.task}`, found `{strange[0]}`",
                label="not a label of the task",
                help=[
                    *did_you_mean(strange[0], asked, "label"),
                    f"its labels are {_listed(asked)}",
                ],
            )
            raise self.located(error, ("category", edge.category), ("labels",))
        samples = 0 if edge.learning is None else edge.learning.samples
        if samples and not dataset.goal.learns_from_labels:
            error = DiagnosticError.of(
                "LEGO315",
                f"`samples` asks for labelled pictures, and {dataset.goal} does not "
                "learn from them",
                label="learned from a teacher alone",
                help=["ask for `unlabelled` pictures: the edge then learns from its teacher"],
            )
            raise self.located(error, ("adapter", *edge.ends), ("samples",))
        if samples and not dataset.knows_answers:
            known = dataset.known_labels
            error = DiagnosticError.of(
                "LEGO315",
                f"`samples` asks for labelled pictures, and the data know none of the labels of "
                f"the task `{edge.task}`",
                label="without the task's labels",
                help=[
                    f"the data know {_listed(known) or 'none'}",
                    f"the task knows {_listed(asked)}" if asked else "add `labels` to its network",
                    "ask for `unlabelled` pictures: the edge then learns from its teacher",
                ],
            )
            raise self.located(error, ("adapter", *edge.ends), ("samples",))

    def _opened(
        self,
        dataset: ResolvedDataset | None,
        key: Key,
        field: tuple[str, ...],
        asked: tuple[str, ...] | None = None,
    ) -> TaskDataset | None:
        if dataset is None:
            return None
        source, block = self._source(dataset), dataset.data
        size = block.size or source.default_size
        try:
            return TaskDataset(
                source,
                size,
                dataset.category,
                dataset.goal,
                dataset.background,
                block.transform,
                asked,
                dataset.only,
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


def distinct(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels that differ from each other; of those that do not, each gets its number.

    ImageNet has two kinds of cranes. Whatever libraries call the background is ``background``.
    """
    names = [BACKGROUND if name.strip("_") == BACKGROUND else name for name in labels]
    counts = Counter(names)
    return tuple(
        f"{name} ({number})" if counts[name] > 1 else name for number, name in enumerate(names)
    )


def other_labels(
    edge: ResolvedEdge, teachers: Sequence[str], asked: Sequence[str]
) -> DiagnosticError:
    """Return the error that a teacher's outputs mean something else than the task's."""
    message = f"the teacher `{edge.teacher.name}` tells apart {_listed(teachers)}"
    if sorted(teachers) == sorted(asked):
        label, rest = "in another order", f"the task `{edge.task}` has them in another order"
    else:
        label, rest = "other labels", f"the task `{edge.task}` {_listed(asked)}"
    return DiagnosticError.of(
        "LEGO313",
        f"{message}, and {rest}",
        label=label,
        help=["name a teacher with the labels of the task, in the same order"],
    )


def _alike(labels: Sequence[str], others: Sequence[str], *, exact: bool) -> bool:
    """Return whether labels are the same; libraries may write one in `PER_VARIANT` otherwise."""
    if len(labels) != len(others):
        return False
    different = sum(
        one.casefold() != other.casefold() for one, other in zip(labels, others, strict=True)
    )
    return labels == others if exact else different <= len(labels) // PER_VARIANT


def _listed(labels: Sequence[str]) -> str:
    names = [f"`{name}`" for name in labels[:SHOWN]]
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return f"{', '.join(names)}{more}"
