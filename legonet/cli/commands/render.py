"""``legonet render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from legonet.cli.arguments import Settings, SpecFile, StoreFolder, overrides
from legonet.diagnostics import DiagnosticError


def render(
    spec: SpecFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="What to write: .svg, .png, .pdf or .dot.")
    ],
    path: Annotated[
        str | None, typer.Option("--path", metavar="NAME", help="An application to mark in red.")
    ] = None,
    settings: Settings = None,
    store: StoreFolder = None,
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
        typer.echo(f"drawn without figures: {reason}", err=True)
    draw(to_dot(graph, states, path=path), output)
    typer.echo(f"drawn: {output}")
