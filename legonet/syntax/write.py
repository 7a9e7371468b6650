"""Texts to files."""

from __future__ import annotations

import codecs
import os
import tempfile
from pathlib import Path

from legonet.diagnostics import DiagnosticError, SourceText


def write_text(path: Path, text: SourceText, *, marked: bool = False) -> None:
    """Put a text in the place of a file's, at once, so that a crash leaves one of the two.

    Args:
        path: The file; a new one is made if there is none. One that may not be written stays.
        text: The text, known by what a person calls the file.
        marked: Whether a byte order mark stands in front of it.

    Raises:
        DiagnosticError: The file cannot be written (``LEGO701``).
    """
    temporary = None
    try:
        content = text.text.encode()
        mode = 0o666 & ~_mask()
        if path.exists():
            with path.open("r+b") as stream:  # to move a file over one that is protected works
                mode = os.fstat(stream.fileno()).st_mode
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write((codecs.BOM_UTF8 if marked else b"") + content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode & 0o7777)
        Path(temporary).replace(path)
        temporary = None
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DiagnosticError.of(
            "LEGO701",
            f"cannot write `{text.path}`: {reason.lower()}",
            help=["permit writing to the file and its folder, or make room there"],
        ) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _mask() -> int:
    """Return the permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
