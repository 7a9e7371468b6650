"""The files whose code a user trusts: those of the command, and of the spec's project."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from legonet.diagnostics import DiagnosticError
from legonet.language.models import shown_path

PROJECT = "pyproject.toml"


def trusted_files(spec: Path, named: Iterable[Path | str] = ()) -> frozenset[Path]:
    """Return the resolved paths of the files that are trusted.

    Args:
        spec: The spec. The nearest ``pyproject.toml``, in its folder or above, may list files
            below ``[tool.legonet]`` as ``trust``, relative to its own folder.
        named: Files that are trusted besides.

    Raises:
        DiagnosticError: That file is damaged, or lists something else.
    """
    found = [Path(file) for file in named]
    folders = spec.resolve().parents
    project = next((file for folder in folders if (file := folder / PROJECT).is_file()), None)
    if project is not None:
        found += [project.parent / name for name in _listed(project)]
    return frozenset(file.resolve() for file in found)


def _listed(project: Path) -> list[str]:
    """Return what a ``pyproject.toml`` lists."""
    try:
        settings = tomllib.loads(project.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refused(project, f"cannot be read: {error}") from error
    listed: object = settings
    for name in ("tool", "legonet", "trust"):
        if not isinstance(listed, dict):
            raise _refused(project, "lists no files as `trust`")
        listed = listed.get(name, [] if name == "trust" else {})
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise _refused(project, "lists no files as `trust`")
    return listed


def _refused(project: Path, reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO516",
        f"`{shown_path(project)}` {reason}",
        label="trust cannot be looked up",
        help=['expected `trust = ["net.py"]` below `[tool.legonet]`'],
    )
