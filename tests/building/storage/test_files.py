from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from legonet.building.storage.files import append_line, write_whole
from legonet.diagnostics import DiagnosticError


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_whole(file, b"contents")
    assert file.read_bytes() == b"contents"
    assert [item.name for item in file.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_contents_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiagnosticError) as caught:
        write_whole(file, b"new contents")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO701"
    assert "No space left on device" in diagnostic.message
    assert file.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_file_in_the_folders_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(DiagnosticError) as caught:
        write_whole(tmp_path / "store" / "file", b"")
    assert caught.value.diagnostics[0].code == "LEGO701"


def test_lines_are_added_with_their_folder(tmp_path: Path) -> None:
    file = tmp_path / "new" / "lines"
    for line in (b"1", b"2\n", b"\n3"):
        append_line(file, line)
    assert file.read_bytes() == b"1\n2\n3\n"


def test_lines_of_many_do_not_mix(tmp_path: Path) -> None:
    lines = [bytes([65 + number]) * 5000 for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda line: append_line(tmp_path / "lines", line), lines * 5))
    assert sorted((tmp_path / "lines").read_bytes().split()) == sorted(lines * 5)


@settings(deadline=None)
@given(taken=some.lists(some.integers(1, 12), min_size=1, max_size=8), room=some.integers(0, 40))
def test_a_line_that_is_written_in_parts_is_whole_or_alone(taken: list[int], room: int) -> None:
    """A system call may take less than all; a full disk, a part and then nothing."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        file = Path(folder) / "lines"
        append_line(file, b"first")
        write, parts, left = os.write, cycle(taken), [room]

        def partly(handle: int, contents: bytes) -> int:
            size = min(next(parts), len(contents), left[0])
            if size == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left[0] -= size
            return write(handle, contents[:size])

        patch.setattr(os, "write", partly)
        try:
            append_line(file, b"a line of twenty-two b")
            whole = [b"a line of twenty-two b"]
        except DiagnosticError:
            whole = []
        patch.undo()
        append_line(file, b"last")
        lines = file.read_bytes().splitlines()
        assert (lines[0], lines[-1]) == (b"first", b"last")
        assert whole == lines[1:-1] or not whole
