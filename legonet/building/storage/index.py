"""The index of a store: what is known besides the artifacts, in one SQLite database.

Losing it costs time, explanations and estimates, and nothing else; as long as it is unreadable,
`legonet store gc` removes nothing.
"""

from __future__ import annotations

from pathlib import Path

from legonet.building.storage.database import Database

INDEX = "index.sqlite"
"""The file in a store."""

VERSION = 1
"""Raised with every change of the tables."""

TABLES = (
    # Digests of files, and what changes with a file: see `DigestCache`. Paths are bytes, because
    # not every file has a name in Unicode.
    "CREATE TABLE digests (file BLOB PRIMARY KEY, mark TEXT, sha256 TEXT) WITHOUT ROWID",
    # What each name of a spec ever stood for, the latest last: see `BuildHistory`. A spec is its
    # path, relative to the store, so that a project that is moved as a whole keeps its history.
    """CREATE TABLE names (
        number INTEGER PRIMARY KEY, spec BLOB, name TEXT, key TEXT, UNIQUE (spec, name, key)
    )""",
    "CREATE TABLE inputs (key TEXT PRIMARY KEY, inputs TEXT)",
    # The keys that a build of a spec has yet to make.
    "CREATE TABLE builds (number INTEGER PRIMARY KEY, spec BLOB, begun REAL)",
    "CREATE TABLE wanted (build INTEGER, key TEXT, PRIMARY KEY (build, key)) WITHOUT ROWID",
    # The files of sets of pictures: see `FileList`.
    "CREATE TABLE file_lists (key TEXT PRIMARY KEY, document TEXT)",
    # How long steps took, by the cost classes of their work: see `Runs`.
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY, class TEXT, amount REAL, seconds REAL, memory INTEGER
    )""",
)


def open_index(folder: Path) -> Database:
    """Return the index of a store.

    Args:
        folder: The store's folder; nothing is written before the first change.
    """
    return Database(folder / INDEX, TABLES, VERSION)
