"""A disk that is full or read-only: a clear error, no half files, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from kit.disk import PAGE, Disk, small_disk

from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.checkpoints import FileCheckpoint
from legonet.building.storage.files import append_line
from legonet.building.storage.keys import key_of
from legonet.building.storage.maintenance import Maintenance
from legonet.building.storage.store import DamagedError, Store
from legonet.diagnostics import DiagnosticError

SMALL, LARGE = {"x": torch.ones(PAGE // 4)}, {"x": torch.ones(16 * PAGE)}
CERTIFICATE = {"inputs": {"seed": 0}, "metrics": {}, "seconds": 0.0}
KEY, NEXT = key_of({"seed": 0}), key_of({"seed": 1})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", f"size={64 * PAGE}", "nr_inodes=40") as disk:
        yield disk


@pytest.fixture
def store(disk: Disk) -> Store:
    store = Store(disk.folder / "store")
    store.put("network", KEY, SMALL, CERTIFICATE)
    return store


def files(store: Store) -> set[Path]:
    return {file for file in store.folder.rglob("*") if file.is_file()}


def test_an_artifact_that_finds_no_room_leaves_all_as_it_was(disk: Disk, store: Store) -> None:
    before = files(store)
    with pytest.raises(DiagnosticError, match="No space left on device") as caught:
        store.put("network", NEXT, LARGE, CERTIFICATE)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO701"
    assert any("bytes are needed" in line for line in diagnostic.help)
    assert any("free some space" in line for line in diagnostic.help)
    assert files(store) == before
    assert Maintenance(store).verify() == (1, [])
    disk.remount(f"size={128 * PAGE}")
    assert torch.equal(
        store.tensors(store.put("network", NEXT, LARGE, CERTIFICATE))["x"], LARGE["x"]
    )


def test_a_checkpoint_that_finds_no_room_keeps_the_one_before(disk: Disk, store: Store) -> None:
    checkpoint = FileCheckpoint(store, NEXT)
    checkpoint.save({"step": 1})
    before = files(store)
    with pytest.raises(DiagnosticError) as caught:
        checkpoint.save({"step": 2, **LARGE})
    assert caught.value.diagnostics[0].code == "LEGO701"
    assert files(store) == before
    assert FileCheckpoint(store, NEXT).load() == {"step": 1}
    disk.remount(f"size={256 * PAGE}")
    checkpoint.save({"step": 2, **LARGE})
    found = FileCheckpoint(store, NEXT).load()
    assert found is not None
    assert found["step"] == 2


@pytest.mark.parametrize("left", [0, 1, 30])
def test_a_line_that_the_disk_takes_a_part_of_spoils_no_other(
    disk: Disk, store: Store, left: int
) -> None:
    file = store.folder / "lines"
    first = b"1" * (PAGE - 1 - left)
    append_line(file, first)
    disk.fill()
    with pytest.raises(DiagnosticError) as caught:
        append_line(file, b"2" * 90)
    assert caught.value.diagnostics[0].code == "LEGO701"
    assert file.stat().st_size == PAGE
    disk.free()
    append_line(file, b"3" * 90)
    append_line(file, b"4")
    lines = file.read_bytes().split()
    assert lines[0] == first
    assert lines[-2:] == [b"3" * 90, b"4"]


def test_an_index_that_found_no_room_once_knows_what_it_took(disk: Disk, store: Store) -> None:
    spec = disk.folder / "a.lego"
    spec.touch()
    history = BuildHistory(spec, store.index)
    history.begin([KEY, NEXT])
    history.enter({"net": {"seed": 0}})
    disk.fill()
    with pytest.raises(DiagnosticError, match=r"disk is full|unable to open"):
        history.enter({"other": {"text": "x" * PAGE}})
    disk.free()
    again = BuildHistory(spec, store.index)
    again.enter({"last": {"seed": 1}})
    found = BuildHistory(spec, store.index)
    assert found.keys["net"] == KEY
    assert found.keys["last"] == NEXT
    assert Maintenance(store).unused() == {}


def test_a_lock_that_finds_no_room_is_reported(disk: Disk, store: Store) -> None:
    (store.folder / "locks").mkdir()
    taken = disk.take_names()
    with pytest.raises(DiagnosticError) as caught:
        store.try_lock(NEXT)
    assert caught.value.diagnostics[0].code == "LEGO701"
    taken.unlink()
    lock = store.try_lock(NEXT)
    assert lock is not None
    lock.release()


def test_a_full_disk_can_be_tidied(disk: Disk, store: Store) -> None:
    disk.fill()
    assert len(Maintenance(store).collect()) == 1
    disk.free()


def test_what_is_read_only_can_be_read_and_says_so_when_written(disk: Disk, store: Store) -> None:
    FileCheckpoint(store, KEY).save({"step": 1})
    disk.remount("ro")
    artifact = store.find("network", KEY)
    assert artifact is not None
    assert torch.equal(store.tensors(artifact)["x"], SMALL["x"])
    FileCheckpoint(store, KEY).remove()
    FileCheckpoint(store, NEXT).remove()
    for write in (
        lambda: store.put("network", NEXT, SMALL, CERTIFICATE),
        lambda: store.try_lock(NEXT),
        lambda: FileCheckpoint(store, KEY).save({"step": 2}),
        lambda: BuildHistory(disk.folder / "a.lego", store.index).begin([NEXT]),
        lambda: Maintenance(store).collect(),
    ):
        with pytest.raises(DiagnosticError, match="Read-only file system") as caught:
            write()
        assert caught.value.diagnostics[0].code == "LEGO701"
    disk.remount("rw")
    assert FileCheckpoint(store, KEY).load() == {"step": 1}


def test_damage_that_cannot_be_set_aside_is_no_reason_to_build(disk: Disk, store: Store) -> None:
    artifact = store.find("network", KEY)
    assert artifact is not None
    contents = artifact.file.read_bytes()
    artifact.file.write_bytes(contents[:-1] + b"!")
    disk.remount("ro")
    with pytest.raises(DiagnosticError) as caught:
        store.tensors(artifact)
    assert not isinstance(caught.value, DamagedError)
    assert [item.code for item in caught.value.diagnostics] == ["LEGO703", "LEGO701"]
    disk.remount("rw")
    with pytest.raises(DamagedError):
        store.tensors(artifact)
