"""Where the state of unfinished training is kept: a file for each network or edge, by its key."""

from __future__ import annotations

import hashlib
import io
import time
from typing import TYPE_CHECKING, Any

from legonet.build.storage.files import write_whole

if TYPE_CHECKING:
    from legonet.build.storage.store import Store

INTERVAL = 5.0
"""Seconds between two checkpoints, at least."""

LARGEST_SHARE = 0.05
"""Of the time of a training that goes into its checkpoints, about."""


class FileCheckpoint:
    """The state of one training in a file of the store's folder ``checkpoints``.

    A file that is damaged, or was written by another version of torch, is as good as none: it
    would have saved time and nothing else.

    Args:
        store: The store.
        key: The content key of what is trained.
    """

    def __init__(self, store: Store, key: str) -> None:
        self._file = store.folder / "checkpoints" / f"{key}.pt"
        self._next = time.monotonic() + INTERVAL

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last, its tensors on the CPU, if there is one."""
        import torch

        try:
            contents = self._file.read_bytes()
        except FileNotFoundError:
            return None
        digest, state = contents[:_LENGTH], contents[_LENGTH:]
        if digest != _digest(state):
            return None
        stream = io.BytesIO(state)
        loaded: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
        return loaded

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() >= self._next

    def save(self, state: dict[str, Any]) -> None:
        """Put a state in the place of the last one.

        Raises:
            DiagnosticError: It cannot be written.
        """
        import torch

        started = time.monotonic()
        stream = io.BytesIO()
        torch.save(state, stream)
        written = stream.getvalue()
        write_whole(self._file, _digest(written) + written)
        ended = time.monotonic()
        self._next = ended + max(INTERVAL, (ended - started) / LARGEST_SHARE)

    def remove(self) -> None:
        """Remove the file, and what a process left of it that was killed while it wrote."""
        self._file.unlink(missing_ok=True)
        for unfinished in self._file.parent.glob(f".{self._file.name}.*"):
            unfinished.unlink(missing_ok=True)


def _digest(state: bytes) -> bytes:
    import torch

    return hashlib.sha256(torch.__version__.encode() + state).digest()


_LENGTH = hashlib.sha256().digest_size
