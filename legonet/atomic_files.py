"""Writing files so that each is complete or absent, whatever happens meanwhile."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NEW_FILE = 0o666
"""The mode of a new file, before the process's umask takes its share."""


def write_atomically(files: Mapping[Path, bytes], *, mode: int | None = None) -> None:
    """Replace files so that a reader sees the old contents or the new, never a part.

    All of them are written beside their places, and moved there once all are written. A symbolic
    link is replaced, not what it points to.

    Args:
        files: The complete contents of each, in the order in which they are moved.
        mode: The mode of every file; default: what the umask leaves of ``0o666``.

    Raises:
        OSError: The disk is full, or a folder is missing or cannot be written; ``filename`` is the
            file that could not be written, and unless it was the last step that failed, all that
            was there before is unchanged.
    """
    beside: dict[Path, Path] = {}
    file = Path()
    try:
        for file, contents in files.items():
            unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_FILE)
            beside[file] = unfinished
            with os.fdopen(handle, "wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fsync(stream.fileno())
            if mode is not None:
                unfinished.chmod(mode)
        for file, unfinished in beside.items():
            unfinished.replace(file)
    except OSError as error:
        error.filename, error.filename2 = str(file), None
        raise
    finally:
        for unfinished in beside.values():
            # If not even this works, the first error is the one to report.
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
