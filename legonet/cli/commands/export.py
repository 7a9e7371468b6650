"""``legonet export``."""

from __future__ import annotations

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
from legonet.cli.output import document, show
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from legonet.network.export import Export


@click.command
@spec_file
@click.option("--path", metavar="NAME", help="The application to export.")
@click.option("--category", metavar="NAME", help="Instead of a path: the category of an edge ..")
@click.option("--task", metavar="NAME", help=".. and its task.")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="What to write: .pt2, .onnx or .safetensors.",
)
@click.option(
    "--format",
    "format_name",
    metavar="KIND",
    help="program, onnx or bundle, if the file's ending does not say which.",
)
@click.option(
    "--dynamic-size",
    is_flag=True,
    help="Leave the height and width of the pictures open, as the batch always is.",
)
@click.option(
    "--device",
    metavar="DEVICE",
    type=Device(),
    default="cpu",
    help="Where a program will run: cpu, cuda or cuda:N; the other formats run anywhere.",
)
@settings
@trust
@store_folder
@json_document
def export(
    spec: Path,
    path: str | None,
    category: str | None,
    task: str | None,
    output: Path,
    format_name: str | None,
    dynamic_size: bool,
    device: str,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    as_json: bool,
) -> None:
    """Write one application to a file that needs no spec.

    The ending of FILE gives the format: .pt2, a program of torch.export; .onnx, an ONNX model
    (needs legonet[export]); .safetensors, a bundle of tensors with a .json beside it that
    legonet.open_bundle opens. It is compared with the network before it is written. An edge that is
    no better than chance is exported with a warning.
    """
    named = (path is not None, category is not None, task is not None)
    if named not in ((True, False, False), (False, True, True)):
        raise click.UsageError("name the application by --path, or by --category and --task")
    from legonet.building import Workspace
    from legonet.graph import load
    from legonet.network import TransplantNetwork
    from legonet.network.export import export as export_to_file
    from legonet.network.export import format_of

    format_of(output, format_name)
    graph = load(spec, overrides(settings), trust)
    workspace = Workspace(spec, store)
    network = TransplantNetwork(workspace.plan(graph), workspace, device=device)
    written = export_to_file(
        network,
        output,
        path=path,
        category=category,
        task=task,
        format=format_name,
        dynamic_size=dynamic_size,
    )
    failures = network.failures(network.routes(category, task, paths=path))
    show(failures)
    if as_json:
        document({**_contents(written), "diagnostics": [to_json(item) for item in failures]})
    else:
        _tell(written)


def _contents(written: Export) -> dict[str, Any]:
    return {
        "files": [str(file) for file in written.files],
        "format": written.format,
        "bytes": written.bytes,
        "difference": written.difference,
        "application": written.description,
    }


def _tell(written: Export) -> None:
    from legonet.network.export import FORMATS

    about = written.description
    files = " and ".join(map(str, written.files))
    click.echo(f"exported: {files} ({FORMATS.get(written.format).words}, {written.bytes:,} bytes)")
    taken, given = about["input"], about["output"]
    for side, words in ((taken, taken["channels"]), (given, _meaning(given))):
        shape = " x ".join(map(str, side["shape"]))
        click.echo(f"{side['name']}: {shape}, {side['dtype']}, {words}")
    edge = f"{about.get('category', about['name'])} -> {about['task']}"
    if written.difference is None:
        click.echo(f"not compared with {edge}: onnxruntime is not installed")
    else:
        click.echo(f"answers as {edge} does; the largest difference is {written.difference:.1g}")


def _meaning(output: dict[str, Any]) -> str:
    labels = output["labels"]
    return f"{output['goal']} of {', '.join(labels)}" if labels else str(output["goal"])
