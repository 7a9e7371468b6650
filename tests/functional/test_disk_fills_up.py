"""A build whose disk fills up and turns read-only: clear errors, and nothing lost."""

from __future__ import annotations

from pathlib import Path

from kit.commands import actions, document, legonet_process
from kit.disk import small_disk
from kit.specs import TINY

NETWORK = 1_600_000
"""Bytes of one network of the spec, and a little more."""


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_build_resumes_after_the_disk_was_full_and_says_where_it_is_read_only(
    tmp_path: Path,
) -> None:
    (tmp_path / "tiny.lego").write_text(TINY)
    with small_disk(tmp_path / "disk", f"size={NETWORK + NETWORK // 2}") as disk:
        store = disk.folder / "store"
        build = ("build", "tiny.lego", "--store", str(store), "--jobs", "1", "--json")

        full = legonet_process(tmp_path, *build)
        assert full.returncode == 3
        assert "LEGO701" in full.stderr
        assert "No space left on device" in full.stderr
        assert "free some space" in full.stderr
        assert "Traceback" not in full.stderr
        done = actions(document(full))
        edge = done.pop("digit_1 -> classify")
        assert (edge, sorted(done.values())) == ("failed", ["built", "failed"])
        (first,) = (store / "networks").iterdir()
        before = (first.stat().st_mtime_ns, first.read_bytes())

        disk.remount("size=16m")
        roomy = legonet_process(tmp_path, *build)
        assert roomy.returncode == 0
        done = actions(document(roomy))
        edge = done.pop("digit_1 -> classify")
        assert (edge, sorted(done.values())) == ("built", ["built", "reused"])
        assert (first.stat().st_mtime_ns, first.read_bytes()) == before

        written = contents(disk.folder)
        disk.remount("ro")
        idle = legonet_process(tmp_path, *build[:-1])
        assert idle.returncode == 0
        assert "nothing to do" in idle.stdout
        busy = legonet_process(tmp_path, *build[:-1], "--set", "digit_1->classify.samples=6")
        assert busy.returncode != 0
        assert "LEGO701" in busy.stderr
        assert "Read-only file system" in busy.stderr
        assert "started" not in busy.stderr
        assert contents(disk.folder) == written
