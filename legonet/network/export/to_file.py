"""Exporting: one path of a network, verified, to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.atomic_files import write_atomically
from legonet.diagnostics import DiagnosticError
from legonet.network.export.application import AnyApplication, Application, JointApplication
from legonet.network.export.format import FORMATS, ExportFormat, format_of
from legonet.network.export.verification import ask
from legonet.network.route import JointRoute, Route

if TYPE_CHECKING:
    from legonet.network.route import Answering


@dataclass(frozen=True)
class Export:
    """What was written.

    Args:
        files: The files; a bundle has two.
        format: The name of their format.
        bytes: Their size.
        difference: By how much the logits of the file differ at most from those of the network;
            None for ONNX where onnxruntime is not installed.
        description: What the application is, what goes in and what comes out, as the file
            says it too.
    """

    files: tuple[Path, ...]
    format: str
    bytes: int
    difference: float | None
    description: dict[str, Any]


def export(
    network: Answering,
    file: Path | str,
    *,
    path: str | None = None,
    category: str | None = None,
    task: str | None = None,
    format: str | None = None,  # noqa: A002 - what everybody calls it
    dynamic_size: bool = False,
) -> Export:
    """Write one path of a network to a file that opens without a spec.

    What would be written is loaded and compared with the network first, on pictures of noise in
    batches of several sizes. A bundle has to answer with the same bits.

    Args:
        network: The network.
        file: Where to. ``.pt2`` is a program of `torch.export`, ``.onnx`` an ONNX model,
            ``.safetensors`` a bundle with a ``.json`` beside it.
        path: The name of the application; or else ``category`` and ``task`` of an edge.
        category: The category's name.
        task: The task's name.
        format: ``program``, ``onnx`` or ``bundle``, where the ending does not say it.
        dynamic_size: Leave the height and width of the pictures open, too. The batch always is.

    Raises:
        DiagnosticError: LEGO708 and LEGO709, there is no such path, or it is not built; LEGO760,
            an unknown ending; LEGO761, a package is missing; LEGO762, it cannot be written; LEGO763
            and LEGO765, it cannot be expressed in this format; LEGO764, it answers otherwise.
        ValueError: Neither a path is named, nor a category with a task.
    """
    file = Path(file)
    wanted = format_of(file, format)
    kind = FORMATS.get(wanted)()
    check_folder(file)
    kind.check(file)
    route, ends = _route(network, path, category, task)
    if isinstance(route, JointRoute):
        _check_joint(route, kind)
    if not kind.tied_to_device:
        # The route has modules of its own from here on.
        route = route.to("cpu")
    application: AnyApplication
    if isinstance(route, JointRoute):
        application = JointApplication.of(network, route, dynamic_size=dynamic_size)
    else:
        application = Application.of(network, ends, route, name=path, dynamic_size=dynamic_size)
    asked = ask(route, application.description["size"], dynamic_size=dynamic_size)
    encoded = kind.encode(application, network.graph.edge(*ends))
    difference = kind.verify(encoded, asked)
    contents = {file.with_suffix(ending) if ending else file: encoded[ending] for ending in encoded}
    write_together(contents)
    written = sum(map(len, contents.values()))
    return Export(tuple(contents), wanted, written, difference, application.description)


def _route(
    network: Answering, path: str | None, category: str | None, task: str | None
) -> tuple[Route | JointRoute, tuple[str, str]]:
    """Return the route that is meant, and the category and the task of its first edge."""
    if path is not None and category is None and task is None:
        return network.path(path), network.graph.spec.paths[path].edges[0]
    if path is None and category is not None and task is not None:
        return network.route(category, task), (category, task)
    raise ValueError("expected a path, or a category and a task")


def _check_joint(route: JointRoute, kind: ExportFormat) -> None:
    """Raise a `DiagnosticError`, LEGO766, where a format cannot express a path of several edges."""
    if len(route.tasks) > 1:
        raise DiagnosticError.of(
            "LEGO766",
            f"path `{route.name}` leads to {len(route.tasks)} tasks, and a file answers with one",
            help=[f"write a path to each task, such as `path {route.name}_{route.tasks[0]} = ..`"],
        )
    if not kind.joins:
        raise DiagnosticError.of(
            "LEGO766",
            f"path `{route.name}` joins {len(route.categories)} categories, which {kind.words}"
            " cannot express",
            help=["export a program or an ONNX model: `-o NAME.pt2` or `-o NAME.onnx`"],
        )


def check_folder(file: Path) -> None:
    """Raise a `DiagnosticError`, LEGO762, where a file's folder does not exist."""
    if not file.parent.is_dir():
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{file}`: there is no folder `{file.parent}`",
            help=["make the folder, or write somewhere else"],
        )
    if file.is_dir():
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{file}`: it is a folder",
            help=["name a file in it, or another one"],
        )


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files beside their places first, and move them there when all of them are written.

    Args:
        files: The contents of each, in the order in which they are moved.

    Raises:
        DiagnosticError: LEGO762, the disk is full, or a folder cannot be written; what was
            there before is untouched.
    """
    try:
        write_atomically(files)
    except OSError as error:
        needed = sum(map(len, files.values()))
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{error.filename}`: {error.strerror or error}",
            help=[
                f"{needed:,} bytes are needed there",
                "make room or permit writing, or write somewhere else",
            ],
        ) from None
