"""``legonet inspect``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from legonet.cli.arguments import json_document, overrides, settings, spec_file, store_folder
from legonet.cli.output import console, document, error, table
from legonet.diagnostics import DiagnosticError, did_you_mean


@click.command
@spec_file
@click.argument("category", metavar="[CATEGORY", required=False)
@click.argument("task", metavar="[TASK]]", required=False)
@settings
@store_folder
@json_document
def inspect(
    spec: Path,
    category: str | None,
    task: str | None,
    settings: tuple[str, ...],
    store: Path | None,
    as_json: bool,
) -> None:
    """Show the certificate of each edge: figures, seeds, digests.

    Behind SPEC stands the CATEGORY whose edges are shown, and the TASK of a single one.
    """
    from legonet.build import Workspace
    from legonet.build.inspection import inspect_plan
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings)))
    found = inspect_plan(planned)
    for field, wanted in (("category", category), ("task", task)):
        if wanted is None:
            continue
        names = [edge[field] for edge in found["edges"]]
        found["edges"] = [edge for edge in found["edges"] if edge[field] == wanted]
        if not found["edges"]:
            raise DiagnosticError.of(
                "LEGO708",
                f"no edge of the {field} `{wanted}`",
                help=did_you_mean(wanted, names, field),
            )
    if as_json:
        document(found)
    elif category is not None and task is not None:
        (edge,) = found["edges"]
        step = planned.edge(category, task)
        certificate = step.artifact.certificate if step and step.artifact else {}
        click.echo(json.dumps({**edge, "certificate": dict(certificate)}, indent=2))
    else:
        _table(found)


def _table(found: dict[str, Any]) -> None:
    shown = table("edge", "state", "method", "samples", "seed", "error", "teacher's", "sha256")
    for edge in found["edges"]:
        learned = edge["method"] is not None
        shown.add_row(
            f"{edge['category']} -> {edge['task']}",
            edge["state"],
            edge["method"] or "",
            str(edge["samples"]) if learned else "",
            str(edge["seed"]) if learned else "",
            error(edge["metrics"]),
            error(edge["metrics"], teacher=True),
            (edge["adapter_sha256"] or "")[:12],
        )
    console().print(shown)
