"""A store that several machines reach: any URL that fsspec knows, with a mirror on each machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from legonet.build.storage.files import write_whole
from legonet.build.storage.filesystem import RemoteFolder
from legonet.build.storage.header import read_certificate
from legonet.build.storage.store import (
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
"""Bytes that are read of a file for its header; a longer header costs another request."""


def open_store(location: str | Path | None, beside: Path) -> Store:
    """Return the store at a place.

    Args:
        location: A folder, or a URL that fsspec knows, such as ``s3://bucket/store``.
        beside: The folder that is the store where no location is given, and the mirror of a
            remote one: ``.legonet`` beside the spec.
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
    """A remote store, with a folder here for what was read from it and put into it.

    Locks, ledgers and all else that a build notes stay in the folder. Two machines that build the
    same key at once do the work twice, and what is written last counts.

    Args:
        url: Of the remote store.
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
        """Take the way to another process without connections and memories."""
        return type(self), (self.url, self.folder)

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown, without a password."""
        return self._remote.shown_url

    def at(self, folder: Path) -> MirroredStore:
        """Return this store as another machine opens it.

        Args:
            folder: Of the mirror there.
        """
        return MirroredStore(self.url, folder)

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return a finished artifact; of one that the mirror has not, just the header is read.

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
        """Read an artifact's tensors by way of the mirror.

        Raises:
            DamagedError: They are not the bits that were written, neither here nor there; both
                files were set aside.
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
        """Learn at once which artifacts the remote store has, with the headers of those not here.

        What was learned of a key is told once, since others may add it meanwhile.

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
        """See to it that other machines can read an artifact that stands here.

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
        """Write a file of the mirror into the remote store.

        Raises:
            DiagnosticError: The remote store cannot be reached.
        """
        self._remote.write(self._name(file), file.read_bytes())

    def fetch(self, file: Path) -> bool:
        """Bring a file into the mirror; False where the remote store has none.

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
        """Remove a file from the remote store that nobody needs any more."""
        # It takes up room and does no harm; what is finished shall not fail by it.
        with suppress(DiagnosticError):
            self._remote.remove(self._name(file))

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()

    def _artifact(self, name: str, size: int, head: bytes) -> Artifact | None:
        """Return an artifact by the beginning of its file, or None where it is none."""

        def read(start: int, end: int) -> bytes:
            return head[start:end] if end <= len(head) else self._remote.read(name, start, end)

        try:
            certificate = read_certificate(size, read)
        except (FileNotFoundError, ValueError):
            return None
        file = self.folder / name
        return Artifact(file, certificate) if certificate.get("key") == file.stem else None
