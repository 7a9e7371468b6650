"""Digests of files, without reading unchanged files again."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from legonet.building.storage.database import Database
from legonet.diagnostics import DiagnosticError

_SETTLED_AFTER = 2_000_000_000
"""Nanoseconds. A file that changed more recently could change again within one clock tick."""

_AT_ONCE = 500
"""How many files a query asks for."""

_Mark = str
"""What changes with a file: size, modification time, the system's change time, and inode.

The system's time (`st_ctime_ns`) cannot be set by hand, so that contents replaced under an old
date are noticed all the same.
"""

_Seen = tuple[_Mark, str, bool]
"""A file's mark and digest, and whether it had settled when it was read."""


class DigestCache:
    """Digests of files, remembered by size, times of change and inode, as git's index does.

    The clock decides only what is worth remembering: marks are only ever compared for equality,
    and a file that changed too recently, by any clock, is read again.

    Args:
        index: Stores the digests.
        clock: Returns the time in nanoseconds since 1970.
    """

    def __init__(self, index: Database, clock: Callable[[], int] = time.time_ns) -> None:
        self._index = index
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._looked_at: set[str] = set()
        self._new: set[str] = set()

    def digest(self, files: Iterable[Path]) -> tuple[str, ...]:
        """Return the SHA-256 of each file's contents, in order.

        Raises:
            DiagnosticError: A file is missing or cannot be read.
        """
        wanted = list(files)
        self._recall({str(file) for file in wanted} - self._seen.keys())
        unknown = [file for file in wanted if not self._knows(file)]
        if unknown:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as readers:
                for file, seen in zip(unknown, readers.map(self._look, unknown), strict=True):
                    self._seen[str(file)] = seen
                    self._looked_at.add(str(file))
                    self._new.add(str(file))
        return tuple(self._seen[str(file)][1] for file in wanted)

    def derived(self, kind: str, digests: Iterable[str], compute: Callable[[], str]) -> str:
        """Return a digest that is computed from the contents of files, and remember it.

        Args:
            kind: What is computed of them.
            digests: Those of the files.
            compute: Computes it.
        """
        # Relative, so that it is the name of no file: those are absolute or begin with a folder.
        name = f"{kind} of {' '.join(digests)}"
        self._recall({name} - self._seen.keys())
        if name not in self._seen:
            self._seen[name] = ("", compute(), True)
            self._new.add(name)
        return self._seen[name][1]

    def remember(self) -> None:
        """Save the digests for the next process.

        Raises:
            DiagnosticError: The index cannot be written.
        """
        settled = [file for file in self._new if self._seen[file][2]]
        if settled:
            rows = ((os.fsencode(file), *self._seen[file][:2]) for file in settled)
            with self._index.writing() as index:
                index.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", rows)
        self._new.clear()

    def _recall(self, files: Iterable[str]) -> None:
        """Look up what the index knows of files."""
        names = list(map(os.fsencode, files))
        with suppress(DiagnosticError), self._index.reading() as index:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start : start + _AT_ONCE]
                places = ", ".join("?" * len(some))
                query = f"SELECT * FROM digests WHERE file IN ({places})"  # noqa: S608
                for file, mark, digest in index.execute(query, some):
                    self._seen[os.fsdecode(file)] = (mark, digest, True)

    def _knows(self, file: Path) -> bool:
        """Whether a file is unchanged; a file that was checked once is not checked again."""
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

    def _look(self, file: Path) -> _Seen:
        try:
            with file.open("rb") as stream:
                status = os.fstat(stream.fileno())
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DiagnosticError.of(
                "LEGO702",
                f"cannot read `{file}`: {error.strerror or error}",
                help=["put the file in its place, or correct the path in the spec"],
            ) from None
        return _mark(status), digest, _has_settled(status, self._clock())


def _mark(status: os.stat_result) -> _Mark:
    # As text: an inode may be larger than SQLite's integers.
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _has_settled(status: os.stat_result, now: int) -> bool:
    """Whether a further change would certainly show in a file's times."""
    # Where the system keeps no time of its own, the modification time has to do. A time in the
    # future was set by hand and says nothing.
    just_now = 0 <= now - status.st_mtime_ns <= _SETTLED_AFTER
    return now - status.st_ctime_ns > _SETTLED_AFTER and not just_now
