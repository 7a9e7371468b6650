from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from legonet.build.storage.contents import Contents
from legonet.diagnostics import DiagnosticError

LATER = 10_000_000_000
"""Nanoseconds behind which a file that was just written has settled."""
DAY = 86_400_000_000_000


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is ahead, so that files written just now have settled."""
    set_clock(monkeypatch, LATER)


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    now = time.time_ns
    monkeypatch.setattr("legonet.build.storage.contents.time.time_ns", lambda: now() + ahead)


def remembered(memory: Path, *files: Path) -> Contents:
    """Look at files, and return what the next process knows of them."""
    contents = Contents(memory)
    contents.digest(files)
    contents.remember()
    return Contents(memory)


def digest(file: Path) -> tuple[str]:
    return (hashlib.sha256(file.read_bytes()).hexdigest(),)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Take down which files are read from now on."""
    seen: list[object] = []
    whole = hashlib.file_digest

    def watched(stream: Any, name: str) -> Any:
        seen.append(stream.name)
        return whole(stream, name)

    monkeypatch.setattr("legonet.build.storage.contents.hashlib.file_digest", watched)
    return seen


def test_digests_are_those_of_the_contents(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(file.name.encode() * 1000)
    expected = tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert Contents(tmp_path / "memory").digest(files) == expected
    assert Contents(tmp_path / "memory").digest(reversed(files)) == expected[::-1]


@pytest.mark.usefixtures("later")
def test_a_file_that_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    contents = remembered(memory, file)
    seen = reads(monkeypatch)
    assert contents.digest([file]) == digest(file)
    assert seen == []


@pytest.mark.usefixtures("later")
def test_a_changed_file_is_read_again_though_its_size_is_the_same(tmp_path: Path) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("before")
    contents = remembered(memory, file)
    file.write_text("behind")
    assert contents.digest([file]) == digest(file)


@pytest.mark.usefixtures("later")
@pytest.mark.skipif(os.name == "nt", reason="the system keeps no time of change")
def test_contents_that_were_replaced_under_the_old_date_are_read_again(tmp_path: Path) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("before")
    before = file.stat()
    contents = remembered(memory, file)
    with file.open("r+") as stream:  # the same inode
        stream.write("behind")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_ino == before.st_ino
    assert contents.digest([file]) == digest(file)


def test_a_file_that_changed_just_now_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its clock may tick too slowly to show that it changed once more.
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    soon = file.stat().st_ctime_ns + 1_000_000
    monkeypatch.setattr("legonet.build.storage.contents.time.time_ns", lambda: soon)
    contents = remembered(memory, file)
    seen = reads(monkeypatch)
    contents.digest([file])
    assert seen == [str(file)]


@pytest.mark.parametrize("ahead", [-400 * DAY, -DAY])
def test_a_clock_that_was_set_back_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("before")
    set_clock(monkeypatch, ahead)  # the file was changed in what is now the future
    contents = remembered(memory, file)
    file.write_text("behind")
    assert contents.digest([file]) == digest(file)


def test_a_clock_that_is_set_back_later_makes_nobody_trust_an_old_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("before")
    set_clock(monkeypatch, 400 * DAY)
    contents = remembered(memory, file)
    monkeypatch.undo()
    file.write_text("behind")
    os.utime(file, ns=(0, 0))
    assert contents.digest([file]) == digest(file)


@pytest.mark.usefixtures("later")
def test_a_file_dated_in_the_future_is_remembered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    future = time.time_ns() + 400 * DAY
    os.utime(file, ns=(future, future))
    contents = remembered(memory, file)
    seen = reads(monkeypatch)
    contents.digest([file])
    assert seen == []
    file.write_text("changed!")
    os.utime(file, ns=(future, future))
    assert Contents(memory).digest([file]) == digest(file)


@pytest.mark.parametrize(
    "rubbish", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": [1, 2, 3, "d"]}', b"\xff\x00"]
)
def test_a_damaged_memory_costs_nothing_but_time(tmp_path: Path, rubbish: bytes) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    memory.write_bytes(rubbish)
    assert Contents(memory).digest([file]) == (hashlib.sha256(b"contents").hexdigest(),)


def test_a_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        Contents(tmp_path / "memory").digest([tmp_path / "nowhere"])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO702"
    assert "nowhere" in diagnostic.message
