"""``legonet diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import Place, json_document, overrides, settings
from legonet.cli.output import document
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.language import Override
    from legonet.render import Version


@click.command
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw the comparison: .svg, .png, .pdf or .dot.",
)
@click.option(
    "--only",
    metavar="PATTERN",
    multiple=True,
    help="Categories, tasks or edges to draw, such as 'cat*' or 'cat*->classify'.",
)
@click.option(
    "--store-a",
    metavar="PLACE",
    type=Place(),
    help="Where things built from A are stored; default: .legonet beside A.",
)
@click.option(
    "--store-b",
    metavar="PLACE",
    type=Place(),
    help="Where things built from B are stored; default: .legonet beside B.",
)
@settings
@json_document
def diff(
    before: Path,
    after: Path,
    output: Path | None,
    only: tuple[str, ...],
    store_a: Path | str | None,
    store_b: Path | str | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare two specs, or two builds: what was added, removed, rebuilt, better or worse.

    A and B may be the same spec with two stores.
    """
    from legonet.render import Comparison, ComparisonPicture, to_text

    values = overrides(settings)
    versions = (_version(before, store_a, values), _version(after, store_b, values))
    comparison = Comparison(*versions)
    if output is not None:
        ComparisonPicture(comparison, only).save(output)
    if as_json:
        document(comparison.to_json())
        return
    click.echo(to_text(comparison))
    if output is not None:
        click.echo(f"drawn: {output}")


def _version(spec: Path, store: Path | str | None, values: list[Override]) -> Version:
    from legonet.building import Workspace
    from legonet.graph import load
    from legonet.render import Version

    graph = load(spec, values)
    try:
        return Version(graph, Workspace(spec, store).plan(graph))
    except DiagnosticError as error:
        reason = error.diagnostics[0].message
        click.echo(f"compared without what is built of {spec}: {reason}", err=True)
        return Version(graph)
