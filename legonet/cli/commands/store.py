"""``legonet store``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import json_document, store_folder
from legonet.cli.exits import Exit
from legonet.cli.output import console, counted, document, show, table
from legonet.diagnostics.json import to_json

if TYPE_CHECKING:
    from legonet.build import Store

DEFAULT = Path(".legonet")
SHOWN_DIGITS = 12
"""Digits of a key that a table shows."""


@click.group(no_args_is_help=True)
def store() -> None:
    """Look after a store: what lies in it, whether it is whole, what can go.

    Without --store it is the folder .legonet in the current one. Of a remote store, .legonet is the
    mirror on this machine.
    """


@store.command("ls")
@store_folder
@json_document
def listing(store: str | Path | None, as_json: bool) -> None:
    """Show the artifacts and who uses them."""
    from legonet.build.storage.upkeep import Upkeep

    opened = _opened(store)
    found = Upkeep(opened).listing()
    if as_json:
        document({"artifacts": [item.to_json() for item in found]})
        return
    is_mirror = _mirrored(opened) is not None
    shown = table("", "key", "size", *(["where"] if is_mirror else []), "used by", right=("size",))
    for item in found:
        users = ", ".join(item.users) or "nobody"
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
    """Read every artifact; set aside what is damaged, to be built anew.

    Of a remote store the mirror is read; what is fetched from there is verified whenever it is.
    """
    from legonet.build.storage.upkeep import Upkeep

    count, damaged = Upkeep(_opened(store)).verify()
    if as_json:
        document({"artifacts": count, "diagnostics": [to_json(item) for item in damaged]})
    show(damaged)
    if damaged:
        raise click.exceptions.Exit(Exit.FAILED)
    if not as_json:
        click.echo(f"{counted(count, 'artifact')} verified, all whole")


@store.command("gc")
@store_folder
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would go.")
@json_document
def collect(store: str | Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove what no spec needs any more.

    A spec whose file exists keeps what its networks and edges stood for in its last build, and what
    a build of it is to make. Of a remote store only the mirror is tidied.
    """
    from legonet.build.storage.upkeep import Upkeep

    opened = _opened(store)
    upkeep = Upkeep(opened)
    removed = upkeep.unused() if dry_run else upkeep.collect()
    if as_json:
        document({"removed": [str(file) for file in removed], "dry_run": dry_run})
        return
    for file in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {file}")
    click.echo(f"{counted(len(removed), 'file')}, {_size(sum(removed.values()))}")
    url = _mirrored(opened)
    if url is not None:
        click.echo(f"this is the mirror on this machine; {url} stays as it is")


def _opened(location: str | Path | None) -> Store:
    from legonet.build.storage.remote import open_store

    return open_store(location, DEFAULT)


def _mirrored(store: Store) -> str | None:
    """Return the URL of the store that another one mirrors, if it does."""
    from legonet.build.storage.remote import MirroredStore

    return store.shown_url if isinstance(store, MirroredStore) else None


def _size(number: float) -> str:
    """Return a number of bytes as people read it, such as ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
