"""A store that several people share obeys the umask of each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import legonet
from kit.specs import TINY, write_spec


@pytest.fixture(params=[0o002, 0o022, 0o077], ids="{:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_all_that_a_build_writes_has_what_the_umask_leaves(umask: int, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    write_spec(folder, TINY)
    assert legonet(folder, "build", "small.lego").returncode == 0
    assert legonet(folder, "render", "small.lego", "-o", "picture.svg").returncode == 0
    store = folder / ".legonet"
    locked = store / "locks" / "somebody.lock"
    found = {file: stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*")}
    assert any(file.suffix == ".safetensors" for file in found)
    assert not locked.exists()
    for file, mode in found.items():
        expected = 0o777 if file.is_dir() else 0o666
        assert mode == expected & ~umask, file
