from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from legonet.building.storage.database import Database
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.index import open_index
from legonet.diagnostics import DiagnosticError

LATER = 10_000_000_000
"""Nanoseconds after which a file that was just written has settled."""
DAY = 86_400_000_000_000


def later() -> int:
    """A clock that is ahead, so that files written just now have settled."""
    return time.time_ns() + LATER


def remembered(index: Database, *files: Path, clock: Callable[[], int] = later) -> DigestCache:
    """Look at files, and return what the next process knows of them."""
    contents = DigestCache(index, clock)
    contents.digest(files)
    contents.remember()
    return DigestCache(index)


def digest(file: Path) -> tuple[str]:
    return (hashlib.sha256(file.read_bytes()).hexdigest(),)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Take down which files are read from now on."""
    seen: list[object] = []
    whole = hashlib.file_digest

    def watched(stream: Any, name: str) -> Any:
        seen.append(stream.name)
        return whole(stream, name)

    monkeypatch.setattr("legonet.building.storage.digest_cache.hashlib.file_digest", watched)
    return seen


def test_digests_are_those_of_the_contents(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(file.name.encode() * 1000)
    expected = tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert DigestCache(open_index(tmp_path)).digest(files) == expected
    assert DigestCache(open_index(tmp_path)).digest(reversed(files)) == expected[::-1]


def test_a_file_that_did_not_change_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("contents")
    contents = remembered(index, file)
    seen = reads(monkeypatch)
    assert contents.digest([file]) == digest(file)
    assert seen == []


def test_a_changed_file_is_read_again_though_its_size_is_the_same(tmp_path: Path) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("before")
    contents = remembered(index, file)
    file.write_text("after!")
    assert contents.digest([file]) == digest(file)


@pytest.mark.skipif(os.name == "nt", reason="the system keeps no time of change")
def test_contents_that_were_replaced_under_the_old_date_are_read_again(tmp_path: Path) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("before")
    before = file.stat()
    contents = remembered(index, file)
    with file.open("r+") as stream:  # the same inode
        stream.write("after!")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_ino == before.st_ino
    assert contents.digest([file]) == digest(file)


def test_a_file_that_changed_just_now_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its clock may tick too slowly to show that it changed once more.
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("contents")
    soon = file.stat().st_ctime_ns + 1_000_000
    contents = remembered(index, file, clock=lambda: soon)
    seen = reads(monkeypatch)
    contents.digest([file])
    assert seen == [str(file)]


@pytest.mark.parametrize("ahead", [-400 * DAY, -DAY])
def test_a_clock_that_was_set_back_costs_nothing_but_time(tmp_path: Path, ahead: int) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("before")
    # The file was changed in what is now the future.
    contents = remembered(index, file, clock=lambda: time.time_ns() + ahead)
    file.write_text("after!")
    assert contents.digest([file]) == digest(file)


def test_a_clock_that_is_set_back_later_makes_nobody_trust_an_old_digest(tmp_path: Path) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("before")
    contents = remembered(index, file, clock=lambda: time.time_ns() + 400 * DAY)
    file.write_text("after!")
    os.utime(file, ns=(0, 0))
    assert contents.digest([file]) == digest(file)


def test_a_file_dated_in_the_future_is_remembered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("contents")
    future = time.time_ns() + 400 * DAY
    os.utime(file, ns=(future, future))
    contents = remembered(index, file)
    seen = reads(monkeypatch)
    contents.digest([file])
    assert seen == []
    file.write_text("changed!")
    os.utime(file, ns=(future, future))
    assert DigestCache(index).digest([file]) == digest(file)


def test_a_damaged_index_costs_nothing_but_time(tmp_path: Path) -> None:
    file, index = tmp_path / "file", open_index(tmp_path)
    file.write_text("contents")
    index.file.write_bytes(b"rubbish" * 100)
    contents = DigestCache(index, later)
    assert contents.digest([file]) == digest(file)
    contents.remember()
    assert DigestCache(index).digest([file]) == digest(file)
    assert index.damage is not None


def test_many_files_with_strange_names_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number} caf\udce9 '" for number in range(1200)]
    for file in files:
        file.write_text(file.name[:4])
    index = open_index(tmp_path / "store")
    contents = remembered(index, *files)
    seen = reads(monkeypatch)
    expected = tuple(hashlib.sha256(file.name[:4].encode()).hexdigest() for file in files)
    assert contents.digest(files) == expected
    assert seen == []


def test_two_processes_that_remember_keep_what_the_other_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_text(file.name)
    index = open_index(tmp_path)
    caches = [DigestCache(index, later) for _ in files]
    for cache, file in zip(caches, files, strict=True):
        cache.digest([file])
    for cache in caches:
        cache.remember()
    seen = reads(monkeypatch)
    DigestCache(index).digest(files)
    assert seen == []


def test_a_missing_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        DigestCache(open_index(tmp_path)).digest([tmp_path / "nowhere"])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO702"
    assert "nowhere" in diagnostic.message
