"""The code in a plain file, with what it imports from its own folder, and its modules.

The text is read once. Its modules live below a name of their own, made from their contents, so that
a file that changes gives other modules, and the same text can be run where the file is not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from legonet.diagnostics import DiagnosticError

_PREFIX = "legonet_code_"

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python raises for a text that is none of its own."""


@dataclass(frozen=True)
class PythonCode:
    """A file of code and the files of its folder that it imports.

    Args:
        file: The file.
        texts: The contents of all of them, by their paths relative to the folder of the file; the
            file's own come first.
    """

    file: Path
    texts: Mapping[str, bytes]

    @classmethod
    def read(cls, file: Path) -> PythonCode:
        """Read a file and all that it imports from its folder, without running any of it.

        Raises:
            DiagnosticError: One of them cannot be read, is no Python, or imports what is above the
                folder.
        """
        texts: dict[str, bytes] = {}
        waiting = [file.name]
        while waiting:
            name = waiting.pop()
            if name not in texts:
                texts[name] = _content(file.parent / name)
                tree = _parsed(file.parent / name, texts[name])
                waiting += _imported_files(file.parent, name, tree)
        return cls(file, texts)

    @cached_property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file, by its path relative to the folder of the file."""
        return {name: hashlib.sha256(text).hexdigest() for name, text in self.texts.items()}

    @cached_property
    def package(self) -> str:
        """The name below which the modules are imported."""
        digest = hashlib.sha256(repr((str(self.file), sorted(self.digests.items()))).encode())
        return f"{_PREFIX}{digest.hexdigest()[:16]}"

    @cached_property
    def names(self) -> dict[str, str]:
        """The files by the dotted names of their modules; a folder without a file has none."""
        found: dict[str, str] = {}
        for name in self.texts:
            parts = _dotted(name)
            for depth in range(1, len(parts)):
                found.setdefault(".".join(parts[:depth]), "")
            found[".".join(parts)] = name
        return found

    def module(self) -> ModuleType:
        """Import the file's module; it runs once for each content.

        Raises:
            DiagnosticError: It raises something.
        """
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.append(_Finder())
        _known[self.package] = self
        try:
            return importlib.import_module(f"{self.package}.{'.'.join(_dotted(self.file.name))}")
        # It runs a user's code, which may raise anything at all, and may ask Python to end.
        except (Exception, SystemExit) as error:
            raise self.refused(error, "while it is imported") from error

    def refused(self, error: BaseException, when: str) -> DiagnosticError:
        """Return what to say of an error of the code, with the line where it happened.

        Args:
            error: The error.
            when: When it happened, in a few words.
        """
        reason = str(error).strip().partition("\n")[0].rstrip(".") or "no message"
        place = self.line_of(error)
        where, line = ("", "") if place is None else place
        return DiagnosticError.of(
            "LEGO515",
            f"{where or f'`{self.file.name}`'} raises {type(error).__name__} {when}: {reason}",
            label="its code fails",
            help=[f"the line is `{line}`"] if line else [],
        )

    def line_of(self, error: BaseException) -> tuple[str, str] | None:
        """Return the last line of the code that an error passed: its place and its text."""
        places = {str(self.file.parent / name): name for name in self.texts}
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename in places and frame.lineno is not None:
                name = places[frame.filename]
                lines = self.texts[name].decode(errors="replace").splitlines()
                text = lines[frame.lineno - 1].strip() if frame.lineno <= len(lines) else ""
                return f"line {frame.lineno} of `{name}`", text
        return None


_known: dict[str, PythonCode] = {}
"""The code whose modules this process has imported, by the names of their packages."""


def failing_line(error: BaseException) -> str | None:
    """Return the last line of any file of code that an error or its cause passed, if any."""
    errors = [error] if error.__cause__ is None else [error, error.__cause__]
    places = (code.line_of(item) for item in errors for code in _known.values())
    place = next((place for place in places if place is not None), None)
    return None if place is None else f"{place[0]} is `{place[1]}`"


class _Finder(MetaPathFinder):
    """Finds the modules of files of code."""

    def find_spec(
        self,
        fullname: str,
        path: Any,  # noqa: ARG002 - Python passes it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        code = _known.get(package)
        if code is None or (name and name not in code.names):
            return None
        file = code.names.get(name, "")
        is_package = not file or file.endswith("__init__.py")
        spec = ModuleSpec(fullname, _Loader(code, file), is_package=is_package)
        if file:
            spec.origin = str(code.file.parent / file)
            spec.has_location = True
        return spec


class _Loader(InspectLoader):
    """Runs one file; an import of another file of the folder leads to that file's module."""

    def __init__(self, code: PythonCode, file: str) -> None:
        self._code = code
        self._file = file

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002 - Python passes it
        return not self._file or self._file.endswith("__init__.py")

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return importlib.util.decode_source(self._code.texts[self._file]) if self._file else ""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        if not self._file:
            return compile("", "<folder>", "exec")
        file = self._code.file.parent / self._file
        tree = _LocalImports(self._code).visit(_parsed(file, self._code.texts[self._file]))
        return compile(ast.fix_missing_locations(tree), str(file), "exec", dont_inherit=True)


