"""``legonet check``."""

from __future__ import annotations

from pathlib import Path

import click

from legonet.cli.arguments import json_document, overrides, settings, trust
from legonet.cli.output import Exit, document, show
from legonet.diagnostics import Diagnostic, Severity, in_order
from legonet.diagnostics.github import to_github
from legonet.diagnostics.json import to_json


@click.command
@click.argument(
    "specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@settings
@trust
@click.option(
    "--shapes", is_flag=True, help="Also check channels and sizes; needs torch, but no weights."
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
    form: str,
    as_json: bool,
) -> None:
    """Report every mistake of the specs."""
    from legonet.graph import check_file

    found: list[Diagnostic] = []
    for spec in specs:
        graph, diagnostics = check_file(spec, overrides(settings), trust)
        found += diagnostics
        if shapes and not _errors(diagnostics):
            from legonet.building.planning.shapes import check_shapes

            found += check_shapes(graph)
    found = in_order(found)
    if as_json or form == "json":
        document({"diagnostics": [to_json(item) for item in found]})
    elif form == "github":
        for item in found:
            click.echo(to_github(item))
    else:
        show(found)
        if not found:
            click.echo(f"{len(specs)} spec{'s' * (len(specs) != 1)} checked, no mistakes")
    if _errors(found):
        raise click.exceptions.Exit(Exit.MISTAKES)


def _errors(diagnostics: list[Diagnostic]) -> bool:
    return any(item.severity is Severity.ERROR for item in diagnostics)
