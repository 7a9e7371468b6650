"""A small SQLite database in a store, which several builds may read and change at once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from legonet.building.storage.files import not_written
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity

PATIENCE = 30.0
"""Seconds to wait for another process that is writing; it holds the lock for milliseconds."""

SET_ASIDE = ".damaged"
"""What the name of a database that was set aside ends in."""

Row = tuple[Any, ...]


class Database:
    """Tables in a file that appears with the first change.

    Each change is a transaction with a rollback journal: other processes see all of it or nothing,
    also when a process is killed. (A write-ahead log would need memory that all readers share, so
    it does not work on network file systems.) No connection outlives its query or transaction, so
    the file may be removed at any time, and an object can be sent to other threads and processes.

    Args:
        file: The file.
        tables: The statements that create the tables.
        version: The version of these tables; never 0.
        durable: Whether losing the contents would do harm. If so, each change is on the disk when
            its transaction ends, and a damaged file is reported. Otherwise, a change may be lost
            with the electricity, and a damaged file is set aside before the next change.
    """

    def __init__(
        self, file: Path, tables: Sequence[str], version: int, *, durable: bool = False
    ) -> None:
        self.file = file
        self.aside = file.with_name(file.name + SET_ASIDE)
        self.damage: Diagnostic | None = None
        """A warning that the file was damaged and has been set aside."""
        self._tables = tables
        self._version = version
        self._durable = durable

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state; if there is no file yet, all tables are empty.

        Raises:
            DiagnosticError: LEGO701, LEGO734 or LEGO729: the file cannot be read.
        """
        try:
            there = self.file.exists() and self.file.stat().st_size > 0
            with closing(self._begun("rw" if there else "memory", "BEGIN")) as connection:
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query.

        Raises:
            DiagnosticError: LEGO701, LEGO734 or LEGO729: the file cannot be read.
        """
        with self.reading() as connection:
            return connection.execute(query, values).fetchall()

    def known(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query, or none if the file cannot be read."""
        with suppress(DiagnosticError):
            return self.read(query, values)
        return []

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection with a transaction, which ends with the block; an error undoes it.

        Raises:
            DiagnosticError: LEGO701, LEGO734 or LEGO729: the file cannot be written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._begun_anew()) as connection:
                yield connection
                connection.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            if _is_damage(error) and not self._durable:
                raise DiagnosticError(self._set_aside(error)) from None
            raise self._error(error) from None

    def _begun_anew(self) -> sqlite3.Connection:
        """Begin a change, after setting the file aside if it is of no use."""
        if not self.file.exists():
            self.file.touch()  # SQLite itself would let nobody else write it, whatever the umask
        seen = self._inode
        try:
            return self._begun("rwc", "BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if self._durable or not _is_damage(error):
                raise
            if self._inode == seen:  # no other process has replaced it meanwhile
                self._set_aside(error)
        return self._begun("rwc", "BEGIN IMMEDIATE")

    def _begun(self, mode: str, begin: str) -> sqlite3.Connection:
        uri = f"{self.file.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, PATIENCE, isolation_level=None, uri=True)
        try:
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
            connection.execute(begin)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in (*self._tables, f"PRAGMA user_version = {self._version}"):
                    connection.execute(statement)
            elif version != self._version:
                raise _OtherVersionError("another version of legonet wrote it")
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def _inode(self) -> int | None:
        return self.file.stat().st_ino if self.file.exists() else None

    def _set_aside(self, error: Exception) -> Diagnostic:
        """Move the file out of the way with its journal, and return the warning to show."""
        for suffix in ("-journal", ""):
            with suppress(FileNotFoundError):
                Path(f"{self.file}{suffix}").replace(f"{self.aside}{suffix}")
        self.damage = Diagnostic(
            "LEGO729",
            f"the store's `{self.file.name}` was damaged: {error}",
            help=(
                f"it was set aside as `{self.aside}`, and a new one was begun",
                "what is built is kept; reasons and estimates begin again",
                "build all specs of this store, and remove the old file, before the next gc",
            ),
            severity=Severity.WARNING,
        )
        return self.damage

    def _error(self, error: OSError | sqlite3.Error) -> DiagnosticError:
        if isinstance(error, OSError):
            return not_written(self.file, 0, error)
        if re.search("BUSY|LOCK|PROTOCOL", _name(error)):
            return DiagnosticError.of(
                "LEGO734",
                f"cannot lock `{self.file}`: {error}",
                help=[
                    "if another process holds it, stop that process",
                    "if its file system cannot lock files, choose another place with --store",
                ],
            )
        if _is_damage(error):
            return DiagnosticError.of(
                "LEGO729",
                f"cannot use `{self.file}`: {error}",
                help=["remove it: what is built is recorded again"],
            )
        try:
            TemporaryFile(dir=self.file.parent).close()  # the system says why, and SQLite does not
        except OSError as refusal:
            return not_written(self.file, 0, refusal)
        return not_written(self.file, 0, OSError(0, str(error)))


class _OtherVersionError(sqlite3.Error):
    """The tables are those of another version of legonet."""


def _is_damage(error: Exception) -> bool:
    """Whether a file is no database, or none with our tables."""
    damage = re.search("CORRUPT|NOTADB|SQLITE_ERROR", _name(error))
    return damage is not None or isinstance(error, _OtherVersionError)


def _name(error: Exception) -> str:
    """Return SQLite's name of an error, such as ``SQLITE_BUSY``."""
    return str(getattr(error, "sqlite_errorname", ""))
