"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from legonet.diagnostics import DiagnosticError


def write_whole(file: Path, contents: bytes) -> None:
    """Write a file at once: a reader sees the old contents or the new, and never a part.

    Args:
        file: Where to; its folder is made if it is missing.
        contents: All of it.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(contents)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
        temporary = None
    except OSError as error:
        raise not_written(file, len(contents), error) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def append_line(file: Path, line: bytes) -> None:
    """Add a line to a file in a single write, so that those of two processes do not mix.

    Args:
        file: Where to; it and its folder are made if they are missing.
        line: With a line end in front or behind.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        raise not_written(file, len(line), error) from None


def not_written(file: Path, size: int, error: OSError) -> DiagnosticError:
    """Return what to say of a file that cannot be written or removed.

    Args:
        file: The file.
        size: Bytes that were to be written.
        error: Why not.
    """
    return DiagnosticError.of(
        "LEGO701",
        f"cannot write `{file}`: {error.strerror or error}",
        help=[
            *([f"{size:,} bytes are needed there"] if size else []),
            "make room or permit writing, or choose another place with --store",
            "what is built already is kept",
        ],
    )
