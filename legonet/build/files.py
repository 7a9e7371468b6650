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
        raise DiagnosticError.of(
            "LEGO701",
            f"cannot write `{file}`: {error.strerror or error}",
            help=[
                f"{len(contents):,} bytes are needed there",
                "make room or permit writing, or choose another place with --store",
                "what is built already is kept",
            ],
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
