"""``legonet build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import json_document, overrides, settings, spec_file, store_folder
from legonet.cli.exits import Exit
from legonet.cli.output import console, counted, document, error, fail, show, table

if TYPE_CHECKING:
    from legonet.build import EdgeStep, Report, Result


@click.command
@spec_file
@settings
@store_folder
@click.option("--device", help="Where torch computes: cpu or cuda; cuda where there is one.")
@json_document
def build(
    spec: Path,
    settings: tuple[str, ...],
    store: Path | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Build what is missing or changed.

    Each edge is shown beside its teacher. What is finished stays, whatever happens.
    """
    from legonet.build import Workspace
    from legonet.cli.progress import watcher
    from legonet.diagnostics import DiagnosticError, Severity
    from legonet.graph import check_file

    graph, diagnostics = check_file(spec, overrides(settings))
    if any(item.severity is Severity.ERROR for item in diagnostics):
        raise DiagnosticError(*diagnostics)
    show(diagnostics)
    workspace = Workspace(spec, store)
    workspace.fetch(graph)
    plan = workspace.plan(graph)
    where = "cpu"
    if plan.to_build:
        where = _device(device)
        workspace.check(plan)
    try:
        with watcher(plan) as watching:
            report = workspace.build(plan, watching.hear, device=where)
    except DiagnosticError as failure:
        fail(failure.diagnostics, Exit.FAILED, as_json=as_json)
    show(item for result in report.failed for item in result.diagnostics)
    if as_json:
        document(report.to_json())
    else:
        _table(report)
    if report.failed:
        raise click.exceptions.Exit(Exit.FAILED)


def _device(asked: str | None) -> str:
    import torch

    if asked is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=asked)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise click.BadParameter(f"torch cannot compute on `{asked}`: {reason}") from None
    return asked


def _table(report: Report) -> None:
    numbers = ("samples", "seconds", "error", "teacher's")
    shown = table("edge", "method", *numbers, right=numbers)
    for result in report.edges:
        learning = result.step.adapter.learning
        metrics = report.metrics(result)
        shown.add_row(
            result.step.name,
            "direct" if learning is None else learning.method.call,
            "" if learning is None else str(learning.samples),
            _seconds(result),
            error(metrics),
            error(metrics, teacher=True),
        )
    out = console()
    out.print(shown)
    if any("pixel_accuracy" in report.metrics(result) for result in report.edges):
        out.print("px: share of the pixels that are wrong; `legonet inspect` shows more")
    made = {
        "network": sum(item.outcome == "built" for item in report.networks),
        "edge": sum(item.outcome == "built" for item in report.edges),
    }
    words = " and ".join(counted(number, noun) for noun, number in made.items() if number)
    if words:
        proved = counted(report.frozen, "frozen network")
        out.print(f"built {words} in {report.seconds:.1f} s; {proved} proved unchanged")
    elif not report.failed:
        out.print("nothing to do: all networks and edges are built")
    if report.failed:
        out.print(f"{counted(len(report.failed), 'step')} failed; what is built is kept")


def _seconds(result: Result[EdgeStep]) -> str:
    """Return how long an edge took; what took no time says what it was instead."""
    if result.outcome == "built":
        return f"{result.seconds:.1f}"
    return "" if result.outcome == "direct" else result.outcome
