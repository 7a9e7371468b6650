"""What lies in a store: who uses it, whether it is whole, and what can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legonet.build.storage.files import not_written
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.store import KINDS, Artifact, ArtifactKind, Store
from legonet.diagnostics import Diagnostic, DiagnosticError


@dataclass(frozen=True)
class Stored:
    """An artifact in a store.

    Args:
        kind: ``network`` or ``adapter``.
        key: Its content key.
        file: Where it stands.
        size: In bytes.
        artifact: The artifact; None where the file is damaged.
        users: The specs that use it with the names that it has there, such as
            ``animals.lego: cat -> classify``.
    """

    kind: ArtifactKind
    key: str
    file: Path
    size: int
    artifact: Artifact | None
    users: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return its part of the document of ``legonet store ls --json``."""
        return {
            "kind": self.kind,
            "key": self.key,
            "bytes": self.size,
            "whole": self.artifact is not None,
            "users": list(self.users),
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
        self._ledgers = [Ledger(file) for file in sorted((store.folder / LEDGERS).glob("*.jsonl"))]

    def listing(self) -> list[Stored]:
        """Return all artifacts, networks first."""
        users = self._users()
        return [
            Stored(
                kind,
                file.stem,
                file,
                file.stat().st_size,
                self._store.find(kind, file.stem),
                tuple(users.get(file.stem, ())),
            )
            for kind in KINDS
            for file in sorted((self._store.folder / f"{kind}s").glob("*.safetensors"))
        ]

    def damaged(self) -> list[Diagnostic]:
        """Read every artifact, set the damaged ones aside, and say which they are.

        They are built anew by the next build of a spec that uses them.
        """
        found: list[Diagnostic] = []
        for item in self.listing():
            try:
                if item.artifact is None:
                    raise self._store.set_aside(item.kind, item.file, "it is no whole artifact")
                self._store.tensors(item.artifact)
            except DiagnosticError as error:
                found += error.diagnostics
        return found

    def unused(self) -> list[Path]:
        """Return the files that no spec in use needs.

        A spec is in use while its file exists. It needs what its names stood for when it was
        built last, and what a build of it wanted to make since.
        """
        needed = {
            key
            for ledger in self._ledgers
            if ledger.in_use
            for key in (*ledger.keys.values(), *ledger.wanted)
        }
        return [file for file in self._files() if file.name.lstrip(".").split(".")[0] not in needed]

    def collect(self) -> list[Path]:
        """Remove the files that no spec in use needs, and return them.

        Raises:
            DiagnosticError: A file cannot be removed.
        """
        removed = self.unused()
        for file in removed:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise not_written(file, 0, error) from None
        return removed

    def _files(self) -> Iterator[Path]:
        """Give what a build may have left: artifacts, damaged ones, checkpoints, locks, parts."""
        for name in (*(f"{kind}s" for kind in KINDS), "checkpoints", "locks"):
            yield from sorted((self._store.folder / name).glob("*"))
        for ledger in self._ledgers:
            if not ledger.in_use:
                yield ledger.file

    def _users(self) -> dict[str, list[str]]:
        users: dict[str, list[str]] = {}
        for ledger in self._ledgers:
            if ledger.in_use and ledger.spec is not None:
                for name, key in ledger.keys.items():
                    users.setdefault(key, []).append(f"{ledger.spec.name}: {name}")
        return users
