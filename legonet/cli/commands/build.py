"""``legonet build``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from legonet.cli.arguments import Json, Settings, SpecFile, StoreFolder, overrides
from legonet.cli.exits import Exit
from legonet.cli.output import console, document, quality, show

if TYPE_CHECKING:
    from legonet.build import Report


def build(
    spec: SpecFile,
    settings: Settings = None,
    store: StoreFolder = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", help="Where torch computes: cpu or cuda; cuda where there is one."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build what is missing or changed, and show each edge beside its teacher."""
    from legonet.build import Workspace
    from legonet.cli.progress import watcher
    from legonet.diagnostics import DiagnosticError, Severity
    from legonet.graph import check_file

    graph, diagnostics = check_file(spec, overrides(settings))
    if any(item.severity is Severity.ERROR for item in diagnostics):
        raise DiagnosticError(*diagnostics)
    show(diagnostics)
    workspace = Workspace(spec, store)
    plan = workspace.plan(graph)
    where = _device(device) if plan.to_build else "cpu"
    with watcher(plan) as watching:
        report = workspace.build(plan, watching.hear, device=where)
    show(item for result in report.failed for item in result.diagnostics)
    if as_json:
        document(report.to_json())
    else:
        _table(report)
    if report.failed:
        raise typer.Exit(Exit.FAILED)


def _device(asked: str | None) -> str:
    import torch

    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=asked)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise typer.BadParameter(f"torch cannot compute on `{asked}`: {reason}") from None
    return asked


def _table(report: Report) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("edge", "action", "method", "samples", "seconds", "result", "teacher"):
        right = heading in ("samples", "seconds")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for result in report.edges:
        learning = result.step.adapter.learning
        metrics = report.metrics(result)
        shown = result.outcome != "failed"
        table.add_row(
            result.step.name,
            result.outcome,
            "" if learning is None else learning.method.call,
            "" if learning is None else str(learning.samples),
            f"{result.seconds:.1f}" if result.outcome == "built" else "",
            quality(metrics) if shown else result.reason,
            quality(metrics, teacher=True) if shown else "",
        )
    out = console()
    out.print(table)
    built = [item for item in (*report.networks, *report.edges) if item.outcome == "built"]
    if not built and not report.failed:
        out.print("nothing to do: all networks and edges are built")
        return
    networks = sum(item.outcome == "built" for item in report.networks)
    edges = len(built) - networks
    out.print(
        f"built {networks} networks and {edges} edges in {report.seconds:.1f} s;"
        f" {report.frozen} frozen networks proved unchanged"
    )
