"""``legonet store``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import json_document, store_folder
from legonet.cli.output import Exit, document, show
from legonet.cli.tables import console, counted, table
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from legonet.building import Store

DEFAULT = Path(".legonet")
SHOWN_DIGITS = 12
"""Digits of a key that a table shows."""


@click.group(no_args_is_help=True)
def store() -> None:
    """Manage a store: see what is in it, check that it is intact, remove what is not needed.

    Without --store it is the folder .legonet in the current folder. For a remote store, .legonet
    is the mirror on this machine.
    """


@store.command("ls")
@store_folder
@json_document
def listing(store: str | Path | None, as_json: bool) -> None:
    """Show the artifacts and the specs that use them."""
    from legonet.building.storage.maintenance import Maintenance

    opened = _opened(store)
    found = Maintenance(opened).listing()
    if as_json:
        document({"artifacts": [item.to_json() for item in found]})
        return
    is_mirror = _mirrored(opened) is not None
    shown = table("", "key", "size", *(["where"] if is_mirror else []), "used by", right=("size",))
    for item in found:
        users = ", ".join(item.users) or "no spec"
        state = users if item.artifact is not None else f"{users} (damaged)"
        where = [" and ".join(item.places)] if is_mirror else []
        shown.add_row(item.kind, item.key[:SHOWN_DIGITS], _size(item.size), *where, state)
    out = console()
    out.print(shown)
    out.print(f"{counted(len(found), 'artifact')}, {_size(sum(item.size for item in found))}")


@store.command("verify")
@store_folder
@json_document
def verify(store: str | Path | None, as_json: bool) -> None:
    """Read every artifact; set damaged ones aside, to be built again.

    For a remote store, only the mirror is read; anything fetched from the store is verified then.
    """
    from legonet.building.storage.maintenance import Maintenance

    count, damaged = Maintenance(_opened(store)).verify()
    if as_json:
        document({"artifacts": count, "diagnostics": [to_json(item) for item in damaged]})
    show(damaged)
    if damaged:
        raise click.exceptions.Exit(Exit.FAILED)
    if not as_json:
        click.echo(f"{counted(count, 'artifact')} verified, all intact")


@store.command("gc")
@store_folder
@click.option("--dry-run", is_flag=True, help="Remove nothing; show what would be removed.")
@click.option(
    "--forget-missing",
    is_flag=True,
    help="Also remove what only specs need whose files are missing.",
)
@json_document
def collect(store: str | Path | None, dry_run: bool, forget_missing: bool, as_json: bool) -> None:
    """Remove what no spec needs any more.

    A spec keeps what its networks and edges were in its last build, what a build of it still has
    to make, and what a build of it would reuse as it is now. A spec whose file is missing, perhaps
    because it was renamed or is on another branch, keeps the same until --forget-missing. For a
    remote store, only the mirror is cleaned up.
    """
    from legonet.building.specs_in_sight import reused
    from legonet.building.storage.maintenance import Maintenance, unknown_needs

    opened = _opened(store)
    Maintenance(opened).unused()  # where that is unknown, no spec need be read
    keys, mistakes = reused(opened)
    if forget_missing and mistakes:
        spec, mistake = next(iter(mistakes.items()))
        raise unknown_needs(spec, mistake.message, "correct the spec, or move it elsewhere")
    upkeep = Maintenance(opened, keys, forget_missing=forget_missing)
    kept = upkeep.kept()
    removed = upkeep.unused() if dry_run else upkeep.collect()
    if as_json:
        document(
            {
                "removed": [str(file) for file in removed],
                "kept": [item.to_json() for item in kept],
                "dry_run": dry_run,
            }
        )
        return
    for file in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {file}")
    for spec, mistake in mistakes.items():
        click.echo(
            f"kept for {_shown(spec)} what its last build used; what it would reuse now is unknown:"
            f" {mistake.message}"
        )
    for item in kept:
        why = "which is missing" if item.is_missing else "which would reuse it"
        size = _size(sum(item.sizes.values()))
        click.echo(
            f"kept {counted(len(item.sizes), 'file')}, {size}, for {_shown(item.spec)}, {why}"
        )
    if any(item.is_missing for item in kept):
        click.echo("--forget-missing removes what is kept for missing specs alone")
    click.echo(f"{counted(len(removed), 'file')}, {_size(sum(removed.values()))}")
    url = _mirrored(opened)
    if url is not None:
        click.echo(f"this is the mirror on this machine; {url} stays as it is")


def _opened(location: str | Path | None) -> Store:
    from legonet.building.storage.remote import open_store

    return open_store(location, DEFAULT)


def _mirrored(store: Store) -> str | None:
    """Return the URL of the remote store that a store mirrors, if it mirrors one."""
    from legonet.building.storage.remote import MirroredStore

    return store.shown_url if isinstance(store, MirroredStore) else None


def _shown(spec: Path) -> str:
    """Return how a spec's file is shown: from the current folder, if it is in there."""
    folder = Path.cwd()
    path = folder / spec
    return str(path.relative_to(folder) if path.is_relative_to(folder) else spec)


def _size(number: float) -> str:
    """Return a number of bytes as people read it, such as ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
