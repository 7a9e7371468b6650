"""A part of a graph, chosen by patterns over the names of its categories, tasks and edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph import ModuleGraph
from legonet.spec.declarations import Adapter


@dataclass(frozen=True)
class Selection:
    """What of a graph is shown, in the order of the spec."""

    categories: tuple[str, ...]
    tasks: tuple[str, ...]
    adapters: tuple[Adapter, ...]


def select(graph: ModuleGraph, patterns: Sequence[str]) -> Selection:
    """Return the part of a graph that patterns choose; all of it where there is none.

    An edge is shown if its category is one of those that patterns name, where any does, and its
    task likewise; or if a pattern names it with both, as in ``cat* -> classify``. A category or a
    task that a pattern names is shown also where it has no edge.

    Args:
        graph: The graph.
        patterns: With ``*``, ``?`` and ``[..]``, as file names have them.

    Raises:
        DiagnosticError: LEGO807, nothing has a name that a pattern chooses.
    """
    spec = graph.spec
    categories: set[str] = set()
    tasks: set[str] = set()
    edges: set[tuple[str, str]] = set()
    for pattern in patterns:
        front, arrow, back = (part.strip() for part in pattern.partition("->"))
        if arrow:
            joined = {
                ends
                for ends in spec.adapters
                if fnmatchcase(ends[0], front) and fnmatchcase(ends[1], back)
            }
            edges |= joined
            known = bool(joined)
        else:
            left = {name for name in spec.categories if fnmatchcase(name, pattern)}
            right = {name for name in spec.tasks if fnmatchcase(name, pattern)}
            categories |= left
            tasks |= right
            known = bool(left or right)
        if not known:
            raise _nothing(graph, pattern)
    everything = not patterns
    by_name = bool(categories or tasks) or everything
    adapters = tuple(
        adapter
        for ends, adapter in spec.adapters.items()
        if ends in edges
        or (
            by_name
            and (not categories or ends[0] in categories)
            and (not tasks or ends[1] in tasks)
        )
    )
    categories |= {adapter.category for adapter in adapters}
    tasks |= {adapter.task for adapter in adapters}
    return Selection(
        tuple(name for name in spec.categories if everything or name in categories),
        tuple(name for name in spec.tasks if everything or name in tasks),
        adapters,
    )


def _nothing(graph: ModuleGraph, pattern: str) -> DiagnosticError:
    spec = graph.spec
    edges = [" -> ".join(ends) for ends in spec.adapters]
    names = edges if "->" in pattern else [*spec.categories, *spec.tasks]
    return DiagnosticError.of(
        "LEGO807",
        f"no category, task or edge is called `{pattern}`",
        help=did_you_mean(pattern, names, "name")
        or ["patterns may hold `*` and `?`: `cat*`, or `cat* -> classify` for edges"],
    )
