"""Where a click on a module leads: its statement in the spec."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from legonet.graph import ModuleGraph
from legonet.render.boxes import Links
from legonet.spec import Key

ABSOLUTE = "file://{path}#L{line}"
"""The address of a line of a file on this machine."""

RELATIVE = "{relative}#L{line}"
"""The address of a line of a file as seen from the picture, wherever both are moved together."""


def links_to(graph: ModuleGraph, template: str, folder: Path) -> Links:
    """Return what gives the addresses of a graph's statements.

    Args:
        graph: The graph; what does not stand in a file has no address.
        template: With ``{path}``, ``{relative}`` and ``{line}`` in it; empty for no addresses.
        folder: Where the picture stands.
    """
    origins = graph.spec.origins
    places: dict[str, tuple[str, str]] = {}

    def link(key: Key) -> str:
        origin = origins.get(key)
        if origin is None or not template:
            return ""
        source = origin.span.source.path
        if source not in places:
            places[source] = _places(Path(source), folder)
        path, relative = places[source]
        return (
            template.replace("{path}", path)
            .replace("{relative}", relative)
            .replace("{line}", str(origin.span.line))
        )

    return link


def _places(file: Path, folder: Path) -> tuple[str, str]:
    path = file.absolute()
    try:
        relative = Path(os.path.relpath(path, folder.absolute()))
    except ValueError:
        # On another drive, to which no way leads from here.
        relative = path
    posix = path.as_posix()
    return quote(posix if posix.startswith("/") else f"/{posix}"), quote(relative.as_posix())
