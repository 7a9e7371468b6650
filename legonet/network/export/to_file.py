"""Exporting: one path of a network, verified, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.network.export import bundle, onnx_model, program
from legonet.network.export.application import Application
from legonet.network.export.bundle_document import is_bundle
from legonet.network.export.files import check_folder, write_together
from legonet.network.export.verification import Asked, ask, largest_difference

if TYPE_CHECKING:
    from legonet.network.transplant_network import TransplantNetwork
    from legonet.spec import Spec


class Format(StrEnum):
    """What an application is exported as."""

    PROGRAM = "program"
    ONNX = "onnx"
    BUNDLE = "bundle"


SUFFIXES = {".pt2": Format.PROGRAM, ".onnx": Format.ONNX, bundle.TENSORS: Format.BUNDLE}
"""The formats by the endings of their files."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Args:
        files: The files; a bundle has two.
        format: Their format.
        bytes: Their size.
        difference: By how much the logits of the file differ at most from those of the network;
            None for ONNX where onnxruntime is not installed.
        description: What the application is, what goes in and what comes out, as it also stands
            in the file.
    """

    files: tuple[Path, ...]
    format: Format
    bytes: int
    difference: float | None
    description: dict[str, Any]


def export(
    network: TransplantNetwork,
    file: Path | str,
    *,
    path: str | None = None,
    category: str | None = None,
    task: str | None = None,
    format: Format | str | None = None,  # noqa: A002 - what everybody calls it
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
    check_folder(file)
    if wanted is Format.BUNDLE:
        _check_sibling(file.with_suffix(bundle.TEXT))
    elif wanted is Format.ONNX:
        onnx_model.require_packages()
    ends = _ends(network, path, category, task)
    route = network.route(*ends)
    if wanted is not Format.PROGRAM:
        # Only programs are bound to a device; the route has modules of its own from here on.
        route = route.to("cpu")
    application = Application.of(network, ends, route, name=path, dynamic_size=dynamic_size)
    asked = ask(route, application.description["size"], dynamic_size=dynamic_size)
    encoded, difference = _encoded(wanted, application, asked, network.graph.spec)
    contents = {file.with_suffix(ending) if ending else file: encoded[ending] for ending in encoded}
    write_together(contents)
    written = sum(map(len, contents.values()))
    return Export(tuple(contents), wanted, written, difference, application.description)


def format_of(file: Path, format: Format | str | None = None) -> Format:  # noqa: A002
    """Return the format of a file: the one that is said, or that of its ending.

    Raises:
        DiagnosticError: LEGO760, neither is known.
    """
    by_ending = SUFFIXES.get(file.suffix.lower())
    wanted = by_ending if format is None else _known(format)
    if wanted is None or (wanted is Format.BUNDLE and file.suffix != bundle.TENSORS):
        endings = bundle.TENSORS if wanted else ", ".join(SUFFIXES)
        found = f"`{file.suffix}`" if file.suffix else f"`{file.name}` without one"
        suffix = bundle.TENSORS if wanted else ".onnx"
        raise DiagnosticError.of(
            "LEGO760",
            f"expected a file that ends in {endings}, found {found}",
            help=[f"write to `{file.stem or 'application'}{suffix}`"],
        )
    return wanted


def _encoded(
    wanted: Format, application: Application, asked: Sequence[Asked], spec: Spec
) -> tuple[dict[str, bytes], float | None]:
    """Return the contents of each file by its ending, verified, and the largest difference.

    The ending is empty where it is the file's own.
    """
    if wanted is Format.BUNDLE:
        contents = bundle.encode(application, spec)
        opened = bundle.decode(contents[bundle.TEXT], contents[bundle.TENSORS], Path("bundle"))
        with torch.no_grad():
            return contents, largest_difference(opened, asked, tolerance=0)
    traced = program.trace(application)
    if wanted is Format.PROGRAM:
        encoded = program.encode(traced, application)
        return {"": encoded}, program.verify(encoded, asked)
    encoded = onnx_model.encode(traced, application)
    return {"": encoded}, onnx_model.verify(encoded, asked)


def _known(format: Format | str) -> Format:  # noqa: A002
    names = [item.value for item in Format]
    if format not in names:
        raise DiagnosticError.of(
            "LEGO760",
            f"expected one of the formats {', '.join(names)}, found `{format}`",
            help=did_you_mean(format, names, "format"),
        )
    return Format(format)


def _check_sibling(file: Path) -> None:
    """Check that the JSON file of a bundle takes the place of no other file."""
    try:
        other = file.exists() and not is_bundle(file.read_bytes())
    except OSError:
        other = True
    if other:
        raise DiagnosticError.of(
            "LEGO767",
            f"the bundle's second file would replace `{file}`, which is no bundle's",
            help=["give the bundle another name, or move that file away"],
        )


def _ends(
    network: TransplantNetwork, path: str | None, category: str | None, task: str | None
) -> tuple[str, str]:
    """Return the category and the task that are meant."""
    if path is not None and category is None and task is None:
        network.path(path)  # it knows what to say of a name that does not exist
        application = network.graph.spec.paths[path]
        return application.category, application.task
    if path is None and category is not None and task is not None:
        return category, task
    raise ValueError("expected a path, or a category and a task")
