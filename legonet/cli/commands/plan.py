"""``legonet plan``."""

from __future__ import annotations

from legonet.cli.arguments import Json, Settings, SpecFile, StoreFolder, overrides
from legonet.cli.output import console, document


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
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "action", "reason"):
        table.add_column(heading, overflow="fold")
    for step in (*planned.networks, *planned.edges):
        kind = "network" if step.kind == "network" else "edge"
        table.add_row(kind, step.name, step.action, step.reason)
    out = console()
    out.print(table)
    count = len(planned.to_build)
    out.print("nothing to do" if not count else f"{count} to build")
