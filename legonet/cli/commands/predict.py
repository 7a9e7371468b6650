"""``legonet predict``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from legonet.cli.arguments import (
    Device,
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
    trust,
)
from legonet.cli.output import Exit, document, fail, note, show
from legonet.cli.tables import console, counted, percent, table
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from rich.table import Table

    from legonet.network import TransplantNetwork
    from legonet.network.prediction import Prediction
    from legonet.network.routes import RouteKey


LIKELY = 3
"""How many of several labels an answer lists with their probabilities."""


@click.command
@spec_file
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True)
@click.option("--path", "paths", metavar="NAME", multiple=True, help="An application.")
@click.option("--category", "categories", metavar="C", multiple=True, help="A category.")
@click.option("--task", "tasks", metavar="T", multiple=True, help="A task.")
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write masks here as PNG, and the pictures with the masks on them.",
)
@click.option(
    "--device",
    metavar="DEVICE",
    type=Device(),
    help="Where torch computes: cpu, cuda or cuda:N; default: cuda if this machine has a GPU.",
)
@settings
@trust
@store_folder
@json_document
@click.option(
    "--json-lines",
    "as_lines",
    is_flag=True,
    help="One JSON object a line for each answer, as soon as it is known.",
)
def predict(
    spec: Path,
    pictures: tuple[str, ...],
    paths: tuple[str, ...],
    categories: tuple[str, ...],
    tasks: tuple[str, ...],
    output: Path | None,
    device: str | None,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    as_json: bool,
    as_lines: bool,
) -> None:
    """Answer for pictures with what is built of SPEC.

    A PICTURE is a file, a folder, or a pattern in quotes such as 'photos/**/*.jpg'. Without --path,
    --category and --task, which can be repeated, every built path answers; what paths share is
    computed once. If a picture cannot be read, it is named, the others are answered, and the exit
    code is 3. A path along an edge that is no better than chance answers with a warning.
    """
    if as_json and as_lines:
        raise click.UsageError("choose one of --json and --json-lines")
    network = _network(spec, settings, trust, store, device)
    routes = network.routes(categories or None, tasks or None, paths=paths or None)
    failures = network.failures(routes)
    show(failures)
    broken: list[Diagnostic] = []
    rows: list[_Row] = []
    written: list[Mapping[str, str]] = []
    try:
        for row in _answered(network, routes, pictures, output, broken):
            written.append(row.files)
            if as_lines:
                document(row.to_json(), as_line=True)
            else:
                rows.append(row)
    except DiagnosticError as error:
        fail([*broken, *error.diagnostics], Exit.FAILED, as_json=as_json)
    show(broken)
    if as_json:
        found = [row.to_json() for row in rows]
        document(
            {"predictions": found, "diagnostics": [to_json(item) for item in (*failures, *broken)]}
        )
    elif rows:
        applications = network.graph.spec.paths
        plain = ((name, path) for name, path in applications.items() if path.is_plain)
        names = {path.edges[0]: name for name, path in plain}
        console().print(_table(rows, names))
        if any(row.prediction.shares for row in rows):
            click.echo("px: share of the picture's pixels")
    if output is not None:
        note(_masks(written, output))
    if broken:
        raise click.exceptions.Exit(Exit.FAILED)


@dataclass(frozen=True)
class _Row:
    """An answer, without its mask, and the files that were written for it."""

    prediction: Prediction
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**self.prediction.to_json(), **self.files}


def _network(
    spec: Path,
    settings: Sequence[str],
    trust: Sequence[Path],
    store: Path | str | None,
    device: str | None,
) -> TransplantNetwork:
    from legonet.building import Workspace
    from legonet.graph import load
    from legonet.network import TransplantNetwork
    from legonet.network.validation import default_device

    workspace = Workspace(spec, store)
    plan = workspace.plan(load(spec, overrides(settings), trust))
    return TransplantNetwork(plan, workspace, device=device or default_device())


def _answered(
    network: TransplantNetwork,
    routes: Sequence[RouteKey],
    pictures: Sequence[str],
    output: Path | None,
    broken: list[Diagnostic],
) -> Iterator[_Row]:
    """Yield answers; the masks of a batch are written before the next one is answered."""
    from PIL.Image import DecompressionBombWarning

    from legonet.network.prediction import MaskFiles, predictions

    # Pillow refuses what is twice as large, and says so in an error.
    warnings.simplefilter("ignore", DecompressionBombWarning)
    masks = None if output is None else MaskFiles(output)
    with console(error=True).status("reading pictures") as status:
        found = predictions(
            network, pictures, routes, lambda error: broken.extend(error.diagnostics)
        )
        for number, prediction in enumerate(found, start=1):
            files = {}
            if masks is not None and prediction.is_drawn:
                files = {kind: str(file) for kind, file in masks.write(prediction).items()}
            status.update(counted(number, "answer"))
            yield _Row(replace(prediction, mask=None), files)


def _table(rows: Sequence[_Row], names: Mapping[tuple[str, str], str]) -> Table:
    """Return a line for each answer; one of an application has its name."""
    shown = table("picture", "path", "answer", "", right=("",))
    for row in rows:
        item = row.prediction
        shown.add_row(
            item.picture.name,
            names.get((item.category or "", item.task), item.route),
            item.answer or item.goal.nothing(item.category or ""),
            _figure(item),
        )
    return shown


def _figure(item: Prediction) -> str:
    """Return how probable an answer is, the share of the pixels that it covers, or its numbers."""
    if item.shares:
        return f"{percent(item.shares.get(item.answer or '', 0.0))} px"
    if item.boxes:
        return ", ".join(percent(box.probability) for box in item.boxes[:LIKELY])
    if item.values:
        return ", ".join(f"{name} {value:.4g}" for name, value in item.values.items())
    if not item.probabilities:
        return ""
    if item.answer is None:
        return percent(1 - sum(item.probabilities.values()))
    if item.answer not in item.probabilities:  # several labels at once
        likely = sorted(item.probabilities.items(), key=lambda pair: -pair[1])[:LIKELY]
        return ", ".join(f"{label} {percent(share)}" for label, share in likely)
    first = percent(item.probabilities[item.answer])
    others = sorted(
        (share, label) for label, share in item.probabilities.items() if label != item.answer
    )[::-1]
    # With two labels, the first says it all.
    runners = [f"{label} {percent(share)}" for share, label in others[: LIKELY - 1]]
    return f"{first}, then {', '.join(runners)}" if len(others) > 1 else first


def _masks(written: Sequence[Mapping[str, str]], output: Path) -> str:
    masks = sum("mask" in files for files in written)
    drawn = sum(map(bool, written)) - masks
    if not masks and not drawn:
        return "no mask: the paths answer for whole pictures"
    found = [(masks, "mask"), (drawn, "picture")]
    return " and ".join(counted(count, noun) for count, noun in found if count) + f" in {output}"
