"""``legonet plan``."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from legonet.cli.arguments import json_document, overrides, settings, spec_file, store_folder
from legonet.cli.output import PIPE_WIDTH, document

NARROWEST_REASON = 24
"""Columns that a reason has at least, however narrow the terminal is."""


@click.command
@spec_file
@settings
@store_folder
@json_document
def plan(spec: Path, settings: tuple[str, ...], store: Path | None, as_json: bool) -> None:
    """Say what a build would do, edge by edge, and why."""
    from legonet.build import Workspace
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings)))
    if as_json:
        document(planned.to_json())
        return
    rows = [
        ("network" if step.kind == "network" else "edge", step.name, step.action, step.reason)
        for step in (*planned.networks, *planned.edges)
    ]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    for line in _lines([("", "what", "action", "reason"), *rows], width):
        click.echo(line)
    count = len(planned.to_build)
    click.echo(f"{count} to build" if count else "nothing to do")


def _lines(rows: list[tuple[str, str, str, str]], width: int) -> Iterator[str]:
    """Give the lines of a table; long reasons run over several, and nothing else is folded.

    A table of rich would take longer to import than all else that a plan of a small spec does.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        head = "  ".join(text.ljust(size) for text, size in zip(row, widths, strict=False)) + "  "
        room = max(NARROWEST_REASON, width - len(head))
        first, *more = textwrap.wrap(row[3], room) or [""]
        yield f"{head}{first}".rstrip()
        yield from (" " * len(head) + line for line in more)
