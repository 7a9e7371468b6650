"""Reads files into texts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from legonet.diagnostics import DiagnosticError, SourceText, Span, did_you_mean

LONGEST_TEXT = 8 * 2**20
"""Bytes of the largest text that is read; a larger file is certainly not a spec."""


ENDING = ".lego"
"""How the names of specs end."""


def specs_below(folder: Path) -> list[Path]:
    """Return the specs in a folder and below it, in the order of their names.

    Folders with names that begin with a dot are not looked into, and links are not followed.
    """
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in files if name.endswith(ENDING)]
    return sorted(found)


def specs_of(path: Path) -> list[Path]:
    """Return the specs that a user means by a path: those below a folder, or the file itself.

    Raises:
        DiagnosticError: There is no spec below the folder (``LEGO101``).
    """
    if not path.is_dir():
        return [path]
    found = specs_below(path)
    if not found:
        raise DiagnosticError.of("LEGO101", f"no spec (`*{ENDING}`) in or below `{path}`")
    return found


def find_text(path: Path, shown_as: str) -> Path:
    """Return the resolved path of a spec, without links and ``..``.

    Args:
        path: The file.
        shown_as: The path as the user wrote it.

    Raises:
        DiagnosticError: There is no such file, or it is not a plain file and might never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        near = did_you_mean(path.name, _specs_beside(path), "file")
        raise DiagnosticError.of("LEGO101", f"no such file: `{shown_as}`", help=near) from None
    except (OSError, ValueError) as error:
        raise _unreadable(shown_as, error) from None
    if not stat.S_ISREG(mode):
        raise DiagnosticError.of("LEGO101", f"expected a plain file, found `{shown_as}`")
    return path.resolve()


def read_text(path: Path, shown_as: str) -> SourceText:
    """Read a spec's text.

    Args:
        path: The file.
        shown_as: The path as the user wrote it.

    Raises:
        DiagnosticError: The file is not readable, too large, or not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > LONGEST_TEXT:
            raise DiagnosticError.of(
                "LEGO103",
                f"`{shown_as}` is too large for a spec: {size:,} bytes, at most {LONGEST_TEXT:,}",
            )
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(shown_as, error) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        begun = error.object[: error.start].decode("utf-8")
        found = f"byte {error.object[error.start]:#04x} begins no character"
        raise _no_text(SourceText(shown_as, begun), found) from None
    if "\0" in text:
        raise _no_text(
            SourceText(shown_as, text[: text.index("\0")]), "a zero byte is no character"
        )
    return SourceText(shown_as, text)


def _no_text(begun: SourceText, found: str) -> DiagnosticError:
    end = len(begun.text)
    return DiagnosticError.of(
        "LEGO102",
        f"`{begun.path}` is not UTF-8 text",
        span=Span(begun, end, end),
        label=found,
        help=["save the file as UTF-8"],
    )


def _unreadable(shown_as: str, error: OSError | ValueError) -> DiagnosticError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return DiagnosticError.of("LEGO101", f"cannot read `{shown_as}`: {reason.lower()}")


def _specs_beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.glob(f"*{ENDING}")]
    except OSError:
        return []
