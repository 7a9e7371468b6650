"""The right to build a key: one holder at a time, and nothing left by the dead."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from legonet.building.storage.locks import sweep, try_lock
from legonet.diagnostics import DiagnosticError

HOLD = """
import sys
from pathlib import Path
from legonet.building.storage.locks import try_lock
lock = try_lock(Path(sys.argv[1]), "key")
print("none" if lock is None else "held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Return a process that has tried to take the lock and now waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_key_has_one_holder_and_leaves_no_file(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "locks", "key")
    assert lock is not None
    assert try_lock(tmp_path / "locks", "key") is None
    other = try_lock(tmp_path / "locks", "other")
    assert other is not None
    lock.release()
    other.release()
    assert list((tmp_path / "locks").iterdir()) == []
    again = try_lock(tmp_path / "locks", "key")
    assert again is not None
    again.release()


def files_open_below(folder: Path) -> list[str]:
    """Return the files that this process has open in a folder, also removed ones."""
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("the system does not tell which files a process has open")
    links = [str(handle.readlink()) for handle in handles.iterdir() if handle.is_symlink()]
    return [link for link in links if link.startswith(str(folder))]


def test_a_lock_may_be_released_in_another_thread(tmp_path: Path) -> None:
    lock = try_lock(tmp_path, "key")
    assert lock is not None
    assert len(files_open_below(tmp_path)) == 1
    thread = Thread(target=lock.release)
    thread.start()
    thread.join()
    assert files_open_below(tmp_path) == []
    again = try_lock(tmp_path, "key")
    assert again is not None
    again.release()


def test_another_process_has_it_until_it_is_killed(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        assert try_lock(tmp_path, "key") is None
        assert sweep(tmp_path) == {"key"}
        assert (tmp_path / "key.lock").exists()
    finally:
        end(process)
    assert (tmp_path / "key.lock").exists()
    assert sweep(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []
    lock = try_lock(tmp_path, "key")
    assert lock is not None
    lock.release()


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of the file and the lock on it, its holder lets go of it."""
    import fcntl

    first = try_lock(tmp_path, "key")
    assert first is not None
    flock = fcntl.flock

    def late(handle: int, operation: int) -> None:
        monkeypatch.undo()
        first.release()
        second = try_lock(tmp_path, "key")
        assert second is not None
        held.append(second)
        flock(handle, operation)

    held = []
    monkeypatch.setattr(fcntl, "flock", late)
    assert try_lock(tmp_path, "key") is None
    assert len(held) == 1
    held[0].release()


def test_of_many_at_once_one_gets_it_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []

    def work(_: int) -> int:
        done = 0
        while done < 20:
            lock = try_lock(tmp_path, "key")
            if lock is None:
                continue
            inside.append(1)
            assert len(inside) == 1
            inside.pop()
            lock.release()
            done += 1
        return done

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [20] * 4
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DiagnosticError, match="cannot write"):
        try_lock(tmp_path / "file", "key")

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(DiagnosticError, match="No space left") as caught:
        try_lock(tmp_path, "key")
    assert caught.value.diagnostics[0].code == "LEGO701"
