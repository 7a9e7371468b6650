"""What happens outside a command is told in a line, and is never a mistake in the spec."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import legonet

LEGONET = [sys.executable, "-m", "legonet"]
GOOD = "data digits { source: digits() }\n"

COMMANDS = [["--help"], ["explain", "LEGO101"], ["check", "a.lego"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.lego").write_text(GOOD, encoding="utf-8")
    return tmp_path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_an_output_without_room_is_one_line(folder: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*LEGONET, *arguments],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74
    assert done.stderr == "error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_no_mistake(folder: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*LEGONET, *arguments],
            cwd=folder,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["check", "a.lego"], ["plan", "a.lego"]], ids=" ".join)
def test_a_folder_that_is_gone_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    gone = tmp_path / "gone"
    code = (
        "import os, sys\n"
        f"os.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
        "from legonet.cli.main import run\n"
        f"sys.argv = ['legonet', *{arguments!r}]\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 74)
    assert len(done.stderr.splitlines()) <= 6


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_file_that_a_disk_refuses_at_any_moment_is_one_line(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number), "/mnt/nas/a.jpg")

    monkeypatch.setattr("legonet.graph.check_file", refuse)
    done = legonet(folder, "check", "a.lego")
    assert done.returncode == 74
    assert done.stderr == f"error: cannot use `/mnt/nas/a.jpg`: {os.strerror(number)}\n"
