"""What goes and what stays when a store is tidied."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from legonet.build.storage import ledger as ledgers
from legonet.build.storage.checkpoints import FileCheckpoint, leftovers
from legonet.build.storage.keys import key_of
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.store import Store
from legonet.build.storage.upkeep import Upkeep
from legonet.diagnostics import DiagnosticError

INPUTS: Mapping[str, Any] = {"seed": 0}
OTHER: Mapping[str, Any] = {"seed": 1}


class Project:
    """A folder with specs that share a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / ".legonet")

    def spec(self, name: str) -> Ledger:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        return Ledger.of(file, self.store.folder / LEDGERS)

    def put(self, inputs: Mapping[str, Any]) -> Path:
        certificate = {"inputs": inputs, "metrics": {}, "seconds": 0.0}
        return self.store.put("network", key_of(inputs), {"x": torch.ones(3)}, certificate).file

    def collect(self) -> set[str]:
        dry = set(Upkeep(self.store).unused())
        removed = set(Upkeep(self.store).collect())
        assert removed == dry
        assert not [file for file in removed if file.exists()]
        return {file.name for file in removed}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_what_a_name_stood_for_before_goes(project: Project) -> None:
    spec = project.spec("a.lego")
    old, new = project.put(INPUTS), project.put(OTHER)
    spec.enter("net", INPUTS)
    spec.enter("net", OTHER)
    assert project.collect() == {old.name}
    assert new.exists()
    assert project.collect() == set()


def test_each_of_two_specs_keeps_its_own(project: Project) -> None:
    project.spec("a.lego").enter("net", INPUTS)
    project.spec("b/a.lego").enter("net", OTHER)
    for inputs in (INPUTS, OTHER):
        project.put(inputs)
    assert project.collect() == set()
    (project.folder / "a.lego").unlink()
    assert f"{key_of(INPUTS)}.safetensors" in project.collect()
    assert project.store.find("network", key_of(OTHER)) is not None


def test_a_project_that_was_moved_keeps_what_it_needs(project: Project, tmp_path: Path) -> None:
    project.spec("a.lego").enter("net", INPUTS)
    project.put(INPUTS)
    moved = Project(Path(shutil.move(project.folder, tmp_path / "elsewhere" / "deeper")))
    assert moved.collect() == set()
    assert [item.users for item in Upkeep(moved.store).listing()] == [("a.lego: net",)]


def test_what_a_build_has_yet_to_make_stays_with_all_that_belongs_to_it(project: Project) -> None:
    spec = project.spec("a.lego")
    key = key_of(INPUTS)
    spec.begin([key])
    project.put(INPUTS)
    FileCheckpoint(project.store, key).save({"step": 1})
    part = project.store.file("network", key).with_name(f".{key}.safetensors.part")
    part.write_bytes(b"half")
    (project.store.folder / "evidence").mkdir()
    (project.store.folder / "evidence" / "0.json").write_text("{}")
    assert project.collect() == set()
    spec.enter("net", INPUTS)
    assert project.collect() == {part.name, "0.json"}
    assert leftovers(project.store) == {key}


def test_a_build_with_little_to_do_keeps_no_more_than_it_needs(project: Project) -> None:
    spec = project.spec("a.lego")
    project.put(INPUTS)
    spec.enter("net", INPUTS)
    spec.begin([key_of(INPUTS)])
    spec.enter("net", INPUTS)
    (project.store.folder / "evidence").mkdir()
    (project.store.folder / "evidence" / "0.json").write_text("{}")
    assert project.collect() == {"0.json"}


def test_inventories_of_what_is_used_stay(project: Project) -> None:
    pictures = {"pictures": "1" * 64, "files": "2" * 64}
    key = key_of(["1" * 64, "2" * 64])
    folder = project.store.folder / "evidence"
    project.spec("a.lego").enter("net", {"data": {"train": pictures}})
    folder.mkdir()
    for name in (key, "f" * 64):
        (folder / f"{name}.json").write_text("{}")
    assert project.collect() == {"f" * 64 + ".json"}


def test_what_others_note_in_the_store_stays(project: Project) -> None:
    project.put(INPUTS)
    names = ["events.jsonl", "runs.jsonl", "probes.jsonl", "contents.json"]
    for name in names:
        (project.store.folder / name).write_text("{}\n")
    project.collect()
    assert all((project.store.folder / name).exists() for name in names)


