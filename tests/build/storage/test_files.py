from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from legonet.build.storage.files import write_whole
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


def test_an_interruption_leaves_the_old_contents_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_file_in_the_folders_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(DiagnosticError) as caught:
        write_whole(tmp_path / "store" / "file", b"")
    assert caught.value.diagnostics[0].code == "LEGO701"
