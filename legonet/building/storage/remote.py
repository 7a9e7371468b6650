"""A store shared by several machines: any URL that fsspec supports, with a mirror on each."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from legonet.building.storage.files import write_whole
from legonet.building.storage.filesystem import RemoteFolder
from legonet.building.storage.header import read_certificate
from legonet.building.storage.store import (
    DAMAGED,
    ENDING,
    KINDS,
    Artifact,
    ArtifactKind,
    DamagedError,
    Store,
    vanished,
)
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from torch import Tensor

HEAD = 32_768
"""Bytes of a file that are read for its header; a longer header costs another request."""


def open_store(location: str | Path | None, beside: Path) -> Store:
    """Return the store at a location.

    Args:
        location: A folder, or a URL that fsspec supports, such as ``s3://bucket/store``.
        beside: The store's folder if no location is given, or the mirror's folder for a remote
            store: ``.legonet`` beside the spec.
    """
    if location is None:
        return Store(beside)
    scheme, separator, path = str(location).partition("://")
    if not separator:
        return Store(Path(location))
    if scheme in ("file", "local"):
        return Store(Path(unquote(path)))
    return MirroredStore(str(location), beside)


class MirroredStore(Store):
    """A remote store, with a local folder for what was read from it and written to it.

    Locks, build histories and all other records of a build stay in the folder. Two machines that
    build the same key at once do the work twice, and the last one to write wins.

    Args:
        url: The URL of the remote store.
        folder: The mirror; it may have been a store of its own before.
    """

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder)
        self.url = url
        self._remote = RemoteFolder(url)
        self._surveyed: dict[str, Artifact | None] | None = None
        self._told: set[str] = set()
        self._known: set[str] = set()

    def __reduce__(self) -> tuple[type[MirroredStore], tuple[str, Path]]:
        """Pickle without connections and remembered results."""
        return type(self), (self.url, self.folder)

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown, without a password."""
        return self._remote.shown_url

    def at(self, folder: Path) -> MirroredStore:
        """Return this store as another machine opens it.

        Args:
            folder: The folder of the mirror there.
        """
        return MirroredStore(self.url, folder)

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return a finished artifact; only the header is read if the mirror does not have it.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        here = self.find_here(kind, key)
        if here is not None:
            return here
        name = self._name(self.file(kind, key))
        if self._surveyed is not None and name not in self._told:
            self._told.add(name)
            return self._surveyed.get(name)
        size = self._remote.size(name)
        if size is None:
            return None
        try:
            return self._artifact(name, size, self._remote.read(name, 0, min(HEAD, size)))
        except FileNotFoundError:
            return None

    def tensors(self, artifact: Artifact) -> dict[str, Tensor]:
        """Read an artifact's tensors through the mirror.

        Raises:
            DamagedError: They are not the bits that were written, neither locally nor remotely;
                both files were set aside.
            DiagnosticError: The remote store cannot be reached, the mirror cannot be written, or
                the artifact vanished.
        """
        file = self.file(artifact.kind, artifact.key)
        if not file.exists() and not self.fetch(file):
            raise vanished(artifact.kind)
        try:
            return super().tensors(artifact)
        except DamagedError:
            if not self.fetch(file):
                raise
        try:
            return super().tensors(artifact)
        except DamagedError:
            name = self._name(file)
            self._remote.move(name, PurePosixPath(name).with_suffix(DAMAGED).as_posix())
            raise

    def survey(self) -> None:
        """Find out at once which artifacts the remote store has, and read the missing headers.

        The result for a key is used only once, since another machine may add the key meanwhile.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        sizes = {
            f"{kind}s/{name}": size
            for kind in KINDS
            for name, size in self.shared(f"{kind}s").items()
            if name.endswith(ENDING)
        }
        missing = {name: size for name, size in sizes.items() if not (self.folder / name).exists()}
        heads = self._remote.heads({name: min(HEAD, size) for name, size in missing.items()})
        self._surveyed = {
            name: self._artifact(name, missing[name], head) for name, head in heads.items()
        }
        self._told = set()
        self._known = set(sizes)

    def shared(self, folder: str) -> dict[str, int]:
        """Return names and sizes of the files in a folder of the remote store.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        return self._remote.sizes(folder)

    def share(self, artifact: Artifact) -> None:
        """Make sure that other machines can read an artifact of this folder.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        file = self.file(artifact.kind, artifact.key)
        name = self._name(file)
        if name in self._known or not file.exists():
            return
        if self._remote.size(name) is None:
            self.publish(file)
        self._known.add(name)

    def publish(self, file: Path) -> None:
        """Write a file of the mirror to the remote store.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        self._remote.write(self._name(file), file.read_bytes())

    def fetch(self, file: Path) -> bool:
        """Copy a file into the mirror; return False if the remote store does not have it.

        Raises:
            DiagnosticError: The remote store cannot be reached, or the mirror cannot be written.
        """
        try:
            contents = self._remote.read(self._name(file))
        except FileNotFoundError:
            return False
        self.prepare()
        write_whole(file, contents)
        return True

    def withdraw(self, file: Path) -> None:
        """Remove a file that is no longer needed from the remote store."""
        # The file only takes up space; finished work must not fail because of it.
        with suppress(DiagnosticError):
            self._remote.remove(self._name(file))

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()

    def _artifact(self, name: str, size: int, head: bytes) -> Artifact | None:
        """Return an artifact, given the beginning of its file, or None if it is not one."""

        def read(start: int, end: int) -> bytes:
            return head[start:end] if end <= len(head) else self._remote.read(name, start, end)

        try:
            certificate = read_certificate(size, read)
        except (FileNotFoundError, ValueError):
            return None
        file = self.folder / name
        return Artifact(file, certificate) if certificate.get("key") == file.stem else None
