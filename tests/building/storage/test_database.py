"""The database of a store: several processes at once, killed ones, damage, and locks."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from legonet.building.storage import database
from legonet.building.storage.database import Database
from legonet.diagnostics import DiagnosticError

TABLES = ("CREATE TABLE numbers (number INTEGER, text TEXT)",)


def opened(folder: Path, *, durable: bool = False, version: int = 1) -> Database:
    return Database(folder / "numbers.sqlite", TABLES, version, durable=durable)


@pytest.fixture
def numbers(tmp_path: Path) -> Database:
    return opened(tmp_path / "new")


def add(numbers: Database, *added: int, text: str = "") -> None:
    with numbers.writing() as connection:
        connection.executemany(
            "INSERT INTO numbers VALUES (?, ?)", [(item, text) for item in added]
        )


def found(numbers: Database) -> list[int]:
    return [number for (number,) in numbers.read("SELECT number FROM numbers ORDER BY number")]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(DiagnosticError) as caught:
        call()
    return caught.value.diagnostics[0].code


def test_what_was_written_is_read_by_the_next_process(numbers: Database) -> None:
    add(numbers, 1, 2)
    assert found(opened(numbers.file.parent)) == [1, 2]


def test_reading_leaves_no_file(numbers: Database) -> None:
    assert found(numbers) == []
    assert not numbers.file.parent.exists()


def test_an_empty_file_is_as_good_as_none(numbers: Database) -> None:
    numbers.file.parent.mkdir()
    numbers.file.touch()
    assert found(numbers) == []
    add(numbers, 1)
    assert found(numbers) == [1]


def test_an_error_undoes_all_of_a_transaction(numbers: Database) -> None:
    add(numbers, 1)
    try:
        with numbers.writing() as connection:
            connection.execute("INSERT INTO numbers VALUES (2, '')")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert found(numbers) == [1]


def _write(folder: Path, first: int) -> None:
    for number in range(first, first + 100):
        add(opened(folder), number)


def test_processes_that_write_at_once_lose_nothing(numbers: Database) -> None:
    context = multiprocessing.get_context("spawn")
    firsts = (0, 100, 200)
    writers = [context.Process(target=_write, args=(numbers.file.parent, item)) for item in firsts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert found(numbers) == list(range(300))


KILLED = """
import os, sys
from pathlib import Path
from legonet.building.storage.database import Database
with Database(Path(sys.argv[1]), (), 1).writing() as connection:
    connection.execute("PRAGMA cache_size = 1")  # so that much of it is in the file already
    rows = ((number, "x" * 500) for number in range(10, 10_000))
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", rows)
    connection.execute("DELETE FROM numbers WHERE number < 10")
    print("written", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_process_that_is_killed_while_writing_leaves_what_was_before(numbers: Database) -> None:
    add(numbers, *range(10), text="x" * 500)
    size = numbers.file.stat().st_size
    arguments = [sys.executable, "-c", KILLED, str(numbers.file)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert numbers.file.stat().st_size > 10 * size
    assert numbers.file.with_name(f"{numbers.file.name}-journal").exists()
    assert found(numbers) == list(range(10))
    add(numbers, 10)
    assert found(numbers) == list(range(11))


def _rubbish(file: Path) -> None:
    file.write_bytes(b"no database" * 100)


def _scratched(file: Path) -> None:
    contents = bytearray(file.read_bytes())
    contents[100:200] = b"\xff" * 100  # the page with the tables' names
    file.write_bytes(contents)


def _other_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 7")


def _other_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE numbers")


@pytest.mark.parametrize("damaged", [_rubbish, _scratched, _other_version, _other_tables])
def test_a_damaged_file_is_set_aside_by_the_next_change(
    numbers: Database, damaged: Callable[[Path], None]
) -> None:
    add(numbers, 1)
    damaged(numbers.file)
    contents = numbers.file.read_bytes()
    assert code_of(lambda: found(numbers)) == "LEGO729"
    assert numbers.known("SELECT number FROM numbers") == []
    assert numbers.damage is None
    if damaged is _other_tables:
        assert code_of(lambda: add(numbers, 2)) == "LEGO729"
    add(numbers, 2)
    assert found(numbers) == [2]
    assert numbers.aside.read_bytes() == contents
    assert numbers.damage is not None
    assert numbers.damage.code == "LEGO729"
    assert numbers.damage.severity.value == "warning"


def test_a_damaged_file_that_must_not_be_lost_stays_where_it_is(tmp_path: Path) -> None:
    numbers = opened(tmp_path, durable=True)
    add(numbers, 1)
    _rubbish(numbers.file)
    contents = numbers.file.read_bytes()
    assert code_of(lambda: add(numbers, 2)) == "LEGO729"
    assert code_of(lambda: found(numbers)) == "LEGO729"
    assert numbers.file.read_bytes() == contents
    assert not numbers.aside.exists()


def test_a_lock_that_nobody_releases_is_reported(
    numbers: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(numbers, 1)
    monkeypatch.setattr(database, "PATIENCE", 0.01)
    with closing(sqlite3.connect(numbers.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert code_of(lambda: add(numbers, 2)) == "LEGO734"
        assert code_of(lambda: found(numbers)) == "LEGO734"
        assert numbers.known("SELECT number FROM numbers") == []
    add(numbers, 2)
    assert found(numbers) == [1, 2]


def test_queries_of_one_reader_see_one_state(
    numbers: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(numbers, 1)
    monkeypatch.setattr(database, "PATIENCE", 0.01)
    query = "SELECT number FROM numbers"
    with numbers.reading() as connection:
        assert connection.execute(query).fetchall() == [(1,)]
        assert code_of(lambda: add(numbers, 2)) == "LEGO734"
        assert connection.execute(query).fetchall() == [(1,)]
    add(numbers, 2)
    assert found(numbers) == [1, 2]


@pytest.mark.parametrize("name", ["SQLITE_IOERR_LOCK", "SQLITE_PROTOCOL", "SQLITE_IOERR_RDLOCK"])
def test_a_file_system_that_cannot_lock_is_reported(
    numbers: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refused(*arguments: object, **named: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = name
        raise error

    monkeypatch.setattr(sqlite3, "connect", refused)
    with pytest.raises(DiagnosticError, match="cannot lock") as caught:
        add(numbers, 1)
    assert any("--store" in line for line in caught.value.diagnostics[0].help)
