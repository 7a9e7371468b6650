"""What each name of a spec was built from last time, so that a plan can say what changed.

A build history also says which artifacts its spec uses: those that its names stand for, and those
that a build of it wants to make.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from legonet.building.storage.database import Database, Row
from legonet.building.storage.file_list import FileList, file_lists_of, keep
from legonet.building.storage.keys import key_of

Inputs = Mapping[str, Any]
"""A tree of JSON values."""

LONGEST_BUILD = 14 * 86_400.0
"""Seconds for which the artifacts that a build wants are kept, if other builds began since."""

Clock = Callable[[], float]
"""Returns the time in seconds since 1970."""


class BuildHistory:
    """The inputs of the last build by name, as they were when first asked for.

    Args:
        spec: The spec's file.
        index: The index of the store.
        clock: Tells the time.
    """

    def __init__(self, spec: Path, index: Database, clock: Clock = time.time) -> None:
        self._index = index
        self._clock = clock
        path = Path(os.path.relpath(spec.resolve(), index.file.parent.resolve()))
        self._spec = os.fsencode(path.as_posix())

    def inputs(self, name: str) -> Inputs | None:
        """Return what a network (``dog_net``) or an edge (``cat -> classify``) was built from."""
        key = self.keys.get(name)
        return None if key is None else self._inputs_of(key)

    def once(self, key: str) -> dict[str, Inputs]:
        """Return the names that ever stood for a content key, with its inputs; the latest last.

        Args:
            key: The key.
        """
        return {name: self._inputs_of(key) for name, known in self._names if known == key}

    @cached_property
    def keys(self) -> dict[str, str]:
        """The content key of each name, by what it was built from last."""
        return dict(self._names)

    def begin(
        self, wanted: Iterable[str], file_lists: Mapping[str, FileList] | None = None
    ) -> None:
        """Record which keys a build is about to make, so that they are not thrown away.

        Args:
            wanted: The keys.
            file_lists: The file lists of the pictures that they are made from, by their key.

        Raises:
            DiagnosticError: The index cannot be written.
        """
        now = self._clock()
        with self._index.writing() as index:
            outdated = "DELETE FROM builds WHERE spec = ? AND begun < ?"
            index.execute(outdated, (self._spec, now - LONGEST_BUILD))
            index.execute(_DROP_WANTED)
            insert = "INSERT INTO builds (spec, begun) VALUES (?, ?)"
            build = index.execute(insert, (self._spec, now)).lastrowid
            rows = ((build, key) for key in wanted)
            index.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", rows)
            keep(index, file_lists or {})

    def enter(self, entries: Mapping[str, Inputs]) -> None:
        """Record what names stand for now.

        Args:
            entries: The inputs of each.

        Raises:
            DiagnosticError: The index cannot be written.
        """
        keys = {name: key_of(inputs) for name, inputs in entries.items()}
        new = {name: key for name, key in keys.items() if self.keys.get(name) != key}
        if not new:
            return
        texts = {}
        with self._index.writing() as index:
            for name, key in new.items():
                text = json.dumps(entries[name], sort_keys=True)
                index.execute("INSERT OR IGNORE INTO inputs VALUES (?, ?)", (key, text))
                index.execute(_NAME, (self._spec, name, key))
                index.execute(_MADE, (key, self._spec))
                texts[key] = text
        self._names.extend(new.items())
        self._texts.update(texts)
        self.keys.update(new)

    def _inputs_of(self, key: str) -> Inputs:
        inputs: Inputs = json.loads(self._texts[key])
        return inputs

    @cached_property
    def _names(self) -> list[tuple[str, str]]:
        """Every name with the keys that it stood for, the latest last."""
        return [(name, key) for name, key, _ in self._rows]

    @cached_property
    def _texts(self) -> dict[str, str]:
        """The inputs of every key, as text."""
        return {key: inputs for _, key, inputs in self._rows}

    @cached_property
    def _rows(self) -> list[Row]:
        query = "SELECT name, key, inputs FROM names JOIN inputs USING (key) WHERE spec = ? "
        return self._index.known(f"{query} ORDER BY number", (self._spec,))


@dataclass(frozen=True)
class Needs:
    """What the specs that share a store need of it.

    A spec needs what its names stood for when it was last built, and what builds of it may still
    want to make. A spec whose file is missing may have another name by now, or be on another
    branch, so it needs the same, unless it is to be forgotten.

    Args:
        finished: Its names there, such as ``animals.lego: cat -> classify``, by content key.
        wanted: The keys still to be made by builds that may be running or may be resumed.
        file_lists: The keys of the file lists that finished artifacts refer to.
        specs: The specs whose files exist, relative to the store's folder.
        missing: What each spec whose file is missing needs that no other spec needs, by its file
            relative to the store's folder.
        forgotten: The specs that are to be forgotten.
    """

    finished: Mapping[str, list[str]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    file_lists: frozenset[str] = frozenset()
    specs: tuple[Path, ...] = ()
    missing: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    forgotten: tuple[bytes, ...] = ()

    @classmethod
    def of(
        cls,
        index: sqlite3.Connection,
        folder: Path,
        clock: Clock = time.time,
        *,
        forget_missing: bool = False,
    ) -> Needs:
        """Return what the specs need according to an index.

        Args:
            index: A connection to the index.
            folder: The store's folder.
            clock: Tells the time.
            forget_missing: Whether specs whose files are missing need nothing.
        """
        known = [
            row[0] for row in index.execute("SELECT spec FROM names UNION SELECT spec FROM builds")
        ]
        files = {spec: Path(os.fsdecode(spec)) for spec in known}
        there = {spec: (folder / file).exists() for spec, file in files.items()}
        forgotten = tuple(spec for spec in known if forget_missing and not there[spec])
        finished: dict[str, list[str]] = {}
        file_lists: set[str] = set()
        needed: dict[bytes, set[str]] = {spec: set() for spec in known}
        for spec, name, key, inputs in index.execute(_LATEST):
            if spec not in forgotten:
                shown = files[spec].name + ("" if there[spec] else " (missing)")
                finished.setdefault(key, []).append(f"{shown}: {name}")
                file_lists.update(file_lists_of(json.loads(inputs)))
                needed[spec].add(key)
        now, wanted = clock(), set()
        for spec, begun, is_last, key in index.execute(_WANTED):
            if spec not in forgotten and (is_last or abs(now - begun) < LONGEST_BUILD):
                wanted.add(key)
                needed[spec].add(key)
        others = {key for spec in known if there[spec] for key in needed[spec]}
        return cls(
            finished,
            frozenset(wanted - finished.keys()),
            frozenset(file_lists),
            tuple(files[spec] for spec in known if there[spec]),
            {
                files[spec]: frozenset(needed[spec] - others)
                for spec in known
                if not there[spec] and spec not in forgotten
            },
            forgotten,
        )


def forget(index: sqlite3.Connection, needs: Needs) -> None:
    """Remove what an index holds for specs that are to be forgotten, and file lists without use.

    Args:
        index: A connection to the index, with a transaction.
        needs: What the specs need.
    """
    forgotten = [(spec,) for spec in needs.forgotten]
    for table in ("names", "builds"):
        index.executemany(f"DELETE FROM {table} WHERE spec = ?", forgotten)  # noqa: S608
    index.execute(_DROP_WANTED)
    index.execute("DELETE FROM inputs WHERE key NOT IN (SELECT key FROM names)")
    if not needs.wanted:  # the file lists of an unfinished build belong to nothing yet
        known = {key for (key,) in index.execute("SELECT key FROM file_lists")}
        unneeded = [(key,) for key in known - needs.file_lists]
        index.executemany("DELETE FROM file_lists WHERE key = ?", unneeded)


_NAME = "INSERT OR REPLACE INTO names (spec, name, key) VALUES (?, ?, ?)"

_MADE = """
DELETE FROM wanted WHERE key = ? AND build IN (SELECT number FROM builds WHERE spec = ?)
"""

_DROP_WANTED = "DELETE FROM wanted WHERE build NOT IN (SELECT number FROM builds)"

_LATEST = """
SELECT spec, name, key, inputs FROM names JOIN inputs USING (key)
WHERE number IN (SELECT max(number) FROM names GROUP BY spec, name) ORDER BY spec, number
"""

_WANTED = """
SELECT spec, begun, number IN (SELECT max(number) FROM builds GROUP BY spec), key
FROM builds JOIN wanted ON build = number
"""
