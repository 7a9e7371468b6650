"""The formats that an application is exported in, by their names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.registry import Registry, UnusableError

if TYPE_CHECKING:
    from legonet.graph.resolved import ResolvedEdge
    from legonet.network.export.application import AnyApplication
    from legonet.network.export.verification import Asked


class ExportFormat(ABC):
    """One format; a class of its own registers it.

    Attributes:
        words: What a file of it is called in a sentence, such as ``an ONNX model``.
        suffix: What its files end in.
        tied_to_device: Whether a file computes where the application did, and nowhere else.
        joins: Whether it can express a joint path, which has several category modules.
        several_files: Whether its files are told apart by their endings, so that none is free.
    """

    words: ClassVar[str]
    suffix: ClassVar[str]
    tied_to_device: ClassVar[bool] = False
    joins: ClassVar[bool] = False
    several_files: ClassVar[bool] = False

    def check(self, file: Path) -> None:  # noqa: B027 - most formats need nothing
        """Raise a `DiagnosticError` where nothing can be written, before anything is computed.

        Args:
            file: What is to be written.
        """

    @abstractmethod
    def encode(self, application: AnyApplication, edge: ResolvedEdge) -> Mapping[str, bytes]:
        """Return the contents of each file by its ending, empty for the ending that was asked for.

        Args:
            application: What to write; a `JointApplication` only for a format that ``joins``.
            edge: The edge that it was taken from; for a joint path, the first of them.

        Raises:
            DiagnosticError: The format cannot express it.
        """

    @abstractmethod
    def verify(self, contents: Mapping[str, bytes], asked: Sequence[Asked]) -> float | None:
        """Load what `encode` returned, and return by how much its answers differ at most.

        Args:
            contents: What `encode` returned.
            asked: Pictures, and the network's answers about them.

        Returns:
            The largest difference of a logit; None where what reads the format is not installed.

        Raises:
            DiagnosticError: By more than rounding explains.
        """


FORMATS: Registry[ExportFormat] = Registry(
    ExportFormat,
    "legonet.export_formats",
    {
        "program": "legonet.network.export.program:Program",
        "onnx": "legonet.network.export.onnx_model:OnnxModel",
        "bundle": "legonet.network.export.bundle:Bundle",
    },
)
"""The formats; other packages add theirs at the entry point ``legonet.export_formats``."""


def format_of(file: Path, name: str | None = None) -> str:
    """Return the name of a file's format: the one that is given, or that of its ending.

    Raises:
        DiagnosticError: LEGO760, neither is known.
    """
    endings = {_kind(known).suffix: known for known in FORMATS.names if _is_usable(known)}
    if name is not None and name not in FORMATS.names:
        raise DiagnosticError.of(
            "LEGO760",
            f"expected one of the formats {', '.join(FORMATS.names)}, found `{name}`",
            help=did_you_mean(name, FORMATS.names, "format"),
        )
    wanted = name or endings.get(file.suffix.lower())
    kind = None if wanted is None else _kind(wanted)
    if wanted is None or kind is None or (kind.several_files and file.suffix != kind.suffix):
        expected = ", ".join(endings) if kind is None else kind.suffix
        found = f"`{file.suffix}`" if file.suffix else f"`{file.name}` without one"
        raise DiagnosticError.of(
            "LEGO760",
            f"expected a file that ends in {expected}, found {found}",
            help=[f"write to `{file.stem or 'application'}{kind.suffix if kind else '.onnx'}`"],
        )
    return wanted


def _kind(name: str) -> type[ExportFormat]:
    """Return a format's class.

    Raises:
        DiagnosticError: LEGO760, the package that registers it cannot be used.
    """
    try:
        return FORMATS.get(name)
    except UnusableError as error:
        raise DiagnosticError.of(
            "LEGO760",
            f"the format `{name}` cannot be used: {error}",
            help=["mend or remove the package that registers it"],
        ) from error


def _is_usable(name: str) -> bool:
    """Whether a format's class can be imported; one that cannot spoils no other format."""
    try:
        _kind(name)
    except DiagnosticError:
        return False
    return True
