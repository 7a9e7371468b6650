"""``legonet render``."""

from __future__ import annotations

from pathlib import Path

import click

from legonet.cli.arguments import overrides, settings, spec_file, store_folder
from legonet.diagnostics import DiagnosticError


@click.command
@spec_file
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="What to write: .svg, .png, .pdf or .dot.",
)
@click.option("--path", metavar="NAME", help="An application to mark in red.")
@settings
@store_folder
def render(
    spec: Path,
    output: Path,
    path: str | None,
    settings: tuple[str, ...],
    store: Path | None,
) -> None:
    """Draw the network, with the figures of what is built."""
    from legonet.graph import EdgeState, load
    from legonet.render import draw, to_dot

    graph = load(spec, overrides(settings))
    states: dict[tuple[str, str], EdgeState] = {}
    try:
        from legonet.build import Workspace

        states = Workspace(spec, store).plan(graph).states()
    except DiagnosticError as error:
        reason = error.diagnostics[0].message
        click.echo(f"drawn without figures: {reason}", err=True)
    draw(to_dot(graph, states, path=path), output)
    click.echo(f"drawn: {output}")
