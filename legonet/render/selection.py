"""What is asked for: which part of a graph is shown, and which applications are in red."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph import ModuleGraph
from legonet.language.declarations import Adapter


@dataclass(frozen=True)
class Selection:
    """The part of a graph that is shown, in the order of the spec."""

    categories: tuple[str, ...]
    tasks: tuple[str, ...]
    adapters: tuple[Adapter, ...]


def select(graph: ModuleGraph, patterns: Sequence[str]) -> Selection:
    """Return the part of a graph that patterns choose; without patterns, all of it.

    If patterns match any categories, an edge is shown only if its category is one of them, and
    likewise for tasks. An edge is also shown if a pattern such as ``cat* -> classify`` matches
    both of its ends. A matching category or task is shown even if it has no edge.

    Args:
        graph: The graph.
        patterns: Patterns with ``*``, ``?`` and ``[..]``, as for file names.

    Raises:
        DiagnosticError: LEGO807, a pattern matches nothing.
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
        or ["patterns may contain `*` and `?`: `cat*`, or `cat* -> classify` for edges"],
    )


Wanted = str | tuple[str, str]
"""The name of a path, an edge as ``cat -> classify``, or a category and a task."""


@dataclass(frozen=True)
class Application:
    """Edges in red: one, or all those of a path.

    Args:
        name: Its name.
        edges: The category and the task of each.
    """

    name: str
    edges: tuple[tuple[str, str], ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of its categories."""
        return tuple(dict.fromkeys(category for category, _ in self.edges))

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of its tasks."""
        return tuple(dict.fromkeys(task for _, task in self.edges))


def applications_of(
    graph: ModuleGraph, wanted: Wanted | Iterable[Wanted]
) -> tuple[Application, ...]:
    """Return the requested applications.

    Args:
        graph: The graph that they are part of.
        wanted: One of them, or a list of several; a tuple of two texts is a category and a task.

    Raises:
        DiagnosticError: LEGO802, the spec has no such path; LEGO806, it has no such edge.
    """
    found = (_application(graph, item) for item in _each(wanted))
    return tuple(dict.fromkeys(found))


def _each(wanted: Wanted | Iterable[Wanted]) -> Iterator[Wanted]:
    if isinstance(wanted, str):
        yield wanted
    elif isinstance(wanted, tuple) and len(wanted) == 2 and all(isinstance(w, str) for w in wanted):
        yield str(wanted[0]), str(wanted[1])
    else:
        yield from wanted


def _application(graph: ModuleGraph, wanted: Wanted) -> Application:
    paths = graph.spec.paths
    if isinstance(wanted, str):
        category, arrow, task = wanted.partition("->")
        if not arrow:
            return _path(graph, wanted)
        wanted = (category.strip(), task.strip())
    if wanted not in graph.spec.adapters:
        names = [" -> ".join(ends) for ends in graph.spec.adapters]
        name = " -> ".join(wanted)
        raise DiagnosticError.of(
            "LEGO806",
            f"no edge `{name}`",
            help=did_you_mean(name, names, "edge") or ["an edge is an `adapter` statement"],
        )
    named = (name for name, path in paths.items() if path.edges == (wanted,))
    return Application(next(named, " → ".join(wanted)), (wanted,))


def _path(graph: ModuleGraph, name: str) -> Application:
    paths = graph.spec.paths
    if name in paths:
        return Application(name, paths[name].edges)
    known = "the spec names " + (", ".join(f"`{item}`" for item in paths) or "no path")
    raise DiagnosticError.of(
        "LEGO802",
        f"unknown path `{name}`",
        help=did_you_mean(name, paths, "path") or (known, "an edge is written `cat -> classify`"),
    )
