from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from legonet.build.storage.contents import Contents
from legonet.diagnostics import DiagnosticError

LONG_AGO = 1_600_000_000_000_000_000


def settle(file: Path) -> None:
    os.utime(file, ns=(LONG_AGO, LONG_AGO))


def test_digests_are_those_of_the_contents(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_bytes(file.name.encode() * 1000)
    expected = tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert Contents(tmp_path / "memory").digest(files) == expected
    assert Contents(tmp_path / "memory").digest(reversed(files)) == expected[::-1]


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    settle(file)
    contents = Contents(memory)
    contents.digest([file])
    contents.remember()
    remembered = json.loads(memory.read_text())
    remembered[str(file)][3] = "from memory"
    memory.write_text(json.dumps(remembered))
    assert Contents(memory).digest([file]) == ("from memory",)


def test_a_changed_file_is_read_again_though_its_size_is_the_same(tmp_path: Path) -> None:
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("before")
    settle(file)
    contents = Contents(memory)
    contents.digest([file])
    contents.remember()
    file.write_text("behind")
    assert Contents(memory).digest([file]) == (hashlib.sha256(b"behind").hexdigest(),)


def test_a_file_that_changed_just_now_is_not_trusted(tmp_path: Path) -> None:
    # Its clock may tick too slowly to show that it changed once more.
    file, memory = tmp_path / "file", tmp_path / "memory"
    file.write_text("contents")
    contents = Contents(memory)
    contents.digest([file])
    contents.remember()
    assert str(file) not in json.loads(memory.read_text())


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\x00"])
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
