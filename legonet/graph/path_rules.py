"""Which edges a path may lead along, and which categories it may join to one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from legonet.diagnostics import Diagnostic
from legonet.goals.background import BACKGROUND
from legonet.graph.relations import Relations
from legonet.language import Key
from legonet.language.declarations import Adapter, Network, Path

Found = Iterator[tuple[Diagnostic, Key, tuple[str, ...]]]
"""Diagnostics, each with the statement and the field that caused it."""

SHOWN = 8
"""How many names a message lists, at most."""


def paths_are_joined(graph: Relations) -> Found:
    """A path leads along adapters."""
    for name, path in graph.spec.paths.items() if graph.spec.whole else ():
        for ends in path.edges:
            category, task = ends
            sound = category in graph.spec.categories and task in graph.spec.tasks
            if not sound or ("adapter", *ends) in graph.spec.origins:
                continue
            joined = [other for first, other in graph.spec.adapters if first == category]
            help_line = (
                f"`{category}` is joined to: {', '.join(joined)}"
                if joined
                else f"write `adapter {category} -> {task} {{ .. }}`"
            )
            yield (
                Diagnostic(
                    "LEGO311",
                    f"path `{name}` leads from `{category}` to `{task}`, but no adapter does",
                    label="no such edge",
                    help=(help_line,),
                ),
                ("path", name),
                (),
            )


def joint_tasks_answer_yes_or_no(graph: Relations) -> Found:
    """A task of a joint path tells one category from the background, by label or by mask."""
    for name, path, edges in _joint(graph):
        for task in dict.fromkeys(edge.task for edge in edges):
            donor = graph.spec.networks.get(graph.spec.tasks[task].network)
            if donor is None or (graph.is_single(donor) and graph.goal(donor).joins):
                continue
            goal = graph.goal(donor)
            found = "tells several labels apart itself" if goal.joins else f"answers with {goal}"
            advice = (
                "its edges name labels already: write a path for each of the categories"
                if goal.joins
                else "write a path for each of the categories"
            )
            yield (
                Diagnostic(
                    "LEGO322",
                    f"path `{name}` joins {len(path.categories)} categories, and the task `{task}`"
                    f" {found}",
                    label="cannot give one answer",
                    help=(
                        "a joint path makes one label, or one map of labels, of answers yes or no",
                        advice,
                    ),
                ),
                ("path", name),
                (),
            )


def joint_categories_differ(graph: Relations) -> Found:
    """Each label belongs to one category of a joint path, and background to none."""
    for name, _, edges in _joint(graph):
        owners: dict[str, str] = {BACKGROUND: ""}
        clashes: dict[tuple[str, str], str] = {}
        for edge in edges:
            short = edge.category.rpartition(".")[2]
            own = dict.fromkeys(
                (*graph.answered_labels(edge), *(BACKGROUND,) * (short == BACKGROUND))
            )
            for label in own:
                owner = owners.setdefault(label, edge.category)
                if owner != edge.category:
                    clashes.setdefault((owner, edge.category), label)
        for (first, second), label in clashes.items():
            shared = f"`{first}` and `{second}`" if first else f"`{second}` and what is neither"
            yield (
                Diagnostic(
                    "LEGO321",
                    f"path `{name}` cannot tell {shared} apart: both stand for `{label}`",
                    label="one label for two answers",
                    help=(
                        "name one of the two, or write `labels` in their `category` blocks"
                        if first
                        else f"`{label}` is the answer for pictures of no category",
                    ),
                ),
                ("path", name),
                (),
            )


def joint_categories_ask_alike(graph: Relations) -> Found:
    """To all categories of a joint path, the background is the same."""
    for name, _, edges in _joint(graph):
        for task in dict.fromkeys(edge.task for edge in edges):
            asked: dict[bool, str] = {}
            for edge in edges:
                network = graph.own_or_teacher(edge)
                if edge.task == task and network is not None and network.train is not None:
                    others = against_the_others(graph, network) is not None
                    asked.setdefault(others, edge.category)
            if len(asked) == 2:
                yield (
                    Diagnostic(
                        "LEGO320",
                        f"path `{name}` joins categories that ask different questions: "
                        f"`{asked[True]}` against all others, and `{asked[False]}` against"
                        " background pictures",
                        label="their answers cannot be compared",
                        help=("train both on data with background pictures, or on data without",),
                    ),
                    ("path", name),
                    (),
                )


def pictures_have_one_size(graph: Relations) -> Found:
    """All edges of a path with several take pictures of one size."""
    for name, path in graph.spec.paths.items():
        sizes: dict[int, str] = {}
        for ends in path.edges:
            adapter = graph.spec.adapters.get(ends)
            size = None if adapter is None else _size(graph, adapter)
            if size is not None:
                sizes.setdefault(size, " -> ".join(ends))
        if len(sizes) > 1:
            (size, first), (other, second) = list(sizes.items())[:2]
            yield (other_size(name, first, size, second, other), ("path", name), ())


def other_size(path: str, first: str, size: int, second: str, other: int) -> Diagnostic:
    """Return what to say of a path whose edges take pictures of different sizes.

    Args:
        path: Its name.
        first: An edge.
        size: Height and width of its pictures, in pixels.
        second: Another edge.
        other: Height and width of that one's pictures.
    """
    return Diagnostic(
        "LEGO323",
        f"path `{path}` shows each picture to all of its edges, but `{first}` takes pictures of"
        f" {size}x{size}, and `{second}` of {other}x{other}",
        label="two sizes of pictures",
        help=("give the `data` blocks one `size`, or write a path for each size",),
    )


def _joint(graph: Relations) -> Iterator[tuple[str, Path, list[Adapter]]]:
    """Yield the joint paths whose edges all exist, each with these edges."""
    for name, path in graph.spec.paths.items():
        edges = [graph.spec.adapters.get(ends) for ends in path.edges]
        found = [edge for edge in edges if edge is not None and graph.sides(edge) is not None]
        if path.is_joint and len(found) == len(edges):
            yield name, path, found


def _size(graph: Relations, adapter: Adapter) -> int | None:
    """Return the size of an edge's pictures, if the spec says it."""
    network = graph.own_or_teacher(adapter)
    own = None if network is None or network.train is None else network.train.data
    data = graph.spec.data.get(graph.data_name(adapter) or own or "")
    return None if data is None else data.size


def against_the_others(graph: Relations, network: Network) -> str | None:
    """Return the category that a network tells from all others of its data, if it does so."""
    recipe = network.train
    data = graph.spec.data.get(recipe.data) if recipe else None
    if recipe is None or data is None or data.source.has_background is not False:
        return None
    return recipe.category


PATH_RULES: tuple[Callable[[Relations], Found], ...] = (
    paths_are_joined,
    joint_tasks_answer_yes_or_no,
    joint_categories_differ,
    joint_categories_ask_alike,
    pictures_have_one_size,
)
