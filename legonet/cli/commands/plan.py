"""``legonet plan``."""

from __future__ import annotations

from legonet.cli.arguments import Json, Settings, SpecFile, StoreFolder, overrides
from legonet.cli.output import console, document, table


def plan(
    spec: SpecFile, settings: Settings = None, store: StoreFolder = None, as_json: Json = False
) -> None:
    """Say what a build would do, edge by edge, and why; nothing is built."""
    from legonet.build import Workspace
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings)))
    if as_json:
        document(planned.to_json())
        return
    shown = table("", "what", "action", "reason")
    for step in (*planned.networks, *planned.edges):
        kind = "network" if step.kind == "network" else "edge"
        shown.add_row(kind, step.name, step.action, step.reason)
    out = console()
    out.print(shown)
    count = len(planned.to_build)
    out.print(f"{count} to build" if count else "nothing to do")