def test_damaged_files_and_dead_locks_go(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.enter("net", INPUTS)
    file = project.put(INPUTS)
    file.with_suffix(".damaged").write_bytes(b"no artifact")
    (project.store.folder / "locks").mkdir()
    (project.store.folder / "locks" / f"{key_of(INPUTS)}.lock").touch()
    assert project.collect() == {file.with_suffix(".damaged").name}
    assert list((project.store.folder / "locks").iterdir()) == []


def test_what_somebody_is_building_stays_whatever_is_known_of_it(project: Project) -> None:
    file = project.put(INPUTS)
    lock = project.store.try_lock(key_of(INPUTS))
    assert lock is not None
    assert Upkeep(project.store).collect() == {}
    assert list((project.store.folder / "locks").iterdir())
    lock.release()
    assert project.collect() == {file.name}


def test_a_line_that_a_full_disk_cut_off_hinders_nobody(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.begin([key_of(OTHER)])
    old, new = project.put(INPUTS), project.put(OTHER)
    whole = spec.file.read_bytes()
    for length in range(1, 12):
        spec.file.write_bytes(whole + b'{"inputs": {"seed'[:length])
        assert Upkeep(project.store).unused().keys() == {old}
    assert project.collect() == {old.name}
    assert new.exists()


@pytest.mark.parametrize(
    "damage", [b'{"inputs": {"seed": 0}, "name": "net" "spec": "../a"}', b'"]}']
)
def test_where_a_ledger_is_damaged_everything_stays(project: Project, damage: bytes) -> None:
    spec = project.spec("a.lego")
    project.spec("b.lego").enter("net", OTHER)
    file = project.put(INPUTS)
    spec.enter("other", OTHER)
    spec.file.write_bytes(damage + b"\n" + spec.file.read_bytes())
    for tidy in (Upkeep(project.store).unused, Upkeep(project.store).collect):
        with pytest.raises(DiagnosticError, match="line 1 is damaged") as caught:
            tidy()
        assert caught.value.diagnostics[0].code == "LEGO727"
    assert file.exists()


def test_where_a_ledger_cannot_be_read_everything_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = project.spec("a.lego")
    spec.enter("net", INPUTS)
    file = project.put(INPUTS)
    read = Path.read_bytes

    def forbidden(path: Path) -> bytes:
        if path == spec.file:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(DiagnosticError, match="Permission denied"):
        Upkeep(project.store).collect()
    assert file.exists()


def test_a_clock_that_jumps_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = project.spec("a.lego")
    spec.begin([key_of(INPUTS)])
    project.put(INPUTS)
    now = time.time()
    for jump in (-1e9, 1e9):
        monkeypatch.setattr(ledgers.time, "time", lambda jump=jump: now + jump)
        assert project.collect() == set()


def test_a_file_that_vanishes_meanwhile_is_no_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.put(INPUTS)
    upkeep = Upkeep(project.store)
    found = upkeep.unused()
    monkeypatch.setattr(upkeep, "unused", lambda: found)
    file.unlink()
    assert list(upkeep.collect()) == [file]
    assert Upkeep(project.store).verify() == (0, [])


def test_verify_sets_aside_what_is_damaged(project: Project) -> None:
    cut, whole = project.put(INPUTS), project.put(OTHER)
    cut.write_bytes(cut.read_bytes()[:-1])
    read, found = Upkeep(project.store).verify()
    assert (read, [item.code for item in found]) == (2, ["LEGO703"])
    assert cut.with_suffix(".damaged").exists()
    assert whole.exists()
    assert Upkeep(project.store).verify() == (1, [])


BUILD = """
import sys
from pathlib import Path
import torch
from legonet.build.storage.checkpoints import FileCheckpoint
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.store import Store
from legonet.build.storage.keys import key_of

def wait(told):
    print(told, flush=True)
    sys.stdin.readline()

spec, store = Path(sys.argv[1]), Store(Path(sys.argv[2]))
ledger = Ledger.of(spec, store.folder / LEDGERS)
steps = {"made": {"seed": 2}, "training": {"seed": 3}}
keys = {name: key_of(inputs) for name, inputs in steps.items()}
ledger.begin([*keys.values(), key_of({"seed": 1})])
certificate = {"metrics": {}, "seconds": 0.0}
wait("begun")
store.put("network", keys["made"], {"x": torch.ones(3)}, certificate)
wait("made")
ledger.enter("made", steps["made"])
lock = store.try_lock(keys["training"])
checkpoint = FileCheckpoint(store, keys["training"])
checkpoint.save({"step": 5})
wait("training")
assert checkpoint.load() == {"step": 5}
assert store.try_lock(keys["training"]) is None
assert store.find("network", keys["made"]) is not None
assert store.find("network", key_of({"seed": 1})) is not None
store.put("network", keys["training"], {"x": torch.ones(3)}, certificate)
checkpoint.remove()
lock.release()
ledger.enter("training", steps["training"])
"""


def test_a_build_in_another_process_loses_nothing(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.enter("old", INPUTS)
    spec.enter("old", OTHER)
    old, needed = project.put(INPUTS), project.put(OTHER)
    arguments = [sys.executable, "-c", BUILD, project.folder / "a.lego", project.store.folder]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None
    assert process.stdout is not None
    removed = set()
    for told in (b"begun\n", b"made\n", b"training\n"):
        assert process.stdout.readline() == told
        removed |= Upkeep(project.store).collect().keys()
        process.stdin.write(b"\n")
    process.communicate()
    assert process.returncode == 0
    assert removed == {old}
    assert needed.exists()
    assert Upkeep(project.store).collect() == {}
    assert len(Upkeep(project.store).listing()) == 3
