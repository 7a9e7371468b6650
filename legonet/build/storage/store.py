"""Where built things live: one file for each network and each adapter, by its content key.

An artifact is a safetensors file. Its metadata hold a certificate: what it was built from, and
the figures. The name of the file is the key, so that a finished artifact is found by whoever
asks for the same thing again, under whatever name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from legonet.build.storage.files import not_written, write_whole
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from torch import Tensor

ArtifactKind = Literal["network", "adapter"]

KINDS: tuple[ArtifactKind, ...] = ("network", "adapter")

_METADATA = "legonet"


@dataclass(frozen=True)
class Artifact:
    """A finished network or adapter, without its tensors.

    Args:
        file: The safetensors file.
        certificate: ``kind``, ``key``, ``inputs``, ``sha256`` of the tensors, ``seconds``,
            ``metrics``, and what else was found while it was built.
    """

    file: Path
    certificate: Mapping[str, Any]

    @property
    def kind(self) -> ArtifactKind:
        """What it is."""
        return "network" if self.certificate["kind"] == "network" else "adapter"

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
        return self.folder / f"{kind}s" / f"{key}.safetensors"

    def find(self, kind: ArtifactKind, key: str) -> Artifact | None:
        """Return a finished artifact, or None where there is none that can be read."""
        file = self.file(kind, key)
        try:
            certificate = _certificate(file)
        except (OSError, KeyError, TypeError, ValueError):
            return None
        return Artifact(file, certificate) if certificate.get("key") == key else None

    def is_damaged(self, kind: ArtifactKind, key: str) -> bool:
        """Whether a file stands in the artifact's place that is no artifact."""
        return self.file(kind, key).exists() and self.find(kind, key) is None

    def tensors(self, artifact: Artifact) -> dict[str, Tensor]:
        """Read an artifact's tensors.

        Raises:
            DiagnosticError: They are not the bits that were written; the file is then set aside,
                so that the next build makes it anew.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from legonet.modules.digest import state_digest

        try:
            tensors = load_file(artifact.file)
        except (OSError, SafetensorError) as error:
            raise self.set_aside(artifact.kind, artifact.file, str(error)) from None
        if state_digest(tensors) != artifact.sha256:
            reason = "its tensors do not match their digest"
            raise self.set_aside(artifact.kind, artifact.file, reason)
        return tensors

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
        metadata = {_METADATA: json.dumps(full, sort_keys=True)}
        self.prepare()
        write_whole(self.file(kind, key), save(stored, metadata))
        return Artifact(self.file(kind, key), full)

    def prepare(self) -> None:
        """Make the folder, and keep it out of version control."""
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold the right to build a key; another process that wants it waits.

        The operating system releases the lock when its holder dies.
        """
        from filelock import FileLock

        self.prepare()
        folder = self.folder / "locks"
        try:
            folder.mkdir(exist_ok=True)
            lock = FileLock(folder / f"{key}.lock")
            lock.acquire()
        except OSError as error:
            raise DiagnosticError.of(
                "LEGO701",
                f"cannot write `{folder}`: {error.strerror or error}",
                help=["make room or permit writing, or choose another place with --store"],
            ) from None
        try:
            yield
        finally:
            lock.release()

    def set_aside(self, kind: ArtifactKind, file: Path, reason: str) -> DiagnosticError:
        """Move a damaged file out of the way, and return what to say of it.

        Args:
            kind: What it was.
            file: The file.
            reason: What is wrong with it.
        """
        aside = file.with_suffix(".damaged")
        try:
            file.replace(aside)
        except OSError as error:
            return not_written(aside, 0, error)
        return DiagnosticError.of(
            "LEGO703",
            f"a stored {kind} is damaged: {reason}",
            help=[f"it was set aside as `{aside}`", "run `legonet build` again to make it anew"],
        )


def _certificate(file: Path) -> dict[str, Any]:
    """Read the certificate in a safetensors file's header, if the file is whole.

    The library's own reader would first load numpy or torch, which takes longer than a plan.
    The format: the length of the header in 8 bytes, the header as JSON, and the tensors' bytes.

    Raises:
        OSError: There is no such file.
        KeyError, TypeError, ValueError: It is no artifact, or not all of it is there.
    """
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= size - 8:
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        header = json.loads(stream.read(length))
    if not isinstance(header, dict):
        raise TypeError("a header is a JSON object")
    metadata = header["__metadata__"]
    ends = (item["data_offsets"][1] for name, item in header.items() if name != "__metadata__")
    end = max(ends, default=0)
    if size != 8 + length + end:
        raise ValueError(f"{size} bytes, and the header knows of {8 + length + end}")
    certificate = json.loads(metadata[_METADATA])
    if not isinstance(certificate, dict):
        raise TypeError("a certificate is a JSON object")
    return certificate
