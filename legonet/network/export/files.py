"""Writing files that belong together: all of them whole, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from legonet.diagnostics import DiagnosticError


def check_folder(file: Path) -> None:
    """Raise a `DiagnosticError`, LEGO762, where a file's folder does not exist."""
    if not file.parent.is_dir():
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{file}`: there is no folder `{file.parent}`",
            help=["make the folder, or write somewhere else"],
        )
    if file.is_dir():
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{file}`: it is a folder",
            help=["name a file in it, or another one"],
        )


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files beside their places first, and move them there when all of them are written.

    Args:
        files: The contents of each, in the order in which they are moved.

    Raises:
        DiagnosticError: LEGO762, the disk is full, or a folder cannot be written; what stood
            there before is untouched.
    """
    written: dict[Path, Path] = {}
    current = Path()
    try:
        for current, contents in files.items():
            handle, beside = tempfile.mkstemp(prefix=f".{current.name}.", dir=current.parent)
            written[current] = Path(beside)
            with os.fdopen(handle, "wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fsync(stream.fileno())
            Path(beside).chmod(0o644)
        for current, beside_it in written.items():
            beside_it.replace(current)
    except OSError as error:
        needed = sum(map(len, files.values()))
        raise DiagnosticError.of(
            "LEGO762",
            f"cannot write `{current}`: {error.strerror or error}",
            help=[
                f"{needed:,} bytes are needed there",
                "make room or permit writing, or write somewhere else",
            ],
        ) from None
    finally:
        for beside_it in written.values():
            # Where not even this works, what went wrong first is what there is to say.
            with suppress(OSError):
                beside_it.unlink(missing_ok=True)
