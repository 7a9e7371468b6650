"""``legonet check``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from legonet.cli.arguments import Json, Settings, overrides
from legonet.cli.exits import Exit
from legonet.cli.output import document, show
from legonet.diagnostics import Diagnostic, Severity, in_order
from legonet.diagnostics.github import to_github
from legonet.diagnostics.json import to_json


class Format(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="The .lego files.")],
    settings: Settings = None,
    shapes: Annotated[
        bool,
        typer.Option("--shapes", help="Also channels and sizes, which takes torch but no weights."),
    ] = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="text for people, github for annotations of a pull request."),
    ] = Format.TEXT,
    as_json: Json = False,
) -> None:
    """Report every mistake of the specs."""
    from legonet.graph import check_file

    found: list[Diagnostic] = []
    for spec in specs:
        graph, diagnostics = check_file(spec, overrides(settings))
        found += diagnostics
        if shapes and not _errors(diagnostics):
            from legonet.build.shapes import check_shapes

            found += check_shapes(graph)
    found = in_order(found)
    if as_json or form is Format.JSON:
        document({"diagnostics": [to_json(item) for item in found]})
    elif form is Format.GITHUB:
        for item in found:
            typer.echo(to_github(item))
    else:
        show(found)
        if not found:
            typer.echo(f"{len(specs)} spec{'s' * (len(specs) != 1)} checked, no mistakes")
    if _errors(found):
        raise typer.Exit(Exit.MISTAKES)


def _errors(diagnostics: list[Diagnostic]) -> bool:
    return any(item.severity is Severity.ERROR for item in diagnostics)
