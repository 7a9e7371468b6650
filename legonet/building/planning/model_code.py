"""The source files of a model of another package: a network is as new as its code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from legonet.building.storage.digest_cache import DigestCache
from legonet.diagnostics import DiagnosticError
from legonet.language.models import ModelForm
from legonet.modules.python_model import PythonModel

_SUFFIXES = (".py", ".so", ".pyd")
"""What the files of code end with."""

_OWN = ("legonet", "pydantic", "builtins", "abc", "typing")
"""Packages whose code is not part of a model: legonet's has versions of its own."""

_loaded: dict[type[ModelForm], dict[str, str]] = {}
"""The digests that the files of a form had when this process first needed them."""


def code_of(form: ModelForm, contents: DigestCache) -> dict[str, str] | None:
    """Return the digests of all files of the packages that a model's classes come from.

    Args:
        form: The model.
        contents: Knows the digests of files.

    Returns:
        By the file's path relative to the folder of its package; None for legonet's own models.

    Raises:
        DiagnosticError: A file cannot be read, or changed after this process had loaded it.
    """
    if isinstance(form, PythonModel):
        return form.code.digests
    files = {name: file for root in _roots(type(form)) for name, file in _files(root)}
    if not files:
        return None
    found = dict(zip(files, contents.digest(files.values()), strict=True))
    before = _loaded.setdefault(type(form), found)
    changed = sorted(name for name in {*found, *before} if found.get(name) != before.get(name))
    if changed:
        raise DiagnosticError.of(
            "LEGO712",
            f"`{changed[0]}` changed after the code of `{form.call}` had been loaded",
            label="its code is out of date in this process",
            help=["start legonet again, so that it loads the code as it is now"],
        )
    return found


def _roots(form: type) -> Iterator[Path]:
    """Yield the file of each module, or the folder of each package, that the classes come from."""
    names = dict.fromkeys(
        item.__module__ for item in form.__mro__ if item.__module__.partition(".")[0] not in _OWN
    )
    return iter(dict.fromkeys(root for name in names if (root := _root(name)) is not None))


def _root(name: str) -> Path | None:
    """Return the outermost folder that belongs to a module's package alone, or its file."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        module = sys.modules.get(".".join(parts[:depth]))
        file = getattr(module, "__file__", None)
        if file is None:
            continue  # a namespace, which packages of other origin share
        path = Path(file)
        return path.parent if path.stem == "__init__" else path
    return None


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    files = [root] if root.is_file() else sorted(root.rglob("*"))
    for file in files:
        if file.suffix in _SUFFIXES:
            yield file.relative_to(root.parent).as_posix(), file
