"""Applications to draw in red: named paths, or any edge by its two ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.graph import ModuleGraph

Wanted = str | tuple[str, str]
"""The name of a path, an edge as ``cat -> classify``, or a category and a task."""


@dataclass(frozen=True)
class Application:
    """An edge in red.

    Args:
        name: What it is called.
        category: Its category.
        task: Its task.
    """

    name: str
    category: str
    task: str


def applications_of(
    graph: ModuleGraph, wanted: Wanted | Iterable[Wanted]
) -> tuple[Application, ...]:
    """Return the applications that somebody wants to see.

    Args:
        graph: Where they are.
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
    named = (n for n, path in paths.items() if (path.category, path.task) == wanted)
    return Application(next(named, " → ".join(wanted)), *wanted)


def _path(graph: ModuleGraph, name: str) -> Application:
    paths = graph.spec.paths
    if name in paths:
        return Application(name, paths[name].category, paths[name].task)
    known = "the spec names " + (", ".join(f"`{item}`" for item in paths) or "no path")
    raise DiagnosticError.of(
        "LEGO802",
        f"unknown path `{name}`",
        help=did_you_mean(name, paths, "path") or (known, "an edge is written `cat -> classify`"),
    )
