"""A folder on a remote file system: few requests, each retried where that can help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, TypeVar
from uuid import uuid4

from legonet.diagnostics import DiagnosticError

PAUSES = (0.2, 0.6, 1.8)
"""Seconds to wait before each retry if a file system cannot be reached."""

PATIENCE = 10.0
"""Seconds after which nothing is retried; some file systems already retry long enough."""

OBJECT_STORES = frozenset({"abfs", "abfss", "az", "gcs", "gs", "memory", "oss", "r2", "s3", "s3a"})
"""Protocols that write a file completely or not at all, and can move one only by copying it."""

Answer = TypeVar("Answer")


class RemoteFolder:
    """A folder at a URL; names are relative to it, with ``/`` between their parts.

    Every method raises a DiagnosticError if the file system cannot be reached.

    Args:
        url: Any URL that fsspec supports, such as ``s3://bucket/folder``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.shown_url = re.sub(r"//[^/@]*@", "//", url)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the names of the files in a folder with their sizes, in one request."""
        path = self._path(folder)

        def listing() -> list[Any]:
            self._files.invalidate_cache()
            found: list[Any] = self._files.ls(path, detail=True)
            return found

        try:
            entries = self._ask(listing)
        except FileNotFoundError:
            return {}
        return {
            PurePosixPath(entry["name"]).name: int(entry["size"])
            for entry in entries
            if entry["type"] == "file"
        }

    def size(self, name: str) -> int | None:
        """Return the size of a file, or None where there is none."""
        try:
            return self._ask(lambda: self._size(name))
        except FileNotFoundError:
            return None

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Return the contents of a file, or the part between two positions.

        Raises:
            FileNotFoundError: There is no such file.
        """
        # S3 refuses any range of an empty file.
        part = {} if (start, end) == (0, None) else {"start": start, "end": end}
        found: bytes = self._ask(lambda: self._files.cat_file(self._path(name), **part))
        return found

    def heads(self, lengths: Mapping[str, int]) -> dict[str, bytes]:
        """Return the beginnings of many files at once, without those that vanished.

        Args:
            lengths: How many bytes of each are wanted.
        """
        if not lengths:
            return {}
        paths = [self._path(name) for name in lengths]
        ends = list(lengths.values())

        def beginnings() -> list[bytes | Exception]:
            found: list[bytes | Exception]
            found = self._files.cat_ranges(paths, [0] * len(paths), ends, on_error="return")
            for item in found:
                if isinstance(item, Exception) and not isinstance(item, FileNotFoundError):
                    raise item
            return found

        found = zip(lengths, self._ask(beginnings), strict=True)
        return {name: head for name, head in found if isinstance(head, bytes)}

    def write(self, name: str, contents: bytes) -> None:
        """Write a file, which others see completely or not at all."""
        path = PurePosixPath(self._path(name))
        beside = path.with_name(f".{path.name}.{uuid4().hex}")

        def put() -> None:
            if self._url.partition(":")[0] in OBJECT_STORES:
                self._files.pipe_file(str(path), contents)
            else:
                self._files.makedirs(str(path.parent), exist_ok=True)
                self._files.pipe_file(str(beside), contents)
                self._files.mv(str(beside), str(path))
            arrived = self._size(name)
            if arrived != len(contents):
                raise OSError(f"{arrived:,} of {len(contents):,} bytes arrived")

        try:
            self._ask(put)
        except FileNotFoundError as error:
            raise self._unreachable(error) from None

    def move(self, name: str, other: str) -> None:
        """Rename a file; do nothing if it is gone."""
        try:
            self._ask(lambda: self._files.mv(self._path(name), self._path(other)))
        except FileNotFoundError:
            return

    def remove(self, name: str) -> None:
        """Remove a file; do nothing if it is gone."""
        try:
            self._ask(lambda: self._files.rm_file(self._path(name)))
        except FileNotFoundError:
            return

    def _size(self, name: str) -> int:
        self._files.invalidate_cache()
        return int(self._files.info(self._path(name))["size"])

    def _path(self, name: str) -> str:
        return f"{self._opened[1].rstrip('/')}/{name}"

    @property
    def _files(self) -> Any:
        return self._opened[0]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system and the folder's path in it."""
        try:
            from fsspec.core import url_to_fs

            files, path = url_to_fs(self._url)
        except (ImportError, ValueError) as error:
            raise DiagnosticError.of(
                "LEGO726",
                f"cannot open the store `{self.shown_url}`: {_first_line(error)}",
                help=[
                    "pip install 'legonet[remote]'",
                    "file systems other than S3 also need a package of their own",
                ],
            ) from None
        except Exception as error:
            raise self._unreachable(error) from None
        return files, path

    def _ask(self, request: Callable[[], Answer]) -> Answer:
        """Return the answer to a request; each file system raises errors of its own.

        Raises:
            FileNotFoundError: There is no such file, which is also an answer.
        """
        begun = time.monotonic()
        for pause in (*PAUSES, None):
            try:
                return request()
            except (FileNotFoundError, DiagnosticError):
                raise
            except Exception as error:
                hopeless = isinstance(error, (PermissionError, NotImplementedError))
                late = time.monotonic() - begun > PATIENCE
                if hopeless or late or pause is None:
                    raise self._unreachable(error) from None
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _unreachable(self, error: Exception) -> DiagnosticError:
        return DiagnosticError.of(
            "LEGO725",
            f"cannot use the store `{self.shown_url}`: {_first_line(error)}",
            help=[
                "check the address, the network, and the permissions to read and write there",
                "what is already built is kept; run the same command again to continue",
            ],
        )


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
