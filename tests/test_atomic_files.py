"""Files are written completely or not at all, several of them together."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from legonet.atomic_files import write_atomically


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.mark.parametrize(("mode", "found"), [(None, 0o640), (0o644, 0o644), (0o600, 0o600)])
def test_a_file_has_the_mode_that_was_asked_for(
    tmp_path: Path, mode: int | None, found: int
) -> None:
    before = os.umask(0o027)
    try:
        write_atomically({tmp_path / "file": b"contents"}, mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == found


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("number", [0, 1])
def test_none_of_several_files_changes_if_one_of_them_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, number: int
) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    write_atomically(dict.fromkeys(files, b"old"))
    left = [number]

    def full(_: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(type(error)) as caught:
        write_atomically(dict.fromkeys(files, b"new"))
    if isinstance(caught.value, OSError):
        assert caught.value.filename == str(files[number])
    assert [file.read_bytes() for file in files] == [b"old", b"old"]
    assert names(tmp_path) == ["one", "two"]


def test_a_symbolic_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically({link: b"new"})
    assert (link.read_bytes(), target.read_bytes()) == (b"new", b"old")
    assert not link.is_symlink()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically({tmp_path / "missing" / "file": b""})
    assert caught.value.filename == str(tmp_path / "missing" / "file")
