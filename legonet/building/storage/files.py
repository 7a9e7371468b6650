"""Writing a file so that it is either complete or absent."""

from __future__ import annotations

import os
from pathlib import Path

from legonet.atomic_files import NEW_FILE, write_atomically
from legonet.diagnostics import DiagnosticError


def write_whole(file: Path, contents: bytes) -> None:
    """Write a file atomically: a reader sees the old contents or the new, never a part.

    Args:
        file: The file to write; its folder is created if it is missing.
        contents: The complete contents.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically({file: contents})
    except OSError as error:
        raise not_written(file, len(contents), error) from None


def append_line(file: Path, line: bytes) -> None:
    """Add a line to a file in a single write, so that the lines of two processes do not mix.

    A full disk may take only part of a line; the next one still begins on a line of its own.

    Args:
        file: The file; it and its folder are created if they are missing.
        line: The line; line breaks before and after it are ignored.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    whole = line.strip(b"\n") + b"\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, NEW_FILE)
        try:
            left = whole if _ends_with_a_line(handle) else b"\n" + whole
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
    except OSError as error:
        raise not_written(file, len(whole), error) from None


def _ends_with_a_line(handle: int) -> bool:
    end = os.lseek(handle, 0, os.SEEK_END)
    if end == 0:
        return True
    os.lseek(handle, end - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"


def not_written(file: Path, size: int, error: OSError) -> DiagnosticError:
    """Return the error for a file that cannot be written or removed.

    Args:
        file: The file.
        size: Bytes that were to be written.
        error: The cause.
    """
    return DiagnosticError.of(
        "LEGO701",
        f"cannot write `{file}`: {error.strerror or error}",
        help=[
            *([f"{size:,} bytes are needed there"] if size else []),
            "free some space or permit writing, or choose another place with --store",
            "what is already built is kept",
        ],
    )