class _LocalImports(ast.NodeTransformer):
    """Leads imports of the folder's files to their modules, wherever the folder is."""

    def __init__(self, code: PythonCode) -> None:
        self._code = code

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for item in node.names:
            top = item.name.partition(".")[0]
            if item.name not in self._code.names:
                found.append(ast.copy_location(ast.Import([item]), node))
                continue
            bound = ast.alias(f"{self._code.package}.{item.name}", item.asname)
            found.append(ast.copy_location(ast.Import([bound]), node))
            if item.asname is None:
                whole = ast.ImportFrom(self._code.package, [ast.alias(top)], 0)
                found.append(ast.copy_location(whole, node))
        return found

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if not node.level and node.module in self._code.names:
            node.module = f"{self._code.package}.{node.module}"
        return node


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DiagnosticError.of(
            "LEGO515",
            f"the code `{file.name}` cannot be read: {(error.strerror or str(error)).lower()}",
            label="expected a file of Python",
            help=[f"legonet looked for {file}"],
        ) from error


def _parsed(file: Path, text: bytes) -> ast.Module:
    try:
        return ast.parse(text, str(file))
    except _UNREADABLE as error:
        line = getattr(error, "lineno", None)
        where = f"`{file.name}`" if line is None else f"line {line} of `{file.name}`"
        reason = str(getattr(error, "msg", error)) or type(error).__name__
        raise DiagnosticError.of(
            "LEGO515",
            f"{where} is no Python: {reason}",
            label="cannot be parsed",
            help=[f"this is Python {sys.version_info.major}.{sys.version_info.minor}"],
        ) from error


def _dotted(name: str) -> list[str]:
    """Return the parts of a module's name, given its file relative to the folder."""
    *folders, file = Path(name).parts
    stem = file.removesuffix(".py")
    if stem == "__init__" and folders:
        return folders
    return [*folders, stem if stem.isidentifier() else re.sub(r"\W", "_", stem) + "_"]


def _imported_files(folder: Path, name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the files of a folder that one of its files imports, wherever in its text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield from _files(folder, item.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            above = list(Path(name).parent.parts)
            if node.level > len(above) + 1:
                raise DiagnosticError.of(
                    "LEGO515",
                    f"line {node.lineno} of `{name}` imports from above its folder",
                    label="legonet follows imports within the folder alone",
                    help=["put what it needs beside it, or install it as a package"],
                )
            base = above[: len(above) - node.level + 1] if node.level else []
            base = [*base, *(node.module or "").split(".")] if node.module else base
            yield from _files(folder, base)
            for item in node.names:
                yield from _files(folder, [*base, item.name])


def _files(folder: Path, parts: list[str]) -> Iterator[str]:
    """Yield the files of a folder that Python runs to import a module of a dotted name."""
    for depth in range(1, len(parts) + 1):
        inner = Path(*parts[:depth])
        package, module = inner / "__init__.py", inner.with_name(f"{inner.name}.py")
        if (folder / package).is_file():
            yield package.as_posix()
        elif (folder / module).is_file():
            yield module.as_posix()
            return
        elif not (folder / inner).is_dir():
            return
