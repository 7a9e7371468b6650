"""``legonet why``."""

from __future__ import annotations

from typing import Annotated

import typer

from legonet.cli.arguments import Json, Settings, SpecFile, StoreFolder, overrides
from legonet.cli.output import document
from legonet.diagnostics import DiagnosticError, did_you_mean


def why(
    spec: SpecFile,
    category: Annotated[str, typer.Argument(help="The category at the edge's bottom.")],
    task: Annotated[str, typer.Argument(help="The task at its top.")],
    settings: Settings = None,
    store: StoreFolder = None,
    as_json: Json = False,
) -> None:
    """Say why an edge would be rebuilt or reused, down to what changed."""
    from legonet.build import Workspace, edge_name
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings)))
    step = planned.edge(category, task)
    if step is None:
        names = [edge.name for edge in planned.edges]
        raise DiagnosticError.of(
            "LEGO708",
            f"no edge `{edge_name(category, task)}`",
            help=did_you_mean(edge_name(category, task), names, "edge")
            or [f"edges: {', '.join(names)}"],
        )
    needed = planned.networks_of(step)
    if as_json:
        document(
            {
                "category": category,
                "task": task,
                "action": step.action,
                "reasons": list(step.reasons),
                "networks": [
                    {"name": item.name, "action": item.action, "reasons": list(item.reasons)}
                    for item in needed
                ],
            }
        )
        return
    for item in (step, *needed):
        typer.echo(f"{item.name}: {item.action}")
        for reason in item.reasons:
            typer.echo(f"  because {reason}")
