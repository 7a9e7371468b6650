"""A graph with one edge more, for who builds it at once; the graph itself does not change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, did_you_mean
from legonet.graph.module_graph import ModuleGraph
from legonet.graph.rules import check_graph
from legonet.spec.declarations import Adapter, Learning


def connected(graph: ModuleGraph, category: str, task: str, **fields: Any) -> ModuleGraph:
    """Return a graph with an edge, beside those that it has or in the place of one.

    Args:
        graph: A graph without errors.
        category: The category's name.
        task: The task's name.
        fields: Of the `adapter` statement, such as ``samples=20`` and ``layers=[1, 1]``. Without
            any, two halves of one network are joined directly, and others by the defaults.

    Raises:
        DiagnosticError: There is no such category or task, a field is wrong, or the graph would
            have errors (``LEGO712``).
    """
    spec = graph.spec
    for kind, name, names in (("category", category, spec.categories), ("task", task, spec.tasks)):
        if name not in names:
            help_lines = did_you_mean(name, names, kind) or [f"there are: {', '.join(names)}"]
            raise DiagnosticError.of("LEGO712", f"no {kind} `{name}`", help=help_lines)
    below, above = spec.categories[category], spec.tasks[task]
    whole = (below.network, below.until) == (above.network, above.after)
    learning = None if whole and not fields else _learning(category, task, fields)
    adapter = Adapter(category=category, task=task, learning=learning)
    adapters = {**spec.adapters, (category, task): adapter}
    changed = graph.copy()
    changed.spec = replace(spec, adapters=adapters)
    known = {(item.code, item.message) for item in check_graph(graph)}
    wrong = [
        item
        for item in check_graph(changed)
        if item.severity is Severity.ERROR and (item.code, item.message) not in known
    ]
    if wrong:
        raise DiagnosticError(*wrong)
    return changed


def _learning(category: str, task: str, fields: dict[str, Any]) -> Learning:
    given = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    try:
        return Learning.model_validate(given)
    except ValidationError as error:
        raise DiagnosticError(
            *(_wrong(category, task, dict(found)) for found in error.errors())
        ) from None


def _wrong(category: str, task: str, found: dict[str, Any]) -> Diagnostic:
    field = ".".join(str(part) for part in found["loc"])
    names = list(Learning.model_fields)
    if found["type"] == "extra_forbidden":
        return Diagnostic(
            "LEGO712",
            f"unknown field `{field}` of the edge `{category} -> {task}`",
            help=(*did_you_mean(field, names, "field"), f"fields: {', '.join(names)}"),
        )
    return Diagnostic(
        "LEGO712",
        f"`{field}` of the edge `{category} -> {task}`: {found['msg']}, found {found['input']!r}",
    )
