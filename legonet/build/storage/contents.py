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

_Mark = tuple[int, int, int, int]
"""What changes with a file: its size, its times as its owner and as the system has them, inode.

The system's own time (`st_ctime_ns`) cannot be set by hand, so that contents which are replaced
under an old date are seen all the same.
"""

_Seen = tuple[_Mark, str, bool]
"""A file's mark and digest, and whether it had settled when it was read."""


class Contents:
    """Digests of files, remembered by size, times of change and inode, as git's index does.

    The clock decides nothing but what is worth remembering: marks are only ever compared for being
    the same, and a file whose last change is not yet past, by whatever clock, is read again.

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
        return tuple(self._seen[str(file)][1] for file in wanted)

    def remember(self) -> None:
        """Write what was learned for the next process."""
        if not self._changed:
            return
        entries = {
            file: [*mark, digest] for file, (mark, digest, settled) in self._seen.items() if settled
        }
        write_whole(self._memory, json.dumps(entries).encode())
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
        same = seen[0] == _mark(status)
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
    mark = _mark(status)
    return mark, digest, _has_settled(status, time.time_ns())


def _mark(status: os.stat_result) -> _Mark:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _has_settled(status: os.stat_result, now: int) -> bool:
    """Whether a further change would certainly show in a file's times."""
    # Where the system keeps no time of its own, the owner's has to do. One that lies in the future
    # was set by hand and says nothing.
    just_now = 0 <= now - status.st_mtime_ns <= _SETTLED_AFTER
    return now - status.st_ctime_ns > _SETTLED_AFTER and not just_now


def _remembered(memory: Path) -> dict[str, _Seen]:
    try:
        entries = json.loads(memory.read_bytes())
        return {
            str(file): ((int(size), int(changed), int(by_system), int(inode)), str(digest), True)
            for file, (size, changed, by_system, inode, digest) in entries.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
