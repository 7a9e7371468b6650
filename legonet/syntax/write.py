"""Writes texts to files."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from legonet.atomic_files import write_atomically
from legonet.diagnostics import DiagnosticError, SourceText


def write_text(path: Path, text: SourceText, *, marked: bool = False) -> None:
    """Replace a file's text atomically, so that a crash leaves either the old text or the new one.

    Args:
        path: The file; it is created if it does not exist. A write-protected file is left alone.
        text: The text, with the name by which users know the file.
        marked: Whether to put a byte order mark before the text.

    Raises:
        DiagnosticError: The file cannot be written (``LEGO701``).
    """
    try:
        content = (codecs.BOM_UTF8 if marked else b"") + text.text.encode()
        mode = None
        if path.exists():
            with path.open("r+b") as stream:  # moving a file over a protected one would succeed
                mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
        write_atomically({path: content}, mode=mode)
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DiagnosticError.of(
            "LEGO701",
            f"cannot write `{text.path}`: {reason.lower()}",
            help=["permit writing to the file and its folder, or make room there"],
        ) from None
