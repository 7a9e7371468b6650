"""Files of the Hugging Face Hub, each pinned to a revision and kept in the hub's own cache."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from legonet.diagnostics import DiagnosticError


def hub_file(repository: str, file: str, revision: str) -> Path:
    """Return where a file of a repository lies in the hub's cache, after fetching it if need be.

    Raises:
        DiagnosticError: huggingface_hub is not installed (``LEGO503``), or the file cannot be
            fetched (``LEGO508``).
    """
    found = hub_file_if_any(repository, file, revision)
    if found is None:
        raise not_fetched(_origin(repository, file, revision), "there is no such file")
    return found


@cache
def hub_file_if_any(repository: str, file: str, revision: str) -> Path | None:
    """Return the same, or None if the repository has no such file; each is asked for once.

    Raises:
        DiagnosticError: huggingface_hub is not installed (``LEGO503``), or whether there is such a
            file cannot be found out (``LEGO508``).
    """
    hub = _library()
    try:
        return Path(hub.hf_hub_download(repository, file, revision=revision))
    # Neither the hub's errors nor those of its transports share a base class.
    except Exception as error:
        if _is_absent(hub, error, (repository, file, revision)):
            return None
        raise not_fetched(_origin(repository, file, revision), error) from error


def not_fetched(origin: str, reason: Exception | str) -> DiagnosticError:
    """Return what to raise where something cannot be fetched.

    Args:
        origin: What it is and from where.
        reason: Why; the first line of it is shown.
    """
    shown = str(reason).partition("\n")[0].rstrip(".")
    return DiagnosticError.of(
        "LEGO508",
        f"cannot fetch {origin}: {shown}",
        label="cannot be fetched",
        help=["check the name and the connection, or download it and name the file or folder"],
    )


def _library() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise DiagnosticError.of(
            "LEGO503",
            "what is on the hub needs huggingface_hub, which cannot be imported",
            label="library missing",
            help=["pip install 'legonet[hub]'"],
        ) from error


def _origin(repository: str, file: str, revision: str) -> str:
    return f"{repository}/{file} at {revision}"


def _is_absent(hub: Any, error: Exception, asked: tuple[str, str, str]) -> bool:
    """Return whether the hub says, or said before, that there is no such file."""
    errors = hub.errors
    if isinstance(error, errors.LocalEntryNotFoundError):  # there is no connection
        repository, file, revision = asked
        known = hub.try_to_load_from_cache(repository, file, revision=revision)
        return known is not None and not isinstance(known, str)
    return isinstance(error, errors.EntryNotFoundError)
