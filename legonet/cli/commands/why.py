"""``legonet why``."""

from __future__ import annotations

from pathlib import Path

import click

from legonet.cli.arguments import (
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
    trust,
)
from legonet.cli.output import document
from legonet.diagnostics import DiagnosticError, did_you_mean


@click.command
@spec_file
@click.argument("category", metavar="CATEGORY")
@click.argument("task", metavar="TASK")
@settings
@trust
@store_folder
@json_document
def why(
    spec: Path,
    category: str,
    task: str,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    as_json: bool,
) -> None:
    """Say why an edge would be rebuilt or reused.

    The reasons for the edge CATEGORY -> TASK go down to the field or file that changed.
    """
    from legonet.building import Workspace
    from legonet.graph import load
    from legonet.graph.resolved import edge_name

    planned = Workspace(spec, store).plan(load(spec, overrides(settings), trust))
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
        click.echo(f"{item.name}: {item.action}")
        for reason in item.reasons:
            click.echo(f"  because {reason}")
