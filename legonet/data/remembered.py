"""Results of looking into a file, kept until the file changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def remembered(find: Callable[[Path], Found]) -> Callable[[Path], Found]:
    """Return a function that looks into each file once, for all sources of this process.

    Every job of a build opens its sources again, and looking into thousands of files takes minutes.
    A file counts as changed when its size, its time or its place on the disk differs.

    Args:
        find: Looks into a file; it returns the same for the same content.
    """
    known: dict[Path, tuple[object, Found]] = {}

    @wraps(find)
    def look(file: Path) -> Found:
        try:
            status = file.stat()
        except OSError:
            return find(file)
        state = (status.st_size, status.st_mtime_ns, status.st_ino)
        before = known.get(file)
        if before is not None and before[0] == state:
            return before[1]
        found = find(file)
        known[file] = (state, found)
        return found

    return look
