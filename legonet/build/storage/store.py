"""Where built things live: one file for each network and each adapter, by its content key.

An artifact is a safetensors file. Its metadata hold a certificate: what it was built from, and
the figures. The name of the file is the key, so that a finished artifact is found by whoever
asks for the same thing again, under whatever name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legonet.build.storage.files import not_written, write_whole
from legonet.build.storage.header import metadata_of, read_certificate
from legonet.build.storage.locks import Lock, try_lock
from legonet.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from torch import Tensor

ArtifactKind = Literal["network", "adapter"]

KINDS: tuple[ArtifactKind, ...] = ("network", "adapter")

ENDING = ".safetensors"
"""The ending of an artifact."""

DAMAGED = ".damaged"
"""The ending of an artifact that was set aside."""

LOCKS = "locks"
"""The folder in a store for locks."""

Identity = tuple[int, int, int, int]
"""What tells a file from another one that took its place: device, inode, size, time of change."""


class DamagedError(DiagnosticError):
    """A stored artifact is not what was written; it was set aside, to be built anew.

    Args:
        diagnostic: What is wrong with it.
        kind: What it was.
        key: Its content key.
    """

    def __init__(self, diagnostic: Diagnostic, kind: ArtifactKind, key: str) -> None:
        super().__init__(diagnostic)
        self.kind = kind
        self.key = key

    def __reduce__(self) -> tuple[type[DamagedError], tuple[Diagnostic, ArtifactKind, str]]:
        """Take the way between processes with all that is known."""
        return type(self), (self.diagnostics[0], self.kind, self.key)


@dataclass(frozen=True)
class Artifact:
    """A finished network or adapter, without its tensors.

    Args:
        file: The safetensors file.
        certificate: ``kind``, ``key``, ``inputs``, ``sha256`` of the tensors, ``seconds``,
            ``metrics``, and what else was found while it was built.
    """

    file: Path
    certificate: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> ArtifactKind:
        """What it is."""
        return "network" if self.certificate["kind"] == "network" else "adapter"

    @property
    def key(self) -> str:
        """Its content key."""
        return str(self.certificate["key"])

    @property
    def sha256(self) -> str:
        """The digest of the tensors: names, shapes, dtypes and bytes."""
        return str(self.certificate["sha256"])

    @property
    def metrics(self) -> dict[str, float]:
        """How good it is, such as ``error_rate``."""
        return dict(self.certificate["metrics"])

    @property
    def metrics_of_direct_edge(self) -> dict[str, float]:
        """The figures of an edge between two halves of this network, which is its own teacher."""
        return self.metrics | {f"teacher_{name}": value for name, value in self.metrics.items()}


class Store:
    """A folder of artifacts.

    Args:
        folder: The folder; it is made with the first artifact.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, kind: ArtifactKind, key: str) -> Path:
        """Return where an artifact stands, whether it exists or not."""
        return self.folder / f"{kind}s" / f"{key}{ENDING}"

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return a finished artifact, or None where there is none that can be read.

        Raises:
            DiagnosticError: A remote store cannot be reached.
        """
        return self.find_here(kind, key)

    def find_here(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return an artifact of this folder, or None where there is none that can be read."""
        file = self.file(kind, key)
        try:
            with file.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size

                def read(start: int, end: int) -> bytes:
                    stream.seek(start)
                    return stream.read(end - start)

                certificate = read_certificate(size, read)
        except (OSError, ValueError):
            return None
        return Artifact(file, certificate) if certificate.get("key") == key else None

    def is_damaged(self, kind: ArtifactKind, key: str) -> bool:
        """Whether a file stands in the artifact's place that is no artifact."""
        return self.file(kind, key).exists() and self.find_here(kind, key) is None

    def tensors(self, artifact: Artifact) -> dict[str, Tensor]:
        """Read an artifact's tensors, each in memory of its own.

        Raises:
            DamagedError: They are not the bits that were written; the file was set aside, so that
                the artifact can be built anew.
            DiagnosticError: The artifact vanished, or a damaged one cannot be set aside.
        """
        return self._read(artifact.kind, artifact.key, artifact.sha256)

    def check(self, kind: ArtifactKind, key: str) -> None:
        """Read all of an artifact of this folder.

        Raises:
            DamagedError: It is not what was written; it was set aside.
            DiagnosticError: It vanished, or a damaged one cannot be set aside.
        """
        self._read(kind, key, None)

    def put(
        self,
        kind: ArtifactKind,
        key: str,
        tensors: Mapping[str, Tensor],
        certificate: Mapping[str, Any],
    ) -> Artifact:
        """Write an artifact; it is there whole, or not at all.

        Raises:
            DiagnosticError: It cannot be written.
        """
        from safetensors.torch import save

        from legonet.modules.digest import state_digest

        stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        full = {"kind": kind, "key": key, "sha256": state_digest(stored), **certificate}
        artifact = Artifact(self.file(kind, key), full)
        self.prepare()
        self._make_way(kind, key)
        write_whole(artifact.file, save(stored, metadata_of(full)))
        self.publish(artifact.file)
        return artifact

    def prepare(self) -> None:
        """Make the folder, and keep it out of version control.

        Raises:
            DiagnosticError: It cannot be written.
        """
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")

    def try_lock(self, key: str) -> Lock | None:
        """Take the right to build a key, or return None where somebody on this machine has it.

        Raises:
            DiagnosticError: The lock cannot be written.
        """
        self.prepare()
        return try_lock(self.folder / LOCKS, key)

    def set_aside(
        self, kind: ArtifactKind, key: str, reason: str, damaged: Identity
    ) -> DiagnosticError:
        """Move a damaged file out of the way, and return what to say of it.

        Another process may have done so already, and may even have built the artifact anew.

        Args:
            kind: What it was.
            key: Its content key.
            reason: What is wrong with it.
            damaged: The file that was read; no other one is moved.
        """
        file = self.file(kind, key)
        aside = file.with_suffix(DAMAGED)
        damage = _damage(kind, reason)
        try:
            if _identity(file) == damaged:
                file.replace(aside)
        except FileNotFoundError:
            return DamagedError(damage, kind, key)
        except OSError as error:
            left = replace(damage, help=(f"it still stands at `{file}`",))
            return DiagnosticError(left, *not_written(aside, 0, error).diagnostics)
        told = replace(damage, help=(f"it was set aside as `{aside}`", *damage.help))
        return DamagedError(told, kind, key)

    # A folder shares nothing with other machines; a mirror of a remote store does.

    def survey(self) -> None:
        """Learn at once what a remote store has, so that a plan need not ask for each key."""

    def shared(self, folder: str) -> dict[str, int]:  # noqa: ARG002 - a mirror needs it
        """Return names and sizes of the files in a folder of the remote store, if there is one."""
        return {}

    def share(self, artifact: Artifact) -> None:
        """See to it that other machines can read an artifact that stands here."""

    def publish(self, file: Path) -> None:
        """Give a file of this folder to other machines, in the place of what they had."""

    def fetch(self, file: Path) -> bool:  # noqa: ARG002 - a mirror needs it
        """Bring a file into this folder as other machines have it; False where there is none."""
        return False

    def withdraw(self, file: Path) -> None:
        """Take a file from other machines that nobody needs any more."""

    def at(self, folder: Path) -> Store:  # noqa: ARG002 - a mirror needs it
        """Return this store as another machine opens it, with a folder there for its mirror."""
        return self

    def _make_way(self, kind: ArtifactKind, key: str) -> None:
        """Set aside what stands in an artifact's place and is none."""
        with suppress(FileNotFoundError):
            seen = _identity(self.file(kind, key))
            if self.find_here(kind, key) is None:
                self.set_aside(kind, key, "it is no whole artifact", seen)

    def _read(self, kind: ArtifactKind, key: str, sha256: str | None) -> dict[str, Tensor]:
        """Read the tensors of a file whose certificate and bits are sound."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        from legonet.modules.digest import state_digest

        seen, contents = self._contents(kind, key)
        try:
            certificate = _certificate(contents)
            tensors = load(contents)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise self.set_aside(kind, key, f"it is no whole artifact: {error}", seen) from None
        del contents
        found = certificate["sha256"]
        if certificate["key"] != key or state_digest(tensors) != found:
            raise self.set_aside(kind, key, "its tensors do not match their digest", seen)
        if sha256 not in (None, found):
            raise vanished(kind)
        # Into memory of torch's own: sums have other bits where a tensor lies at an odd address.
        return {name: tensors.pop(name).clone() for name in list(tensors)}

    def _contents(self, kind: ArtifactKind, key: str) -> tuple[Identity, bytes]:
        """Read a file, in memory: a disk that fails is an error now, and never a crash later."""
        file = self.file(kind, key)
        try:
            # Seen before it is read: a file that takes its place meanwhile is none that was seen.
            seen = _identity(file)
        except OSError:
            if file.with_suffix(DAMAGED).exists():
                raise DamagedError(_damage(kind, "it was set aside"), kind, key) from None
            raise vanished(kind) from None
        try:
            return seen, file.read_bytes()
        except OSError as error:
            raise self.set_aside(kind, key, error.strerror or str(error), seen) from None


def _certificate(contents: bytes) -> dict[str, Any]:
    return read_certificate(len(contents), lambda start, end: contents[start:end])


def _identity(file: Path) -> Identity:
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _damage(kind: ArtifactKind, reason: str) -> Diagnostic:
    advice = "run `legonet build` again to make it anew"
    return Diagnostic("LEGO703", f"a stored {kind} is damaged: {reason}", help=(advice,))


def vanished(kind: ArtifactKind) -> DiagnosticError:
    """Return what to say of an artifact that is not there any more.

    Args:
        kind: What it was.
    """
    article = "an" if kind == "adapter" else "a"
    return DiagnosticError.of(
        "LEGO704",
        f"{article} {kind} vanished from the store while it was needed",
        help=["run `legonet build` again; keep others from emptying the store meanwhile"],
    )
