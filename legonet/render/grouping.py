"""Modules that are drawn in one box, so that a large graph becomes a small picture."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from legonet.graph import ModuleGraph
from legonet.language.declarations import Adapter

By = Literal["prefix", "network", "neighbours"]
"""What the modules in one box have in common: the beginning of their names, the ancestor or the
model that their networks come from, or what they are joined to."""

ALL: tuple[By, ...] = ("prefix", "network", "neighbours")

MANY_TASKS = 20
"""Up to this many tasks, each has a box of its own."""

READABLE = 60
"""The number of edge boxes that a picture of groups should not exceed."""

_PREFIX = re.compile(r"[^._]+?(?=[._]|\d*$)")


@dataclass(frozen=True)
class Group:
    """Modules in one box.

    Args:
        label: The label of the box; the name of the module if there is only one.
        members: The names of the modules.
    """

    label: str
    members: tuple[str, ...]


Sides = tuple[tuple[Group, ...], tuple[Group, ...]]
"""The boxes of category modules and of task modules."""


def apart(categories: Iterable[str], tasks: Iterable[str]) -> Sides:
    """Return a box for each module."""
    return (
        tuple(Group(name, (name,)) for name in categories),
        tuple(Group(name, (name,)) for name in tasks),
    )


def together(
    graph: ModuleGraph,
    sides: Sides,
    adapters: Sequence[Adapter],
    alone: Collection[tuple[str, str]],
    by: By | None,
) -> Sides:
    """Return boxes of modules that have something in common.

    Args:
        graph: The graph.
        sides: A box for each module.
        adapters: The edges that are shown.
        alone: Modules with a box of their own, as ``("category", "cat")``.
        by: What they have in common; None for whatever makes a readable picture.
    """
    choices = [_grouped(graph, sides, adapters, alone, each) for each in ([by] if by else ALL)]
    # Names tell people the most, and what modules are joined to the least.
    readable = (found for found in choices if _edges(found, adapters) <= READABLE)
    return next(readable, None) or min(choices, key=lambda found: _edges(found, adapters))


def _grouped(
    graph: ModuleGraph,
    sides: Sides,
    adapters: Sequence[Adapter],
    alone: Collection[tuple[str, str]],
    by: By,
) -> Sides:
    spec = graph.spec
    categories = [name for group in sides[0] for name in group.members]
    tasks = [name for group in sides[1] for name in group.members]
    left = _labels(graph, by, {n: spec.categories[n].network for n in categories}, adapters, 0)
    right = _labels(graph, by, {n: spec.tasks[n].network for n in tasks}, adapters, 1)
    if len(tasks) <= MANY_TASKS:
        right = {name: name for name in tasks}
    return (
        _boxes(left, {name for kind, name in alone if kind == "category"}),
        _boxes(right, {name for kind, name in alone if kind == "task"}),
    )


def _labels(
    graph: ModuleGraph,
    by: By,
    networks: Mapping[str, str],
    adapters: Sequence[Adapter],
    side: int,
) -> dict[str, str]:
    """Return the label of each module's box, by the module's name."""
    if by == "prefix":
        found = {name: _PREFIX.match(name) for name in networks}
        return {name: f"{part[0] if part else name}*" for name, part in found.items()}
    if by == "network":
        return {name: _family(graph, network) for name, network in networks.items()}
    joined: dict[str, list[str]] = {name: [] for name in networks}
    for adapter in adapters:
        ends = adapter.category, adapter.task
        joined[ends[side]].append(ends[1 - side])
    word = ("to", "from")[side]
    return {name: f"{word} {_names(others)}" for name, others in joined.items()}


def _family(graph: ModuleGraph, network: str) -> str:
    """Return what a network comes from: its oldest ancestor, or its model if it has none."""
    ancestor, seen = network, {network}
    while (older := graph.spec.networks[ancestor].init) is not None and older not in seen:
        seen.add(older)
        ancestor = older
    if ancestor != network:
        return f"from {ancestor}"
    return graph.spec.networks[network].model.call


def _names(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _boxes(labels: Mapping[str, str], alone: Collection[str]) -> tuple[Group, ...]:
    """Return the boxes in the order of their first module."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, label in labels.items():
        found.setdefault(("alone", name) if name in alone else ("", label), []).append(name)
    return tuple(
        Group(label if len(names) > 1 else names[0], tuple(names))
        for (_, label), names in found.items()
    )


def _edges(sides: Sides, adapters: Sequence[Adapter]) -> int:
    """Return how many edge boxes there are."""
    left, right = ({name: group for group in side for name in group.members} for side in sides)
    return len({(left[adapter.category], right[adapter.task]) for adapter in adapters})
