"""Sources that other packages register."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from legonet.data.source import Source
from legonet.diagnostics import DiagnosticError, did_you_mean

GROUP = "legonet.sources"
"""The entry point group; a name in it stands for a callable that returns a `Source`."""


def open_plugin(name: str, arguments: Mapping[str, object]) -> Source:
    """Open a source of another package by the name that the package registers it by.

    Args:
        name: The entry point's name.
        arguments: Keyword arguments of what it stands for.

    Raises:
        DiagnosticError: There is no such entry point, or it gives no source.
    """
    registered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in registered:
        raise DiagnosticError.of(
            "LEGO408",
            f"expected a source, but no installed package registers `{name}`",
            label="not a known source",
            help=[
                *did_you_mean(name, registered, "source"),
                "install the package that has it into the environment of legonet",
            ],
        )
    try:
        source = registered[name].load()(**arguments)
    except DiagnosticError:
        raise
    # Foreign code: whatever it raises is shown as its own fault, not as a traceback.
    except Exception as error:
        raise DiagnosticError.of(
            "LEGO408",
            f"the source `{name}` could not be opened: {type(error).__name__}",
            label="its package failed",
            help=[f"it says: {error}", f"its entry point is `{registered[name].value}`"],
        ) from error
    if not isinstance(source, Source):
        raise DiagnosticError.of(
            "LEGO408",
            f"expected `{name}` to give a `legonet.data.Source`, found a `{type(source).__name__}`",
            label="gives no source",
            help=[f"its entry point is `{registered[name].value}`"],
        )
    return source
