"""A cache of large specs, so that those that have not changed are not read again.

An entry holds the bound spec and the digests of the texts that it came from. It is data: its
bytes may name the classes of a spec and nothing else, so reading an entry runs no code.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from inspect import getfile
from pathlib import Path, PosixPath, WindowsPath
from typing import Any

from legonet.atomic_files import write_atomically
from legonet.diagnostics import DiagnosticError, SourceText, Span, Trace
from legonet.language.base import Frozen
from legonet.language.declarations import LAYERS
from legonet.language.expand import Expanded
from legonet.language.methods import METHODS
from legonet.language.models import MODELS
from legonet.language.override import Override
from legonet.language.sources import SOURCES
from legonet.language.spec import Origin, Spec
from legonet.language.transforms import TRANSFORMS
from legonet.language.weights import WEIGHTS
from legonet.registry import Registry, imported
from legonet.syntax import find_text, read_text
from legonet.syntax.cache_folder import cache_folder

SMALLEST = 10_000
"""Characters that a spec and its imports must have for caching to be worthwhile."""

_CLASSES: tuple[type, ...] = (Spec, Origin, Span, SourceText, Trace)
_DIGEST_LENGTH = hashlib.sha256().digest_size


def remembered(
    path: Path, overrides: Sequence[Override]
) -> tuple[Spec, dict[Path, SourceText]] | None:
    """Return a spec from the cache, or None if it or anything that it depends on has changed.

    The texts that it came from are returned with it, by the files' resolved paths.

    Args:
        path: The file.
        overrides: Values for single fields and constants.
    """
    file = _file(path)
    if file is None or not file.is_file():
        return None
    entry = _read(file)
    if entry is None or entry.circumstances != _circumstances(path, overrides):
        return None
    texts = _unchanged(entry)
    spec = None if texts is None else _unpacked(entry.spec, list(texts.values()))
    return None if texts is None or spec is None else (spec, texts)


def remember(path: Path, overrides: Sequence[Override], spec: Spec, expanded: Expanded) -> None:
    """Keep a spec without mistakes for the next time, if it is large.

    Args:
        path: The file.
        overrides: Values for single fields and constants.
        spec: What they say.
        expanded: The expansion, which knows the texts that were read.
    """
    file = _file(path)
    if file is None or sum(len(text.text) for text in expanded.texts.values()) < SMALLEST:
        return
    entry = _Entry(
        _circumstances(path, overrides),
        {str(asked): str(found) for asked, found in expanded.links.items()},
        {str(found): (text.path, _digest(text)) for found, text in expanded.texts.items()},
        _packed(spec, list(expanded.texts.values())),
    )
    content = pickle.dumps((entry.circumstances, entry.links, entry.texts, entry.spec))
    with suppress(OSError):  # a cache that cannot be written only saves no time
        file.parent.mkdir(exist_ok=True)
        write_atomically({file: hashlib.sha256(content).digest() + content})


@dataclass(frozen=True)
class _Entry:
    """A spec, packed, and what it depends on.

    Args:
        circumstances: See `_circumstances`.
        links: The resolved path of each file, by the path under which it was requested.
        texts: By resolved path, the name by which users know each text, and its digest.
        spec: The spec.
    """

    circumstances: tuple[str, ...]
    links: dict[str, str]
    texts: dict[str, tuple[str, str]]
    spec: bytes


class _Packer(pickle.Pickler):
    """Writes a spec without its texts, which are read again to see whether they have changed."""

    def __init__(self, stream: io.BytesIO, texts: Sequence[SourceText]) -> None:
        super().__init__(stream, protocol=5)
        self._numbers = {id(text): number for number, text in enumerate(texts)}

    def persistent_id(self, item: Any) -> int | None:
        return self._numbers.get(id(item)) if type(item) is SourceText else None


class _Unpacker(pickle.Unpickler):
    """Reads a spec, and refuses everything that is not part of one."""

    def __init__(self, stream: io.BytesIO, texts: Sequence[SourceText]) -> None:
        super().__init__(stream)
        self._texts = texts

    def persistent_load(self, number: int) -> SourceText:
        return self._texts[number]

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}:{name}" in _own_forms():
            return imported(f"{module}:{name}")
        if module.startswith("legonet."):
            found = getattr(sys.modules.get(module), name, None)
            if found in _CLASSES or (isinstance(found, type) and issubclass(found, Frozen)):
                return found
        for path in (PosixPath, WindowsPath):
            if name == path.__name__ and module.partition(".")[0] == "pathlib":
                return path
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a spec")


def _packed(spec: Spec, texts: Sequence[SourceText]) -> bytes:
    stream = io.BytesIO()
    _Packer(stream, texts).dump(spec)
    return stream.getvalue()


def _unpacked(content: bytes, texts: Sequence[SourceText]) -> Spec | None:
    try:
        spec = _Unpacker(io.BytesIO(content), texts).load()
    except pickle.UnpicklingError:
        return None
    return spec if isinstance(spec, Spec) else None


def _read(file: Path) -> _Entry | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST_LENGTH], content[_DIGEST_LENGTH:]
    if hashlib.sha256(content).digest() != digest:
        return None
    try:
        return _Entry(*_Unpacker(io.BytesIO(content), ()).load())
    except (pickle.UnpicklingError, TypeError):
        return None


def _unchanged(entry: _Entry) -> dict[Path, SourceText] | None:
    """Return the texts as they are now, or None if one of them has changed."""
    texts: dict[Path, SourceText] = {}
    try:
        for asked, found in entry.links.items():
            if str(find_text(Path(asked), asked)) != found:
                return None
        for found, (shown_as, digest) in entry.texts.items():
            text = read_text(Path(found), shown_as)
            if _digest(text) != digest:
                return None
            texts[Path(found)] = text
    except DiagnosticError:
        return None
    return texts


def _circumstances(path: Path, overrides: Sequence[Override]) -> tuple[str, ...]:
    """Return what a spec depends on besides its texts: legonet's own code, and other packages."""
    code = hashlib.sha256()
    for file in _own_code():
        status = file.stat()
        code.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return (
        code.hexdigest(),
        sys.version,
        *_packages(),
        str(Path.cwd()),
        str(path),
        *(item.source.text for item in overrides),
    )


def _own_code() -> list[Path]:
    """Return all files of legonet, since forms are wherever they are carried out."""
    return sorted(Path(getfile(Spec)).parents[1].rglob("*.py"))


@cache
def _own_forms() -> frozenset[str]:
    """Return where legonet's own forms are.

    A spec with those of other packages is read every time, since their code may change unnoticed.
    """
    kinds: tuple[Registry[Any], ...] = (SOURCES, TRANSFORMS, MODELS, WEIGHTS, METHODS, LAYERS)
    return frozenset(kind.place(name) for kind in kinds for name in kind.own)


def _packages() -> Iterator[str]:
    """Yield the folders of installed packages, each with the time of its last change.

    What torchvision and timm offer cannot change without a change there. The first folder
    on the path is that of the script, or the current one, and is left out.
    """
    for folder in sys.path[1:]:
        with suppress(OSError):
            yield f"{folder} {Path(folder).stat().st_mtime_ns}"


def _digest(text: SourceText) -> str:
    return hashlib.sha256(text.text.encode()).hexdigest()


def _file(path: Path) -> Path | None:
    """Return the file of a spec's entry, or None if nothing is to be cached."""
    folder = cache_folder()
    if folder is None:
        return None
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    return folder / "specs" / f"{name}.pickle"
