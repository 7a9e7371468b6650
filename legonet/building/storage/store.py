"""Where built things are stored: one file for each network and each adapter, by content key.

An artifact is a safetensors file. Its metadata holds a certificate: what it was built from, and
its figures. The file is named by the key, so that a finished artifact is found whenever the same
thing is needed again, under whatever name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legonet.building.storage.diagnoses import diagnostic_of
from legonet.building.storage.files import not_written, write_whole
from legonet.building.storage.header import metadata_of, read_certificate
from legonet.building.storage.index import open_index
from legonet.building.storage.locks import Lock, try_lock
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity

if TYPE_CHECKING:
    from torch import Tensor

ArtifactKind = Literal["network", "adapter", "joint"]

KINDS: tuple[ArtifactKind, ...] = ("network", "adapter", "joint")

WORDS: Mapping[ArtifactKind, str] = {
    "network": "a network",
    "adapter": "an adapter",
    "joint": "the certificate of a joint path",
}
"""What messages call one of them."""

ENDING = ".safetensors"
"""The suffix of an artifact's file."""

DAMAGED = ".damaged"
"""The suffix of an artifact's file that was set aside."""

LOCKS = "locks"
"""The folder in a store for locks."""

MEASURE_VERSION = 1
"""Raised with every change of code that gives other figures or another verdict. What is built is
then measured again, not learned again: figures are not part of a content key."""

Identity = tuple[int, int, int, int]
"""What distinguishes a file from one that took its place: device, inode, size, time of change."""


class DamagedError(DiagnosticError):
    """A stored artifact is not what was written; it was set aside, to be built again.

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
        """Pickle with all that is known."""
        return type(self), (self.diagnostics[0], self.kind, self.key)


@dataclass(frozen=True)
class Artifact:
    """A finished network or adapter, without its tensors.

    Args:
        file: The safetensors file.
        certificate: ``kind``, ``key``, ``inputs``, ``sha256`` of the tensors, ``seconds``,
            ``metrics``, for an edge ``failure`` and ``warnings``, and whatever else was found
            while it was built.
    """

    file: Path
    certificate: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> ArtifactKind:
        """What it is."""
        kind: ArtifactKind = self.certificate["kind"]
        return kind

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
    def failure(self) -> Diagnostic | None:
        """Why an edge is no good although its adapter is built; it has no place in a text yet."""
        failure = self.certificate.get("failure")
        return None if failure is None else diagnostic_of(failure)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What users should know before they trust it; without places."""
        learned = (self.certificate.get("learned") or {}).get("warnings") or ()
        found = [Diagnostic("LEGO653", text, severity=Severity.WARNING) for text in learned]
        found += [diagnostic_of(item) for item in self.certificate.get("warnings") or ()]
        return tuple(found)

    @property
    def has_old_figures(self) -> bool:
        """Whether another version of legonet measured it, which may know fewer figures."""
        return bool(self.metrics) and self.certificate.get("measured") != MEASURE_VERSION

    @property
    def metrics_of_direct_edge(self) -> dict[str, float]:
        """The figures of a direct edge within this network, which is its own teacher and donor."""
        own = self.metrics
        return own | {f"{role}_{name}": own[name] for role in ("teacher", "donor") for name in own}


