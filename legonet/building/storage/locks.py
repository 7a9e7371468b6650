"""Locks on keys: one process of a machine holds a lock at a time, and none outlives its holder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.building.storage.files import not_written

if TYPE_CHECKING:
    from filelock import BaseFileLock

ENDING = ".lock"
"""The suffix of a lock's file."""


class Lock:
    """The right to build a key, held until it is released or its holder dies."""

    def __init__(self, held: BaseFileLock) -> None:
        self._held = held

    def release(self) -> None:
        """Release the lock, and remove its file."""
        # The file is removed while it is still locked: a process that opened it meanwhile locks a
        # file without a name, which locks nothing. A file that cannot be removed does no harm.
        with suppress(OSError):
            Path(self._held.lock_file).unlink(missing_ok=True)
        self._held.release()


def try_lock(folder: Path, key: str) -> Lock | None:
    """Lock a key if it is free; do not wait.

    The operating system releases the lock when its holder dies. Another thread may release it.

    Args:
        folder: Where locks are; it is created if it is missing.
        key: The key.

    Returns:
        The lock, or None if this or another process holds it.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    file = folder / f"{key}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, thread_local=False)
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise not_written(file, 0, error) from None
    return Lock(lock)


def sweep(folder: Path) -> set[str]:
    """Remove the lock files that killed processes left, and return the keys that are locked now.

    Args:
        folder: Where locks are.

    Raises:
        DiagnosticError: The folder cannot be written.
    """
    held = set()
    for file in folder.glob(f"*{ENDING}"):
        lock = try_lock(folder, file.stem)
        if lock is None:
            held.add(file.stem)
        else:
            lock.release()
    return held
