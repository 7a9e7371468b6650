"""Loads a file into a ModuleGraph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, SourceText, in_order
from legonet.graph.document import Document
from legonet.graph.module_graph import ModuleGraph
from legonet.graph.rules import check_graph
from legonet.language import Override, load_spec, read_spec


def check_file(
    path: Path, overrides: Sequence[Override] = (), trust: Sequence[Path | str] = ()
) -> tuple[ModuleGraph, list[Diagnostic]]:
    """Return what could be read of a spec, and everything that is wrong with it.

    Args:
        path: The ``.lego`` file.
        overrides: Values for single fields and constants.
        trust: Files whose code may run, besides those that the spec's project lists.
    """
    loaded = load_spec(path, overrides)
    files = tuple(Path(file).absolute() for file in trust)
    graph = ModuleGraph.of(Document.of(loaded, path, tuple(overrides), files))
    return graph, in_order([*loaded.diagnostics, *check_graph(graph)])


def of_model(text: str, trust: Sequence[Path | str] = ()) -> tuple[ModuleGraph, list[Diagnostic]]:
    """Return a graph with a single network, called ``model``, and what is wrong with it.

    Args:
        text: What would come after ``model:`` in a spec; without arguments, the name alone.
        trust: Files whose code may run, besides those that the project of the folder lists.
    """
    path = Path.cwd() / "model.lego"
    call = text if "(" in text else f"{text}()"
    source = SourceText("MODEL", f"network model {{\n  model: {call}\n}}\n")
    loaded = read_spec(path, {path: source})
    files = tuple(Path(file).absolute() for file in trust)
    return ModuleGraph.of(Document.of(loaded, path, (), files)), list(loaded.diagnostics)


def load(
    path: Path | str, overrides: Sequence[Override] = (), trust: Sequence[Path | str] = ()
) -> ModuleGraph:
    """Return the graph of a spec.

    Args:
        path: The ``.lego`` file.
        overrides: Values for single fields and constants.
        trust: Files whose code may run, besides those that the spec's project lists.

    Raises:
        DiagnosticError: The spec has errors; the exception carries all of them.
    """
    graph, diagnostics = check_file(Path(path), overrides, trust)
    errors = [item for item in diagnostics if item.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(*errors)
    return graph
