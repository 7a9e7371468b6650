"""What lies in a store: who uses it, whether it is whole, and what can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from legonet.build.storage.checkpoints import CHECKPOINTS
from legonet.build.storage.files import not_written
from legonet.build.storage.inventory import EVIDENCE, inventories_of
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.locks import sweep
from legonet.build.storage.store import (
    DAMAGED,
    ENDING,
    KINDS,
    LOCKS,
    Artifact,
    ArtifactKind,
    Store,
)
from legonet.diagnostics import Diagnostic, DiagnosticError

Place = Literal["here", "remote"]
"""The folder, or the remote store that it mirrors."""


@dataclass(frozen=True)
class Stored:
    """An artifact in a store.

    Args:
        kind: ``network`` or ``adapter``.
        key: Its content key.
        size: In bytes.
        artifact: The artifact; None where the file is damaged.
        users: The specs that use it with the names that it has there, such as
            ``animals.lego: cat -> classify``.
        places: Where it stands.
    """

    kind: ArtifactKind
    key: str
    size: int
    artifact: Artifact | None
    users: tuple[str, ...]
    places: tuple[Place, ...]

    def to_json(self) -> dict[str, Any]:
        """Return its part of the document of ``legonet store ls --json``."""
        return {
            "kind": self.kind,
            "key": self.key,
            "bytes": self.size,
            "whole": self.artifact is not None,
            "users": list(self.users),
            "places": list(self.places),
            "metrics": {} if self.artifact is None else self.artifact.metrics,
        }


class Upkeep:
    """Looks after a store.

    Args:
        store: The store.

    Raises:
        DiagnosticError: There is no such folder.
    """

    def __init__(self, store: Store) -> None:
        if not store.folder.is_dir():
            raise DiagnosticError.of(
                "LEGO710",
                f"no store at `{store.folder}`",
                help=["a store is the folder `.legonet` beside a spec that was built"],
            )
        self._store = store

    def listing(self) -> list[Stored]:
        """Return all artifacts, networks first, with those of a remote store.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        users = self._users()
        self._store.survey()
        return [item for kind in KINDS for item in self._listing(kind, users)]

    def verify(self) -> tuple[int, list[Diagnostic]]:
        """Read every artifact of the folder, and set the damaged ones aside.

        They are built anew by the next build of a spec that uses them.

        Returns:
            How many were read, and what is wrong with those that are damaged.
        """
        found: list[Diagnostic] = []
        read = 0
        for kind in KINDS:
            for key in sorted(self._here(kind)):
                try:
                    self._store.check(kind, key)
                except DiagnosticError as error:
                    if error.diagnostics[0].code == _VANISHED:
                        continue
                    found += error.diagnostics
                read += 1
        return read, found

    def unused(self) -> dict[Path, int]:
        """Return the files that no spec in use needs, with their sizes.

        A spec is in use while its file exists. It needs what its names stood for when it was
        built last, and what a build of it wanted to make since.

        Raises:
            DiagnosticError: A ledger cannot be read, so that nobody knows what its spec needs.
        """
        # Files first: a build says what it will make before it makes any.
        files = dict(self._files())
        needs = _Needs([Ledger(file) for file in self._ledgers()])
        return {file: size for file, size in files.items() if not needs.has(file)}

    def collect(self) -> dict[Path, int]:
        """Remove the files that no spec in use needs, and return them with their sizes.

        What somebody is building right now stays, whatever is known of it.

        Raises:
            DiagnosticError: A ledger cannot be read, or a file cannot be removed.
        """
        removed = {}
        unused = self.unused()
        held = sweep(self._store.folder / LOCKS)
        for file, size in unused.items():
            if _key(file) in held:
                continue
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise not_written(file, 0, error) from None
            removed[file] = size
        return removed

    def _listing(self, kind: ArtifactKind, users: dict[str, list[str]]) -> Iterator[Stored]:
        here, remote = self._here(kind), _artifacts(self._store.shared(f"{kind}s"))
        for key in sorted(here | remote):
            yield Stored(
                kind,
                key,
                here.get(key) or remote[key],
                self._store.find(kind, key),
                tuple(users.get(key, ())),
                (*(("here",) if key in here else ()), *(("remote",) if key in remote else ())),
            )

    def _here(self, kind: ArtifactKind) -> dict[str, int]:
        folder = self._store.folder / f"{kind}s"
        return _artifacts({file.name: size for file, size in _sizes(folder)})

    def _files(self) -> Iterator[tuple[Path, int]]:
        """Give what may go: artifacts, damaged ones, checkpoints, parts, and notes on them."""
        for name in (*(f"{kind}s" for kind in KINDS), CHECKPOINTS, EVIDENCE, LEDGERS):
            yield from sorted(_sizes(self._store.folder / name))

    def _ledgers(self) -> list[Path]:
        return sorted((self._store.folder / LEDGERS).glob("*.jsonl"))

    def _users(self) -> dict[str, list[str]]:
        users: dict[str, list[str]] = {}
        for ledger in map(Ledger, self._ledgers()):
            if ledger.in_use and ledger.spec is not None:
                for name, key in ledger.keys.items():
                    users.setdefault(key, []).append(f"{ledger.spec.name}: {name}")
        return users


