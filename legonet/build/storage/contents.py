"""What files contain, without reading those again that have not changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from legonet.build.storage.files import write_whole
from legonet.diagnostics import DiagnosticError

_SETTLED_AFTER = 2_000_000_000
"""Nanoseconds. A file that changed more recently could change again within one clock tick."""

_Seen = tuple[int, int, int, str]
"""Size in bytes, time of change in nanoseconds, inode, digest."""


class Contents:
    """Digests of files, remembered by size, time of change and inode, as git's index does.

    Args:
        memory: The file that remembers; a damaged or missing one only costs time.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._seen = _remembered(memory)
        self._looked_at: set[str] = set()
        self._changed = False

    def digest(self, files: Iterable[Path]) -> tuple[str, ...]:
        """Return the SHA-256 of each file's contents, in their order.

        Raises:
            DiagnosticError: A file is missing or cannot be read.
        """
        wanted = list(files)
        unknown = [file for file in wanted if not self._knows(file)]
        if unknown:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as readers:
                for file, seen in zip(unknown, readers.map(_look, unknown), strict=True):
                    self._seen[str(file)] = seen
                    self._looked_at.add(str(file))
            self._changed = True
        return tuple(self._seen[str(file)][3] for file in wanted)

    def remember(self) -> None:
        """Write what was learned for the next process."""
        if not self._changed:
            return
        now = time.time_ns()
        settled = {
            file: seen for file, seen in self._seen.items() if now - seen[1] > _SETTLED_AFTER
        }
        write_whole(self._memory, json.dumps(settled).encode())
        self._changed = False

    def _knows(self, file: Path) -> bool:
        """Whether a file is as it was; what was looked at once is taken as it was then."""
        name = str(file)
        if name in self._looked_at:
            return True
        seen = self._seen.get(name)
        if seen is None:
            return False
        try:
            status = os.stat(name)  # noqa: PTH116 - thousands of files, and Path.stat is slower
        except OSError:
            return False
        same = seen[:3] == (status.st_size, status.st_mtime_ns, status.st_ino)
        if same:
            self._looked_at.add(name)
        return same


def _look(file: Path) -> _Seen:
    try:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DiagnosticError.of(
            "LEGO702",
            f"cannot read `{file}`: {error.strerror or error}",
            help=["put the file in its place, or mend the path in the spec"],
        ) from None
    return status.st_size, status.st_mtime_ns, status.st_ino, digest


def _remembered(memory: Path) -> dict[str, _Seen]:
    try:
        entries = json.loads(memory.read_bytes())
        return {
            str(file): (int(size), int(changed), int(inode), str(digest))
            for file, (size, changed, inode, digest) in entries.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
