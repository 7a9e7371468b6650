"""Writing a file so that it is either whole or not there."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
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
            # Where not even this works, what went wrong first is what there is to say.
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)


def append_line(file: Path, line: bytes) -> None:
    """Add a line to a file in a single write, so that those of two processes do not mix.

    A full disk may take a part of a line and no more; the next one begins behind it all the same.

    Args:
        file: Where to; it and its folder are made if they are missing.
        line: The line; line ends in front of it and behind it do not count.

    Raises:
        DiagnosticError: The disk is full, or the folder cannot be written.
    """
    whole = line.strip(b"\n") + b"\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
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
