"""The saved state of unfinished training: a file for each network or edge, named by its key."""

from __future__ import annotations

import hashlib
import io
import time
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Protocol

from legonet.building.storage.files import write_whole
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from legonet.building.storage.store import Store

CHECKPOINTS = "checkpoints"
"""The folder in a store for checkpoints."""

INTERVAL = 5.0
"""Seconds between two checkpoints, at least."""

LARGEST_SHARE = 0.05
"""Approximate share of a training's time that goes into its checkpoints, at most."""

PUBLISH_INTERVAL = 30.0
"""Seconds between two checkpoints that are shared with other machines, at least."""


class Stop(Protocol):
    """Tells a training when it is to end early."""

    @property
    def requested(self) -> bool:
        """Whether it is to end as soon as its state is saved."""


class Stopped(Exception):  # noqa: N818 - it says what happened, and nothing went wrong
    """A training ended early on request; its state is saved."""


class FileCheckpoint:
    """The state of one training in a file of the store's folder ``checkpoints``.

    A file that is damaged, holds more than tensors and plain values, or was written by another
    version of torch is ignored: it would have saved time and nothing else. A state that cannot be
    written ends the training, because its result could not be written either.

    Args:
        store: The store.
        key: The content key of what is trained.
        stop: Asks the training to end early; default: it never ends early.
    """

    def __init__(self, store: Store, key: str, stop: Stop | None = None) -> None:
        self._store = store
        self._stop = stop
        self._file = store.folder / CHECKPOINTS / f"{key}.pt"
        self._next = time.monotonic() + INTERVAL
        self._next_published = time.monotonic() + PUBLISH_INTERVAL

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last, its tensors on the CPU, if there is one.

        Raises:
            DiagnosticError: A remote store cannot be reached.
        """
        import torch

        state = _read(self._file)
        if state is None and self._store.fetch(self._file):
            state = _read(self._file)
        if state is None:
            return None
        loaded: dict[str, Any]
        try:
            loaded = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        except UnpicklingError:
            return None
        return loaded

    def due(self) -> bool:
        """Whether it is time to save again; always true once a stop is requested."""
        return self._is_stopping or time.monotonic() >= self._next

    def save(self, state: dict[str, Any]) -> None:
        """Replace the last state with a new one.

        Raises:
            DiagnosticError: It cannot be written.
            Stopped: It was saved, and a stop was requested.
        """
        import torch

        started = time.monotonic()
        stream = io.BytesIO()
        torch.save(state, stream)
        written = stream.getvalue()
        write_whole(self._file, _digest(written) + written)
        self._publish()
        ended = time.monotonic()
        self._next = ended + max(INTERVAL, (ended - started) / LARGEST_SHARE)
        if self._is_stopping:
            raise Stopped

    def remove(self) -> None:
        """Remove the file, and the remains of processes that were killed while writing it."""
        # A state that is no longer needed only takes up space.
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
            for unfinished in self._file.parent.glob(f".{self._file.name}.*"):
                unfinished.unlink(missing_ok=True)
        self._store.withdraw(self._file)

    @property
    def _is_stopping(self) -> bool:
        return self._stop is not None and self._stop.requested

    def _publish(self) -> None:
        if time.monotonic() < self._next_published and not self._is_stopping:
            return
        # The state is safe here; other machines get a later one if this one cannot be shared.
        with suppress(DiagnosticError):
            self._store.publish(self._file)
        self._next_published = time.monotonic() + PUBLISH_INTERVAL


def leftovers(store: Store) -> set[str]:
    """Return the keys for which the store has a checkpoint, or a part of one.

    Args:
        store: The store.

    Raises:
        DiagnosticError: A remote store cannot be reached.
    """
    folder = store.folder / CHECKPOINTS
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return {name.lstrip(".").split(".")[0] for name in (*names, *store.shared(CHECKPOINTS))}


def _read(file: Path) -> bytes | None:
    """Return what was written to a file, or None where it is damaged or missing."""
    try:
        contents = file.read_bytes()
    except OSError:
        return None
    digest, state = contents[:_LENGTH], contents[_LENGTH:]
    return state if digest == _digest(state) else None


def _digest(state: bytes) -> bytes:
    import torch

    return hashlib.sha256(torch.__version__.encode() + state).digest()


_LENGTH = hashlib.sha256().digest_size
