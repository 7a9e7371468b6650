"""The right to build a key: held by one process of a machine at a time, and never left behind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.build.storage.files import not_written

if TYPE_CHECKING:
    from filelock import BaseFileLock

ENDING = ".lock"
"""The ending of a lock's file."""


class Lock:
    """A right that is held until it is released or its holder dies."""

    def __init__(self, held: BaseFileLock) -> None:
        self._held = held

    def release(self) -> None:
        """Give the right back, and leave no file."""
        # The file goes while it is still locked: who opened it meanwhile gets a lock on a file
        # without a name, which is no lock. A file that cannot go only takes up its name.
        with suppress(OSError):
            Path(self._held.lock_file).unlink(missing_ok=True)
        self._held.release()


def try_lock(folder: Path, key: str) -> Lock | None:
    """Take the right to build a key if nobody has it; do not wait.

    The operating system gives it back when its holder dies. It may be released in another thread.

    Args:
        folder: Where locks are; it is made if it is missing.
        key: The key.

    Returns:
        The lock, or None where this process or another one holds it.

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
    """Remove what killed processes left of locks, and return the keys that are held right now.

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
