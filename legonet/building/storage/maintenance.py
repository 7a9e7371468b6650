"""What is in a store: which specs use it, whether it is intact, and what can be removed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from legonet.building.storage.build_history import Needs, forget
from legonet.building.storage.checkpoints import CHECKPOINTS
from legonet.building.storage.files import not_written
from legonet.building.storage.locks import sweep
from legonet.building.storage.store import (
    DAMAGED,
    ENDING,
    KINDS,
    LOCKS,
    Artifact,
    ArtifactKind,
    Store,
)
from legonet.diagnostics import Diagnostic, DiagnosticError

OLDER_HISTORIES = "ledgers"
"""The folder in a store in which earlier versions kept build histories, which this one ignores."""

Place = Literal["here", "remote"]
"""The folder, or the remote store that it mirrors."""


@dataclass(frozen=True)
class Stored:
    """An artifact in a store.

    Args:
        kind: ``network`` or ``adapter``.
        key: Its content key.
        size: Its size in bytes.
        artifact: The artifact; None if the file is damaged.
        users: The specs that use it and its names there, such as
            ``animals.lego: cat -> classify``.
        places: Where it is stored.
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


@dataclass(frozen=True)
class Kept:
    """What stays in a store for a spec whose last build, if any, does not need it.

    Args:
        spec: Its file.
        is_missing: Whether the file is missing; otherwise a build of it would reuse what stays.
        sizes: The files that stay for no other reason, with their sizes in bytes.
    """

    spec: Path
    is_missing: bool
    sizes: Mapping[Path, int]

    def to_json(self) -> dict[str, Any]:
        """Return its part of the document of ``legonet store gc --json``."""
        return {
            "spec": str(self.spec),
            "missing": self.is_missing,
            "files": len(self.sizes),
            "bytes": sum(self.sizes.values()),
        }


