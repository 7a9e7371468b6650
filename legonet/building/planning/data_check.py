"""Whether a graph's pictures are there and suffice: counted before a build, or all read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, get_args

from legonet.building.planning.datasets import TaskDatasets
from legonet.data import BACKGROUND, Example, Source, Split, TaskDataset
from legonet.data.draw import check_enough
from legonet.data.left_out import left_out_warning
from legonet.data.right_answers import RIGHT_ANSWERS
from legonet.data.survey import Asked, Place, Report, Survey, survey, untold
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, in_order
from legonet.graph import ModuleGraph
from legonet.graph.resolved import ResolvedEdge, ResolvedNetwork
from legonet.language import Key

Found = TypeVar("Found")

FEW_TESTED = 30
"""Test pictures below which one of them is more than 3 % of the error."""

IMBALANCE = 10
"""How many times as many training pictures of one answer as of another are too many."""

SHOWN = 5
"""How many pictures a warning names, at most."""

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class DataFound:
    """What ``legonet check --data`` shows of a ``data`` block.

    Args:
        name: Its name.
        size: Height and width of its pictures.
        pictures: How many pictures of each split the spec asks for.
        skipped: How many files of its source are left out, by kind.
        damages: The pictures that cannot be read: split, name and message.
    """

    name: str
    size: int
    pictures: Mapping[Split, int]
    skipped: Mapping[str, int]
    damages: tuple[tuple[Split, str, Diagnostic], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "data": self.name,
            "size": self.size,
            "pictures": dict(self.pictures),
            "skipped": dict(self.skipped),
            "damaged": [
                {"split": split, "picture": name, "code": why.code, "message": why.message}
                for split, name, why in self.damages
            ],
        }


def check_counts(
    graph: ModuleGraph,
    networks: Container[str] | None = None,
    edges: Container[tuple[str, str]] | None = None,
    memory: int | None = None,
) -> list[Diagnostic]:
    """Return what a build could not do with its pictures, as far as counting them tells.

    Nothing is decoded; sources that look into files to count are left out.

    Args:
        graph: A graph without errors.
        networks: The networks to check; default: all.
        edges: The edges to check, as category and task; default: all.
        memory: Bytes of main memory where it is built; None if unknown.
    """
    checker = _Checker(graph, memory, thorough=False)
    checker.count(networks, edges)
    return in_order(checker.found)


def data_of(
    graph: ModuleGraph, report: Report = untold, memory: int | None = None
) -> tuple[list[Diagnostic], list[DataFound]]:
    """Read all pictures that a build of a graph would read.

    Args:
        graph: A graph without errors.
        report: Is told about the progress, for each source.
        memory: Bytes of main memory where it is built; None if unknown.

    Returns:
        Errors, on which a build would fail, and warnings; and what there is of each ``data`` block.
    """
    checker = _Checker(graph, memory, thorough=True)
    checker.count(None, None)
    tables = checker.read(report)
    return in_order(checker.found), tables


@dataclass
class _Use:
    """What a spec asks of a ``data`` block."""

    source: Source
    size: int
    pictures: dict[Split, dict[int, Example]] = field(
        default_factory=lambda: {split: {} for split in SPLITS}
    )
    masks: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    answers: dict[tuple[str, tuple[str, ...]], None] = field(default_factory=dict)

    def add(self, dataset: TaskDataset, split: Split, examples: Sequence[Example]) -> None:
        """Add what a network or an edge reads of a split."""
        self.pictures[split] |= {example.position: example for example in examples}
        categories = dataset.masked_categories
        if categories is not None:
            for example in examples:
                known = self.masks.get((split, example), ())
                # One of them is enough to have a mask read.
                shown = [name for name in example.shows if name in categories] or categories[:1]
                self.masks[split, example] = tuple(dict.fromkeys((*known, *shown)))
        kind = dataset.goal.asks_for
        if kind in RIGHT_ANSWERS and kind is not None and dataset.knows_answers:
            self.answers[kind, dataset.labels] = None

    @property
    def asked(self) -> Asked:
        """It, as the survey reads it."""
        pictures = {
            split: [found[position] for position in sorted(found)]
            for split, found in self.pictures.items()
        }
        return Asked(self.source, self.size, pictures, self.masks, tuple(self.answers))


class _Checker:
    """Counts, and reads, the pictures of a graph; each ``data`` block is read once for all."""

    def __init__(self, graph: ModuleGraph, memory: int | None, *, thorough: bool) -> None:
        self._graph = graph
        self._spec = graph.spec
        self._datasets = TaskDatasets(graph.spec)
        self._memory = memory
        self._thorough = thorough
        self._uses: dict[str, _Use] = {}
        self._judged: set[object] = set()
        self.found: list[Diagnostic] = []

    def count(
        self, networks: Container[str] | None, edges: Container[tuple[str, str]] | None
    ) -> None:
        """Count the pictures of networks that are trained and of edges that are learned."""
        for network in self._graph.networks():
            if networks is None or network.name in networks:
                self._try(("network", network.name), ("train",), partial(self._network, network))
        for edge in self._graph.edges():
            if edge.learning is not None and (edges is None or edge.ends in edges):
                self._try(("adapter", *edge.ends), (), partial(self._edge, edge))

    def read(self, report: Report) -> list[DataFound]:
        """Read all pictures that were counted."""
        return [self._read(name, use, report) for name, use in self._uses.items()]

    def _try(self, key: Key, field: tuple[str, ...], check: Callable[[], Found]) -> Found | None:
        try:
            return check()
        except DiagnosticError as error:
            self.found += (self._spec.locate(item, key, *field) for item in error.diagnostics)
            return None

    def _warn(self, key: Key, path: tuple[str, ...], code: str, message: str, *advice: str) -> None:
        found = Diagnostic(code, message, help=advice, severity=Severity.WARNING)
        self.found.append(self._spec.locate(found, key, *path))

    def _network(self, network: ResolvedNetwork) -> None:
        dataset = self._datasets.of_network(network)
        if dataset is None or network.dataset is None or self._leaves_out(dataset):
            return
        place = ("network", network.name), ("train", "category")
        name = network.dataset.name
        for split in SPLITS:
            self._try(*place, partial(self._counted, name, dataset, split, place))

    def _edge(self, edge: ResolvedEdge) -> None:
        dataset, learning = self._datasets.of_edge(edge), edge.learning
        if dataset is None or edge.dataset is None or learning is None or self._leaves_out(dataset):
            return
        place = ("adapter", *edge.ends), ("data",)
        asked = learning.samples, learning.unlabelled
        labels: list[int] | None = None
        for split in SPLITS if any(asked) else SPLITS[1:]:
            found = self._try(
                *place,
                partial(self._counted, edge.dataset.name, dataset, split, place),
            )
            labels = found if split == "train" else labels
        if labels is not None:
            field = "samples" if learning.samples else "unlabelled"
            self._try(
                place[0],
                (field,),
                lambda: check_enough(labels, *asked, single=dataset.category is not None),
            )

    def _leaves_out(self, dataset: TaskDataset) -> bool:
        return dataset.source.decodes_to_list and not self._thorough

    def _counted(
        self, name: str, dataset: TaskDataset, split: Split, place: tuple[Key, tuple[str, ...]]
    ) -> list[int]:
        """Return the labels of a dataset's pictures, and judge how many there are of each."""
        answers = dataset.answers(split)
        use = self._uses.setdefault(name, _Use(dataset.source, dataset.size))
        use.add(dataset, split, [example for example, _ in answers])
        labels = [label for _, label in answers]
        self._check_memory(name, dataset, len(labels))
        question = (name, dataset.category, dataset.goal.name, dataset.only, split)
        if self._thorough and question not in self._judged:
            self._judged.add(question)
            self._judge(name, dataset, split, labels, place)
        return labels

    def _check_memory(self, name: str, dataset: TaskDataset, count: int) -> None:
        needed = count * dataset.size**2 * (3 + (dataset.masked_categories is not None))
        if self._memory is None or needed <= self._memory:
            return
        gibibytes, there = (f"{number / 2**30:.1f} GiB" for number in (needed, self._memory))
        error = DiagnosticError.of(
            "LEGO422",
            f"{count} pictures of {dataset.size}x{dataset.size} pixels need {gibibytes} of memory, "
            f"and there are {there}",
            help=["choose a smaller `size`, or use fewer pictures"],
        )
        raise self._datasets.located(error, ("data", name), ("size",))

    def _judge(
        self,
        name: str,
        dataset: TaskDataset,
        split: Split,
        labels: Sequence[int],
        place: tuple[Key, tuple[str, ...]],
    ) -> None:
        """Warn of splits that are small, and of answers with few training pictures."""
        if split == "test":
            if len(labels) < FEW_TESTED:
                self._warn(
                    *place,
                    "LEGO420",
                    f"`{name}` has {len(labels)} test pictures: a single mistake makes "
                    f"{100 / len(labels):.0f} % error",
                    "move some training pictures to the test split",
                )
            return
        counts = _by_answer(dataset, labels)
        if len(counts) < 2:
            return
        (most, many), *_, (least, few) = counts.most_common()
        if many > IMBALANCE * few:
            self._warn(
                *place,
                "LEGO420",
                f"`{name}` has {many} training pictures of `{most}`, and {few} of `{least}`",
                f"add pictures of `{least}`, or leave some of the others out",
            )

    def _read(self, name: str, use: _Use, report: Report) -> DataFound:
        asked = use.asked
        counts = {split: len(examples) for split, examples in asked.pictures.items()}
        key, path = ("data", name), ("source",)
        warning = left_out_warning(use.source)
        if warning is not None:
            self.found.append(self._spec.locate(warning, key, *path))
        found = self._try(key, path, lambda: survey(asked, report))
        if found is None:
            return DataFound(name, use.size, counts, use.source.skipped)
        damages = tuple(
            (damage.place[0], use.source.name_of(*damage.place), why)
            for damage in found.damages
            for why in damage.diagnostics
        )
        for why in _grouped([why for _, _, why in damages]):
            self.found.append(self._spec.locate(why, key, *path))
        self._tell_alike(key, use, found)
        if found.empty:
            self._warn(
                key,
                path,
                "LEGO423",
                f"{len(found.empty)} masks have no pixel of their category, the first is that of "
                f"`{use.source.name_of(*found.empty[0])}`",
                "look at these masks, or list their pictures as background",
            )
        return DataFound(name, use.size, counts, use.source.skipped, damages)

    def _tell_alike(self, key: Key, use: _Use, found: Survey) -> None:
        across = [group for group in found.alike if len({split for split, _ in group}) > 1]
        named = [group for group in found.alike if len({item.shows for _, item in group}) > 1]
        for groups, what, advice in (
            (across, "in the training and in the test split", "remove them from one of the two"),
            (named, "under several categories", "keep each under what it shows"),
        ):
            if groups:
                pairs = [
                    " and ".join(f"`{use.source.name_of(*place)}`" for place in _different(group))
                    for group in groups[:SHOWN]
                ]
                count = len(groups)
                self._warn(
                    key,
                    ("source",),
                    "LEGO419",
                    f"{count} picture{'s are' if count > 1 else ' is'} {what}",
                    *pairs,
                    *([f"and {count - SHOWN} more"] if count > SHOWN else []),
                    advice,
                )


def _by_answer(dataset: TaskDataset, labels: Sequence[int]) -> Counter[str]:
    """Return how many pictures there are of each answer; nothing where it is no label."""
    if dataset.category is not None:
        names: tuple[str, ...] = (BACKGROUND, dataset.category)
    elif dataset.goal.asks_for in ("label", "mask") and dataset.knows_answers:
        names = dataset.labels
    else:
        return Counter()
    return Counter(names[label] for label in labels)


def _grouped(diagnostics: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for all that have a code and an advice in common."""
    groups: dict[tuple[str, tuple[str, ...]], list[Diagnostic]] = {}
    for item in diagnostics:
        groups.setdefault((item.code, item.help[-1:]), []).append(item)
    for first, *others in groups.values():
        if not others:
            yield first
            continue
        yield Diagnostic(
            first.code,
            f"{len(others) + 1} pictures have mistakes of this kind; of the first: {first.message}",
            label=first.label,
            help=first.help,
        )


def _different(group: Sequence[Place]) -> list[Place]:
    """Return two pictures of a group, in different splits or categories where there are such."""
    first = group[0]
    others = [place for place in group if place[0] != first[0]]
    others += [place for place in group if place[1].shows != first[1].shows]
    return [first, (others or list(group[1:]))[0]]
