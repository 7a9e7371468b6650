"""``legonet plan``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import (
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
    trust,
)
from legonet.cli.output import document, show
from legonet.cli.tables import KINDS, duration, lines, size, width

if TYPE_CHECKING:
    from legonet.building import Plan


@click.command
@spec_file
@settings
@trust
@store_folder
@json_document
def plan(
    spec: Path,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    as_json: bool,
) -> None:
    """Say what a build would do, edge by edge, and why.

    No code of a file runs; --trust is accepted, so that the options of a build fit.
    """
    from legonet.building import Workspace
    from legonet.data.left_out import in_words
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings), trust))
    show(planned.warnings)
    if as_json:
        document(planned.to_json())
        return
    for line in lines(_HEADINGS, _rows(planned), width(), right=("time", "memory")):
        click.echo(line)
    for name, left_out in planned.skipped.items():
        if left_out:
            click.echo(f"left out of `{name}`: {in_words(left_out)}")
    click.echo(_summary(planned))


_HEADINGS = ("", "what", "action", "time", "memory", "reason")


def _rows(planned: Plan) -> Iterator[tuple[str, ...]]:
    for step in planned.steps:
        estimate = planned.estimates.get(step.name)
        yield (
            KINDS[step.kind],
            step.name.removeprefix("path "),
            step.action,
            "" if estimate is None else f"~{duration(estimate.seconds)}",
            "" if estimate is None or estimate.memory is None else f"~{size(estimate.memory)}",
            step.reason,
        )


def _summary(planned: Plan) -> str:
    """Return a line that says how much there is to do."""
    count, known = len(planned.to_build), len(planned.estimates)
    if not count:
        return "nothing to do"
    if planned.total is None:
        return f"{count} to build"
    work = f"{count} to build, about {duration(planned.total.seconds)} of work"
    return work if known == count else f"{work} for {known} of them; no estimate for the others"
