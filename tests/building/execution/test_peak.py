from __future__ import annotations

import sys
from pathlib import Path

import pytest

from legonet.building.execution import peak
from legonet.building.execution.peak import Peak

MIB = 2**20

linux = pytest.mark.skipif(sys.platform != "linux", reason="resets /proc/self/clear_refs")


def allocate(count: int) -> None:
    assert bytearray(b"x") * (count * MIB)


def watched(count: int) -> int:
    with Peak("cpu") as found:
        allocate(count)
    assert found.bytes is not None
    return found.bytes


@linux
def test_it_sees_memory_that_is_free_again() -> None:
    small = watched(1)
    assert watched(200) - small > 150 * MIB


@linux
def test_it_forgets_what_was_before() -> None:
    large = watched(200)
    assert large - watched(1) > 150 * MIB


@linux
def test_a_peak_inside_takes_nothing_from_the_one_around() -> None:
    small = watched(1)
    with Peak("cpu") as around:
        allocate(200)
        inner = watched(1)
    assert around.bytes is not None
    assert around.bytes - small > 150 * MIB
    assert around.bytes - inner > 150 * MIB


def test_it_is_told_even_if_the_work_fails() -> None:
    found = Peak("cpu")
    with pytest.raises(KeyError), found:
        raise KeyError
    assert found.bytes is None or found.bytes > 0


@linux
def test_where_it_cannot_be_reset_it_is_the_largest_so_far(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak, "_RESET", tmp_path)  # a folder cannot be written
    large = watched(200)
    assert watched(1) >= large


def test_without_proc_it_is_what_python_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak, "_RESET", tmp_path / "no" / "clear_refs")
    monkeypatch.setattr(peak, "_STATUS", tmp_path / "no" / "status")
    assert watched(1) > MIB


def test_where_nobody_tells_it_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peak, "_STATUS", tmp_path / "status")
    monkeypatch.setitem(sys.modules, "resource", None)
    with Peak("cpu") as found:
        allocate(1)
    assert found.bytes is None