class Maintenance:
    """Inspects and cleans up a store.

    Args:
        store: The store.
        reused: The keys of what builds of specs would reuse as the specs are now, by their files.
        forget_missing: Whether specs whose files are missing need nothing.

    Raises:
        DiagnosticError: There is no such folder.
    """

    def __init__(
        self,
        store: Store,
        reused: Mapping[Path, Collection[str]] | None = None,
        *,
        forget_missing: bool = False,
    ) -> None:
        if not store.folder.is_dir():
            raise DiagnosticError.of(
                "LEGO710",
                f"no store at `{store.folder}`",
                help=["a store is the folder `.legonet` beside a spec that was built"],
            )
        self._store = store
        self._reused = reused or {}
        self._forget_missing = forget_missing

    def listing(self) -> list[Stored]:
        """Return all artifacts, networks first, including those of a remote store.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        users = self._users()
        self._store.survey()
        return [item for kind in KINDS for item in self._listing(kind, users)]

    def verify(self) -> tuple[int, list[Diagnostic]]:
        """Read every artifact of the folder, and set the damaged ones aside.

        The next build of a spec that uses them builds them again.

        Returns:
            How many were read, and what is wrong with the damaged ones.
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
        """Return the files that no spec needs, with their sizes.

        A spec needs what its names stood for when it was last built, and what later builds of it
        want to make or would reuse. So does one whose file is missing, unless it is forgotten.

        Raises:
            DiagnosticError: The index cannot be read, so that the specs' needs are unknown.
        """
        # Files first: a build records what it will make before it makes anything.
        files = dict(self._files())
        needs = self._needs()
        reused = frozenset().union(*self._reused.values())
        return {file: size for file, size in files.items() if not _is_needed(file, needs, reused)}

    def kept(self) -> list[Kept]:
        """Return what stays for specs whose last build, if any, does not need it.

        Raises:
            DiagnosticError: As for `unused`.
        """
        files = dict(self._files())
        needs = self._needs()
        owned = {key for keys in needs.missing.values() for key in keys}
        built = (needs.finished.keys() | needs.wanted) - owned
        reused = frozenset().union(*self._reused.values())
        users = [
            (self._store.folder / spec, True, keys - reused) for spec, keys in needs.missing.items()
        ]
        users += [(spec, False, frozenset(keys) - built) for spec, keys in self._reused.items()]
        found = [
            Kept(
                Path(os.path.normpath(spec)),
                is_missing,
                {file: size for file, size in files.items() if _key(file) in keys},
            )
            for spec, is_missing, keys in users
        ]
        return [item for item in found if item.sizes]

    def collect(self) -> dict[Path, int]:
        """Remove the files that no spec needs, and return them with their sizes.

        What is being built right now stays in any case.

        Raises:
            DiagnosticError: The index cannot be read, or a file cannot be removed.
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
        if self._store.index.file.exists():
            with self._store.index.writing() as index:
                forget(index, self._needs_of(index))
        return removed

    def known_specs(self) -> list[Path]:
        """Return the files of the specs that were built with this store, as far as they exist."""
        with suppress(DiagnosticError), self._store.index.reading() as index:
            return [self._store.folder / spec for spec in self._needs_of(index).specs]
        return []

    def _listing(self, kind: ArtifactKind, users: Mapping[str, Sequence[str]]) -> Iterator[Stored]:
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
        """Yield what may be removed: artifacts, damaged ones, checkpoints, and parts of them."""
        for name in (*(f"{kind}s" for kind in KINDS), CHECKPOINTS):
            yield from sorted(_sizes(self._store.folder / name))

    def _needs(self) -> Needs:
        """Return what the specs need.

        Raises:
            DiagnosticError: It is not known, or not known completely.
        """
        index, older = self._store.index, self._store.folder / OLDER_HISTORIES
        try:
            with index.reading() as connection:
                needs = self._needs_of(connection)
        except DiagnosticError as error:
            raise _unsound(index.file, error.diagnostics[0].message) from None
        # After reading: a build may have set the index aside just before.
        if index.aside.exists():
            raise _unsound(index.aside, "it was damaged and set aside")
        if older.exists():
            raise _unsound(older, "an older version of legonet wrote it")
        return needs

    def _needs_of(self, index: sqlite3.Connection) -> Needs:
        return Needs.of(index, self._store.folder, forget_missing=self._forget_missing)

    def _users(self) -> Mapping[str, Sequence[str]]:
        with suppress(DiagnosticError), self._store.index.reading() as index:
            return self._needs_of(index).finished
        return {}


def _is_needed(file: Path, needs: Needs, reused: Collection[str]) -> bool:
    key = _key(file)
    if file.suffix == DAMAGED:
        return False
    if key in needs.wanted:
        return True
    # A part of a file is of no use once the complete file exists.
    is_part = file.name.startswith(".")
    return (key in needs.finished or key in reused) and not (
        is_part and file.with_name(key + ENDING).exists()
    )


def _unsound(file: Path, reason: str) -> DiagnosticError:
    return unknown_needs(
        file, reason, "build all specs of this store; then remove it, and run gc again"
    )


def unknown_needs(file: Path, reason: str, advice: str) -> DiagnosticError:
    """Return the error that it is not known what may be removed.

    Args:
        file: The file that does not say it.
        reason: Why not.
        advice: What to do.
    """
    return DiagnosticError.of(
        "LEGO727",
        f"cannot read what specs need from `{file}`: {reason}",
        help=["nothing was removed, because it is unknown what is unused", advice],
    )


def _key(file: Path) -> str:
    return file.name.lstrip(".").split(".")[0]


def _artifacts(sizes: dict[str, int]) -> dict[str, int]:
    """Return the sizes of complete artifacts by key, given file names with sizes."""
    return {
        name.removesuffix(ENDING): size
        for name, size in sizes.items()
        if name.endswith(ENDING) and not name.startswith(".")
    }


def _sizes(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files of a folder with their sizes, skipping any that vanish meanwhile."""
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            continue
        yield file, size


_VANISHED = "LEGO704"
