"""An application as a program of `torch.export`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from torch.export import Dim, ExportedProgram

from legonet.diagnostics import DiagnosticError
from legonet.network.export.application import AnyApplication, device_of
from legonet.network.export.format import ExportFormat
from legonet.network.export.verification import (
    OTHER_FORMATS,
    TOLERANCE,
    Asked,
    first_line,
    largest_difference,
    no_other_size,
)
from legonet.text_bytes import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from legonet.graph.resolved import ResolvedEdge

DESCRIPTION = "legonet.json"
"""The name of the description among a program's extra files."""


class Program(ExportFormat):
    """A program of `torch.export`, which needs torch alone and is tied to a device."""

    words = "a program of torch.export"
    suffix = ".pt2"
    joins = True
    tied_to_device = True

    def encode(self, application: AnyApplication, edge: ResolvedEdge) -> Mapping[str, bytes]:  # noqa: ARG002
        """Return the contents of a ``.pt2`` file, with the application's description in it."""
        buffer = io.BytesIO()
        description = json_text(application.description, indent=2)
        torch.export.save(trace(application), buffer, extra_files={DESCRIPTION: description})
        return {"": buffer.getvalue()}

    def verify(self, contents: Mapping[str, bytes], asked: Sequence[Asked]) -> float:
        """Load the program and compare its answers."""
        loaded = torch.export.load(io.BytesIO(contents[""])).module()
        with torch.no_grad():
            return largest_difference(loaded, asked, TOLERANCE)


def trace(application: AnyApplication) -> ExportedProgram:
    """Return an application as a program that takes batches of any number.

    Args:
        application: The application; its description says whether height and width are open, too.

    Raises:
        DiagnosticError: LEGO763, torch cannot express it as a program; LEGO765, only with a fixed
            height and width.
    """
    size = application.description["size"]
    # In an example of one picture the batch would be taken for a constant.
    example = torch.zeros(2, 3, size, size, device=device_of(application))
    dynamic: dict[int, Any] = {0: Dim("batch", min=1)}
    if application.has_dynamic_size:
        dynamic |= {2: Dim.AUTO, 3: Dim.AUTO}
    try:
        program = torch.export.export(application, (example,), dynamic_shapes=(dynamic,))
    except Exception as error:
        # Tracing runs the network's own code, which may raise anything at all.
        raise not_exported("as a program of torch.export", first_line(error)) from error
    if application.has_dynamic_size and any(isinstance(side, int) for side in _taken(program)[2:]):
        raise no_other_size("torch finds that its layers fix them")
    _forget_places(program)
    return program


def not_exported(kind: str, reason: str) -> DiagnosticError:
    """Return what to say of a network that cannot be exported in some form."""
    return DiagnosticError.of(
        "LEGO763",
        f"the application cannot be exported {kind}: {reason}",
        help=[OTHER_FORMATS],
    )


def _taken(program: ExportedProgram) -> Sequence[Any]:
    (name,) = program.graph_signature.user_inputs
    (node,) = (node for node in program.graph.nodes if node.name == name)
    shape: Sequence[Any] = node.meta["val"].shape
    return shape


def _forget_places(program: ExportedProgram) -> None:
    """Leave out which files of this computer each step comes from."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
