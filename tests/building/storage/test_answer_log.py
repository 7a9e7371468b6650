from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from legonet.building.storage.answer_log import AnswerLog, Seen
from legonet.diagnostics import DiagnosticError

HERE = {"torch": "2.9", "device": "cpu", "threads": 2}
NETWORK = Seen("network", "n" * 64, "cat_net", "0" * 64, ("n" * 64,))
ROUTE = Seen("route", "r" * 64, "cat -> classify", "1" * 64, ("n" * 64, "a" * 64), HERE)
OTHER = "f" * 64


@pytest.fixture
def log(tmp_path: Path) -> AnswerLog:
    return AnswerLog(tmp_path)


def status(log: AnswerLog, seen: Seen) -> str:
    record = log.read().get(seen.identity)
    return "first" if record is None else record.status(seen.sha256)


def test_what_was_seen_is_found_again(log: AnswerLog) -> None:
    assert status(log, ROUTE) == "first"
    log.add([NETWORK, ROUTE])
    assert status(log, NETWORK) == status(log, ROUTE) == "unchanged"
    assert status(log, replace(ROUTE, sha256=OTHER)) == "changed"


def test_names_do_not_count_and_environments_do(log: AnswerLog) -> None:
    log.add([ROUTE])
    assert status(log, replace(ROUTE, name="dog -> classify")) == "unchanged"
    assert status(log, replace(ROUTE, environment=dict(reversed(HERE.items())))) == "unchanged"
    assert status(log, replace(ROUTE, environment=HERE | {"threads": 4})) == "first"
    assert status(log, replace(ROUTE, environment=HERE | {"threads": "2"})) == "first"


def test_what_was_seen_first_counts(log: AnswerLog) -> None:
    log.add([ROUTE])
    log.add([replace(ROUTE, sha256=OTHER)])
    assert status(log, ROUTE) == "unchanged"
    assert status(log, replace(ROUTE, sha256=OTHER)) == "changed"


def test_what_depends_on_a_module_that_is_built_again_may_change_once(log: AnswerLog) -> None:
    log.add([NETWORK, ROUTE])
    log.rebuilding("b" * 64)
    assert status(log, replace(ROUTE, sha256=OTHER)) == "changed"
    log.rebuilding(NETWORK.key)
    assert status(log, ROUTE) == "unchanged"
    assert status(log, replace(ROUTE, sha256=OTHER)) == "rebuilt"
    assert status(log, replace(NETWORK, sha256=OTHER)) == "rebuilt"
    log.add([replace(ROUTE, sha256=OTHER)])
    assert status(log, replace(ROUTE, sha256=OTHER)) == "unchanged"
    assert status(log, ROUTE) == "changed"


def test_same_bits_keep_the_day_on_which_they_were_seen_first(log: AnswerLog) -> None:
    log.add([ROUTE])
    then = "2020-01-01T00:00:00+00:00"
    with closing(sqlite3.connect(log.file)) as connection, connection:
        connection.execute("UPDATE answers SET since = ?", (then,))
    log.rebuilding(NETWORK.key)
    log.add([ROUTE])
    assert log.read()[ROUTE.identity].since == then
    log.rebuilding(NETWORK.key)
    log.add([replace(ROUTE, sha256=OTHER)])
    assert log.read()[ROUTE.identity].since > then


def test_nothing_to_add_leaves_no_file(log: AnswerLog) -> None:
    log.add([])
    assert not log.file.exists()
    assert log.read() == {}


def test_a_file_that_cannot_be_read_is_no_empty_one(log: AnswerLog) -> None:
    log.file.mkdir()
    with pytest.raises(DiagnosticError) as caught:
        log.read()
    assert caught.value.diagnostics[0].code == "LEGO701"
    assert "unable to open" in str(caught.value)


def test_a_damaged_file_is_no_empty_one(log: AnswerLog) -> None:
    log.file.write_bytes(b"rubbish" * 100)
    for use in (log.read, lambda: log.rebuilding("k"), lambda: log.add([ROUTE])):
        with pytest.raises(DiagnosticError) as caught:
            use()
        assert caught.value.diagnostics[0].code == "LEGO729"
