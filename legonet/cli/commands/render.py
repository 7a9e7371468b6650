"""``legonet render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from legonet.cli.arguments import overrides, settings, spec_file, store_folder
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.building import Plan
    from legonet.render import By, Picture


STANDARD_OUTPUT = Path("-")


@click.command
@spec_file
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="What to write: .svg, .png, .pdf, .dot, or an interactive page, .html; - for an SVG on"
    " standard output.",
)
@click.option(
    "--path",
    "paths",
    metavar="NAME",
    multiple=True,
    help="An application to mark in red: a path, or an edge as 'cat->classify'.",
)
@click.option(
    "--only",
    metavar="PATTERN",
    multiple=True,
    help="Categories, tasks or edges to show, such as 'cat*' or 'cat*->classify'.",
)
@click.option(
    "--collapse",
    metavar="EDGES",
    type=click.IntRange(min=0),
    help="Draw modules in groups if there are more edges than this; default: 400.",
)
@click.option(
    "--group",
    type=click.Choice(("prefix", "network", "neighbours")),
    help="Draw modules in groups: by the beginning of their names, by the ancestor or model of"
    " their networks, or by what they are joined to.",
)
@click.option(
    "--links",
    metavar="ADDRESS",
    help="Where a click in an .svg leads: an address with {path}, {relative} and {line}, or"
    " nowhere if it is empty; default: the spec, relative to the picture.",
)
@settings
@store_folder
def render(
    spec: Path,
    output: Path,
    paths: tuple[str, ...],
    only: tuple[str, ...],
    collapse: int | None,
    group: By | None,
    links: str | None,
    settings: tuple[str, ...],
    store: Path | str | None,
) -> None:
    """Draw the network, with figures for what is built."""
    from legonet.graph import load
    from legonet.render import COLLAPSE_ABOVE, RELATIVE, IncompleteError, draw

    graph = load(spec, overrides(settings))
    plan: Plan | None = None
    try:
        from legonet.building import Workspace

        plan = Workspace(spec, store).plan(graph)
    except DiagnosticError as error:
        reason = error.diagnostics[0].message
        click.echo(f"drawn without figures: {reason}", err=True)
    if output.suffix.lower() == ".html":
        if (collapse, group, links) != (None, None, None):
            raise click.UsageError("--collapse, --group and --links do not apply to a page")
        draw(plan or graph, output, path=list(paths), only=only)
    else:
        limit = COLLAPSE_ABOVE if collapse is None else collapse
        chosen: dict[str, Any] = {"path": list(paths), "only": only, "group": group}
        address = RELATIVE if links is None else links
        try:
            _write(draw(plan or graph, collapse=limit, **chosen), output, address)
        except IncompleteError as error:
            if limit == 0:
                raise
            click.echo(f"drawn in groups: {error.diagnostics[0].message}", err=True)
            _write(draw(plan or graph, collapse=0, **chosen), output, address)
    if output != STANDARD_OUTPUT:
        click.echo(f"drawn: {output}")


def _write(picture: Picture, output: Path, links: str) -> None:
    if output == STANDARD_OUTPUT:
        from legonet.text_bytes import to_bytes

        click.echo(to_bytes(picture.svg(links=links)), nl=False)
    else:
        picture.save(output, links=links)