class _Needs:
    """What the specs in use need of a store.

    Args:
        ledgers: Of all specs that share the store.

    Raises:
        DiagnosticError: A ledger cannot be read.
    """

    def __init__(self, ledgers: list[Ledger]) -> None:
        for ledger in ledgers:
            _check_sound(ledger.file)
        used = [ledger for ledger in ledgers if ledger.in_use]
        self._ledgers = {ledger.file for ledger in ledgers if ledger.spec is None or ledger.in_use}
        self._finished = {key for ledger in used for key in ledger.keys.values()}
        self._wanted = {key for ledger in used for key in ledger.wanted} - self._finished
        self._evidence = {
            key
            for ledger in used
            for inputs in ledger.entries.values()
            for key in inventories_of(inputs)
        }

    def has(self, file: Path) -> bool:
        """Whether a file is needed."""
        key, folder = _key(file), file.parent.name
        if folder == LEDGERS:
            return file in self._ledgers or file.suffix != ".jsonl"
        if folder == EVIDENCE:
            # What an unfinished build noted is in no ledger yet.
            return key in self._evidence or bool(self._wanted)
        if file.suffix == DAMAGED:
            return False
        if key in self._wanted:
            return True
        # A part of a file is of no use once the whole stands beside it.
        is_part = file.name.startswith(".")
        return key in self._finished and not (is_part and file.with_name(key + ENDING).exists())


def _check_sound(ledger: Path) -> None:
    """Raise if a ledger may have said more than can be read of it.

    The end of a line is missing where a full disk did not take it. Whoever wrote it was told so;
    no other line can be damaged unless the disk is.
    """
    import json

    try:
        lines = ledger.read_bytes().splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unsound(ledger, error.strerror or str(error)) from None
    for number, line in enumerate(lines, 1):
        try:
            json.loads(line or b"0")
        except ValueError:
            if line.endswith((b'"}', b"]}")):
                raise _unsound(ledger, f"line {number} is damaged") from None


def _unsound(ledger: Path, reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO727",
        f"cannot read what a spec needs from `{ledger}`: {reason}",
        help=[
            "nothing was removed, as nobody can say what is unused",
            "mend the file; or remove it, and build all specs of this store before the next gc",
        ],
    )


def _key(file: Path) -> str:
    return file.name.lstrip(".").split(".")[0]


def _artifacts(sizes: dict[str, int]) -> dict[str, int]:
    """Return keys with sizes for the names of whole artifacts."""
    return {
        name.removesuffix(ENDING): size
        for name, size in sizes.items()
        if name.endswith(ENDING) and not name.startswith(".")
    }


def _sizes(folder: Path) -> Iterator[tuple[Path, int]]:
    """Give the files of a folder with their sizes; one that vanishes meanwhile is none."""
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            continue
        yield file, size


_VANISHED = "LEGO704"
