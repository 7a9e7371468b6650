"""What each name of a spec was built from the last time, so that a plan can say what changed.

A ledger also tells which artifacts its spec uses: those that its names stand for, and those that a
build of it wants to make. It is a file of JSON lines that only grows, so that two builds at once
and a killed one do it no harm; a later line counts more than an earlier one.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from legonet.build.storage.files import append_line
from legonet.build.storage.keys import key_of

Inputs = Mapping[str, Any]
"""A tree of JSON values."""

LEDGERS = "ledgers"
"""The folder in a store for the ledgers of the specs that share it."""

LONGEST_BUILD = 14 * 86_400.0
"""Seconds for which what a build was to make is kept, if other builds began since."""


@dataclass(frozen=True)
class _Begun:
    at: float
    wanted: frozenset[str]


@dataclass(frozen=True)
class _Entered:
    name: str
    inputs: Inputs

    @cached_property
    def key(self) -> str:
        return key_of(self.inputs)


class Ledger:
    """The inputs of the last build by name; a lost ledger costs explanations and nothing else.

    Args:
        file: Where it stands.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.spec: Path | None = None  # from the ledger's folder
        self._entries: dict[str, Inputs] = {}
        self._history: list[_Begun | _Entered] = []
        for line in _lines(file):
            match line:
                case {"spec": str(path), "wanted": [*wanted], "at": int() | float() as at}:
                    self._history.append(_Begun(at, frozenset(map(str, wanted))))
                case {"spec": str(path), "name": str(name), "inputs": {} as inputs}:
                    self._history.append(_Entered(name, inputs))
                    self._entries[name] = inputs
                case _:
                    continue
            self.spec = Path(path)

    @classmethod
    def of(cls, spec: Path, folder: Path) -> Ledger:
        """Return the ledger of a spec.

        Args:
            spec: The spec's file.
            folder: Where ledgers stand, those of all specs that share a store.
        """
        # From the folder's place, so that a project which is moved as a whole keeps its ledgers.
        path = os.path.relpath(spec.resolve(), folder.resolve())
        digest = hashlib.sha256(Path(path).as_posix().encode()).hexdigest()[:8]
        ledger = cls(folder / f"{spec.stem}-{digest}.jsonl")
        ledger.spec = Path(path)
        return ledger

    @property
    def in_use(self) -> bool:
        """Whether the spec still exists."""
        return self.spec is not None and (self.file.parent / self.spec).exists()

    @property
    def wanted(self) -> set[str]:
        """The keys that a build which may still run, or be gone on with, has yet to make."""
        builds: list[tuple[float, set[str]]] = []
        for line in self._history:
            if isinstance(line, _Begun):
                builds.append((line.at, set(line.wanted)))
            elif builds:
                for _, keys in builds:
                    keys.discard(line.key)
        now = time.time()
        recent = [build for build in builds if abs(now - build[0]) < LONGEST_BUILD]
        return {key for _, keys in (*builds[-1:], *recent) for key in keys}

    @property
    def entries(self) -> Mapping[str, Inputs]:
        """What each name was built from last."""
        return self._entries

    @property
    def keys(self) -> dict[str, str]:
        """The content key of each name, by what it was built from last."""
        return {name: key_of(inputs) for name, inputs in self._entries.items()}

    def once(self, key: str) -> dict[str, Inputs]:
        """Return the names that ever stood for a content key, with its inputs; the last one last.

        Args:
            key: The key.
        """
        lines = (line for line in self._history if isinstance(line, _Entered))
        return {line.name: line.inputs for line in lines if line.key == key}

    def inputs(self, name: str) -> Inputs | None:
        """Return what a network (``dog_net``) or an edge (``cat -> classify``) was built from."""
        return self._entries.get(name)

    def begin(self, wanted: Iterable[str]) -> None:
        """Note which keys a build is about to make, so that nobody throws them away.

        Raises:
            DiagnosticError: The ledger cannot be written.
        """
        begun = _Begun(time.time(), frozenset(wanted))
        line = {"spec": str(self.spec), "wanted": sorted(begun.wanted), "at": begun.at}
        append_line(self.file, _line(line))
        self._history.append(begun)

    def enter(self, name: str, inputs: Inputs) -> None:
        """Note what a name stands for now.

        Raises:
            DiagnosticError: The ledger cannot be written.
        """
        if self._entries.get(name) == inputs:
            return
        line = {"spec": str(self.spec), "name": name, "inputs": inputs}
        append_line(self.file, _line(line))
        self._history.append(_Entered(name, inputs))
        self._entries[name] = inputs


def _line(contents: Mapping[str, Any]) -> bytes:
    # The line end stands in front, so that a line which a crash cut off spoils no other.
    return b"\n" + json.dumps(contents, sort_keys=True).encode()


def _lines(file: Path) -> Iterable[Any]:
    """Give what stands in the lines of a ledger; one that was cut off by a crash says nothing."""
    try:
        content = file.read_bytes()
    except OSError:
        return
    for line in content.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
