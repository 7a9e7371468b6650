"""``legonet check``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import json_document, overrides, settings, trust
from legonet.cli.output import Exit, document, show
from legonet.cli.tables import lines, width
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, in_order
from legonet.diagnostics.github import to_github
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from legonet.building.planning.data_check import DataFound
    from legonet.building.planning.edge_shapes import EdgeShapes
    from legonet.data.survey import Report


@click.command
@click.argument(
    "specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@settings
@trust
@click.option(
    "--shapes",
    is_flag=True,
    help="Also check channels and sizes, and show those of edges; needs torch, but no weights.",
)
@click.option(
    "--data",
    is_flag=True,
    help="Also read all pictures as a build would, and show what is wrong with them.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github")),
    default="text",
    show_default=True,
    help="text for people, github for annotations of a pull request.",
)
@json_document
def check(
    specs: tuple[Path, ...],
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    shapes: bool,
    data: bool,
    form: str,
    as_json: bool,
) -> None:
    """Report every mistake of the specs; for a folder, of all specs in it and below."""
    from legonet.graph import check_file
    from legonet.syntax import specs_of

    if Path("-") in specs:
        raise click.UsageError("check reads files, whose folders say where imports and data are")
    found: list[Diagnostic] = []
    fitting: list[EdgeShapes] = []
    pictures: list[DataFound] = []
    files: list[Path] = []
    for spec in specs:
        try:
            files += specs_of(spec)
        except DiagnosticError as error:
            found += error.diagnostics
    for spec in files:
        graph, diagnostics = check_file(spec, overrides(settings), trust)
        found += diagnostics
        if shapes and not _errors(diagnostics):
            from legonet.building.planning.shapes import shapes_of

            mistakes, edges = shapes_of(graph)
            found += mistakes
            fitting += edges
        if data and not _errors(diagnostics):
            from legonet.building.execution.resources import machine_memory
            from legonet.building.planning.data_check import data_of

            try:
                with _progress() as report:
                    mistakes, read = data_of(graph, report, machine_memory())
            except KeyboardInterrupt as interruption:
                interruption.add_note("not all pictures were read")
                raise
            found += mistakes
            pictures += read
    found = in_order(found)
    if as_json or form == "json":
        edges_found = {"edges": [edge.to_json() for edge in fitting]} if shapes else {}
        data_found = {"data": [item.to_json() for item in pictures]} if data else {}
        document({"diagnostics": [to_json(item) for item in found], **edges_found, **data_found})
    elif form == "github":
        for item in found:
            click.echo(to_github(item))
    else:
        show(found)
        if not _errors(found):
            for line in _edge_lines(fitting):
                click.echo(line)
        for line in _data_lines(pictures):
            click.echo(line)
        if not found:
            click.echo(f"{len(files)} spec{'s' * (len(files) != 1)} checked, no mistakes")
    if _errors(found):
        raise click.exceptions.Exit(Exit.MISTAKES)


def _edge_lines(edges: Sequence[EdgeShapes]) -> Iterator[str]:
    """Yield a table of edges, in which those of the same shapes share a row."""
    from legonet.graph.resolved import edge_name

    alike: dict[tuple[str, ...], list[str]] = {}
    for edge in edges:
        alike.setdefault(edge.cells, []).append(edge_name(edge.category, edge.task))
    rows = [
        (names[0] + (f" and {len(names) - 1} more" if names[1:] else ""), *cells)
        for cells, names in alike.items()
    ]
    heads = ("edge", "gives", "takes", "resized", "pictures", "input")
    if rows:
        yield from lines(heads, rows, width())


def _data_lines(pictures: Sequence[DataFound]) -> Iterator[str]:
    """Yield a table of ``data`` blocks, and a line for each picture that cannot be read."""
    from legonet.data.left_out import in_words

    rows = [
        (
            item.name,
            *(str(item.pictures[split]) for split in ("train", "test")),
            f"{item.size}x{item.size}",
            str(len(item.damages) or ""),
            in_words(item.skipped),
        )
        for item in pictures
    ]
    heads = ("data", "train", "test", "size", "damaged", "left out")
    if rows:
        yield from lines(heads, rows, width(), right=("train", "test", "damaged"))
    for item in pictures:
        for split, name, why in item.damages:
            yield f"{item.name} {split} {name}: {why.message}"


def _progress() -> AbstractContextManager[Report]:
    """Return what shows on a terminal how many pictures were looked at."""
    from contextlib import contextmanager

    from legonet.cli.tables import console
    from legonet.data.survey import untold

    @contextmanager
    def shown() -> Iterator[Report]:
        terminal = console(error=True)
        if not terminal.is_terminal or terminal.is_dumb_terminal:
            yield untold
            return
        from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("pictures"), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=terminal, transient=True) as bar:
            task = bar.add_task("")
            yield lambda seen, total: bar.update(task, completed=seen, total=total)

    return shown()


def _errors(diagnostics: list[Diagnostic]) -> bool:
    return any(item.severity is Severity.ERROR for item in diagnostics)