class Store:
    """A folder of artifacts.

    Args:
        folder: The folder; it is created with the first artifact.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = open_index(folder)

    def file(self, kind: ArtifactKind, key: str) -> Path:
        """Return the path of an artifact, whether it exists or not."""
        return self.folder / f"{kind}s" / f"{key}{ENDING}"

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return a finished artifact, or None if there is none that can be read.

        Raises:
            DiagnosticError: A remote store cannot be reached.
        """
        return self.find_here(kind, key)

    def find_here(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return an artifact of this folder, or None if there is none that can be read."""
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
        """Whether the artifact's file exists but is not an artifact."""
        return self.file(kind, key).exists() and self.find_here(kind, key) is None

    def tensors(self, artifact: Artifact) -> dict[str, Tensor]:
        """Read an artifact's tensors, each into memory of its own.

        Raises:
            DamagedError: They are not the bits that were written; the file was set aside, so that
                the artifact can be built again.
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
        """Write an artifact, completely or not at all.

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
        """Create the folder, and keep it out of version control.

        Raises:
            DiagnosticError: It cannot be written.
        """
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")

    def try_lock(self, key: str) -> Lock | None:
        """Lock a key, or return None if a process on this machine already holds its lock.

        Raises:
            DiagnosticError: The lock cannot be written.
        """
        self.prepare()
        return try_lock(self.folder / LOCKS, key)

    def set_aside(
        self, kind: ArtifactKind, key: str, reason: str, damaged: Identity
    ) -> DiagnosticError:
        """Move a damaged file out of the way, and return the error to raise.

        Another process may have done so already, and may even have built the artifact again.

        Args:
            kind: What it was.
            key: Its content key.
            reason: What is wrong with it.
            damaged: The identity of the file that was read; no other one is moved.
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
            left = replace(damage, help=(f"it is still at `{file}`",))
            return DiagnosticError(left, *not_written(aside, 0, error).diagnostics)
        told = replace(damage, help=(f"it was set aside as `{aside}`", *damage.help))
        return DamagedError(told, kind, key)

    # A plain folder shares nothing with other machines; the mirror of a remote store does.

    def survey(self) -> None:
        """Find out at once what a remote store has, so that a plan need not ask for each key."""

    def shared(self, folder: str) -> dict[str, int]:  # noqa: ARG002 - a mirror needs it
        """Return names and sizes of the files in a folder of the remote store, if there is one."""
        return {}

    def share(self, artifact: Artifact) -> None:
        """Make sure that other machines can read an artifact of this folder."""

    def publish(self, file: Path) -> None:
        """Share a file of this folder with other machines, replacing their copy."""

    def fetch(self, file: Path) -> bool:  # noqa: ARG002 - a mirror needs it
        """Copy a file from other machines into this folder; return False if there is none."""
        return False

    def withdraw(self, file: Path) -> None:
        """Remove a file that is no longer needed from other machines."""

    def at(self, folder: Path) -> Store:  # noqa: ARG002 - a mirror needs it
        """Return this store as another machine opens it, with a folder there for its mirror."""
        return self

    def _make_way(self, kind: ArtifactKind, key: str) -> None:
        """Set aside a file in an artifact's place that is not an artifact."""
        with suppress(FileNotFoundError):
            seen = _identity(self.file(kind, key))
            if self.find_here(kind, key) is None:
                self.set_aside(kind, key, "it is not a complete artifact", seen)

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
            reason = f"it is not a complete artifact: {error}"
            raise self.set_aside(kind, key, reason, seen) from None
        del contents
        found = certificate["sha256"]
        if certificate["key"] != key or state_digest(tensors) != found:
            raise self.set_aside(kind, key, "its tensors do not match their digest", seen)
        if sha256 not in (None, found):
            raise vanished(kind)
        # Into memory that torch allocates: sums have other bits if a tensor is at an odd address.
        return {name: tensors.pop(name).clone() for name in list(tensors)}

    def _contents(self, kind: ArtifactKind, key: str) -> tuple[Identity, bytes]:
        """Read a file into memory, so that a failing disk is an error now and not a crash later."""
        file = self.file(kind, key)
        try:
            # Before reading: a file that takes its place meanwhile has another identity.
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
    advice = "run `legonet build` to build it again"
    what = "certificate of a joint path" if kind == "joint" else kind
    return Diagnostic("LEGO703", f"a stored {what} is damaged: {reason}", help=(advice,))


def vanished(kind: ArtifactKind) -> DiagnosticError:
    """Return the error for an artifact that is no longer there.

    Args:
        kind: What it was.
    """
    return DiagnosticError.of(
        "LEGO704",
        f"{WORDS[kind]} vanished from the store while it was needed",
        help=["run `legonet build` again, and let nothing empty the store meanwhile"],
    )
