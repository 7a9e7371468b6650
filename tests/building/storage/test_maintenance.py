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

from legonet.building.storage.build_history import BuildHistory, Needs
from legonet.building.storage.checkpoints import FileCheckpoint, leftovers
from legonet.building.storage.file_list import FileList, file_list_key
from legonet.building.storage.keys import key_of
from legonet.building.storage.maintenance import OLDER_HISTORIES, Maintenance
from legonet.building.storage.store import Store
from legonet.diagnostics import DiagnosticError

PICTURES, MORE = FileList([], ["/a.png"], ["1"]), FileList([], ["/b.png"], ["2"])
INPUTS: Mapping[str, Any] = {"seed": 0}
OTHER: Mapping[str, Any] = {"seed": 1}


class Project:
    """A folder with specs that share a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / ".legonet")

    def spec(self, name: str) -> BuildHistory:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        return BuildHistory(file, self.store.index)

    def put(self, inputs: Mapping[str, Any]) -> Path:
        certificate = {"inputs": inputs, "metrics": {}, "seconds": 0.0}
        return self.store.put("network", key_of(inputs), {"x": torch.ones(3)}, certificate).file

    @property
    def file_lists(self) -> set[str]:
        return {key for (key,) in self.store.index.read("SELECT key FROM file_lists")}

    def collect(self, *reused: Mapping[str, Any], forget_missing: bool = False) -> set[str]:
        keys = {self.folder / "reusing.lego": [key_of(inputs) for inputs in reused]}
        upkeep = Maintenance(self.store, keys, forget_missing=forget_missing)
        dry = set(upkeep.unused())
        assert not dry & {file for item in upkeep.kept() for file in item.sizes}
        removed = set(upkeep.collect())
        assert removed == dry
        assert not [file for file in removed if file.exists()]
        return {file.name for file in removed}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_what_a_name_stood_for_before_goes(project: Project) -> None:
    spec = project.spec("a.lego")
    old, new = project.put(INPUTS), project.put(OTHER)
    spec.enter({"net": INPUTS})
    spec.enter({"net": OTHER})
    assert project.collect() == {old.name}
    assert new.exists()
    assert project.collect() == set()


def test_each_of_two_specs_keeps_its_own(project: Project) -> None:
    project.spec("a.lego").enter({"net": INPUTS})
    project.spec("b/a.lego").enter({"net": OTHER})
    for inputs in (INPUTS, OTHER):
        project.put(inputs)
    assert project.collect() == set()
    (project.folder / "a.lego").unlink()
    assert project.collect() == set()
    assert project.collect(forget_missing=True) == {f"{key_of(INPUTS)}.safetensors"}
    assert project.store.find("network", key_of(OTHER)) is not None


def test_what_is_kept_for_a_missing_spec_is_told(project: Project) -> None:
    spec = project.spec("branch/a.lego")
    spec.enter({"net": INPUTS, "old": INPUTS, "shared": OTHER})
    project.spec("b.lego").enter({"net": OTHER})
    file, _ = project.put(INPUTS), project.put(OTHER)
    assert Maintenance(project.store).kept() == []
    (project.folder / "branch" / "a.lego").unlink()
    (kept,) = Maintenance(project.store).kept()
    assert (kept.spec, kept.is_missing) == (project.folder / "branch" / "a.lego", True)
    assert kept.sizes == {file: file.stat().st_size}
    assert {user for item in Maintenance(project.store).listing() for user in item.users} == {
        "a.lego (missing): net",
        "a.lego (missing): old",
        "a.lego (missing): shared",
        "b.lego: net",
    }
    assert Maintenance(project.store, forget_missing=True).kept() == []


def test_what_a_spec_would_reuse_stays(project: Project) -> None:
    spec = project.spec("a.lego")
    old, _ = project.put(INPUTS), project.put(OTHER)
    spec.enter({"net": INPUTS})
    spec.enter({"net": OTHER})
    reusing = {project.folder / "b.lego": [key_of(INPUTS), key_of(OTHER), "not built yet"]}
    (kept,) = Maintenance(project.store, reusing).kept()
    assert (kept.spec, kept.is_missing) == (project.folder / "b.lego", False)
    assert list(kept.sizes) == [old]
    assert project.collect(INPUTS) == set()
    assert project.collect() == {old.name}


def test_what_a_missing_spec_and_a_reusing_one_need_is_kept_for_the_second(
    project: Project,
) -> None:
    project.spec("a.lego").enter({"net": INPUTS})
    file = project.put(INPUTS)
    (project.folder / "a.lego").unlink()
    reusing = {project.folder / "b.lego": [key_of(INPUTS)]}
    assert [item.is_missing for item in Maintenance(project.store, reusing).kept()] == [False]
    assert project.collect(INPUTS, forget_missing=True) == set()
    assert project.collect(forget_missing=True) == {file.name}


def test_a_project_that_was_moved_keeps_what_it_needs(project: Project, tmp_path: Path) -> None:
    project.spec("a.lego").enter({"net": INPUTS})
    project.put(INPUTS)
    moved = Project(Path(shutil.move(project.folder, tmp_path / "elsewhere" / "deeper")))
    assert moved.collect() == set()
    assert [item.users for item in Maintenance(moved.store).listing()] == [("a.lego: net",)]


def test_what_a_build_has_yet_to_make_stays_with_all_that_belongs_to_it(project: Project) -> None:
    spec = project.spec("a.lego")
    key = key_of(INPUTS)
    spec.begin([key], {file_list_key(PICTURES.inputs): PICTURES})
    project.put(INPUTS)
    FileCheckpoint(project.store, key).save({"step": 1})
    part = project.store.file("network", key).with_name(f".{key}.safetensors.part")
    part.write_bytes(b"half")
    assert project.collect() == set()
    assert project.file_lists == {file_list_key(PICTURES.inputs)}
    spec.enter({"net": INPUTS})
    assert project.collect() == {part.name}
    assert project.file_lists == set()
    assert leftovers(project.store) == {key}


def test_a_build_with_little_to_do_keeps_no_more_than_it_needs(project: Project) -> None:
    spec = project.spec("a.lego")
    project.put(INPUTS)
    spec.enter({"net": INPUTS})
    spec.begin([key_of(INPUTS)], {file_list_key(PICTURES.inputs): PICTURES})
    spec.enter({"net": INPUTS})
    assert project.collect() == set()
    assert project.file_lists == set()


def test_file_lists_of_what_is_used_stay(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.begin([], {file_list_key(item.inputs): item for item in (PICTURES, MORE)})
    spec.enter({"net": {"data": {"train": PICTURES.inputs}}})
    assert project.collect() == set()
    assert project.file_lists == {file_list_key(PICTURES.inputs)}


def test_the_index_forgets_missing_specs_where_it_is_told_to(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.begin([key_of(OTHER)])
    spec.enter({"net": INPUTS})
    project.spec("b.lego").enter({"net": OTHER})
    (project.folder / "a.lego").unlink()
    project.collect()
    assert len(project.store.index.read("SELECT * FROM names")) == 2
    project.collect(forget_missing=True)
    for table in ("names", "inputs"):
        assert len(project.store.index.read(f"SELECT * FROM {table}")) == 1, table
    for table in ("builds", "wanted"):
        assert project.store.index.read(f"SELECT * FROM {table}") == [], table


def test_what_others_note_in_the_store_stays(project: Project) -> None:
    project.put(INPUTS)
    names = ["events.jsonl", "answers.sqlite"]
    for name in names:
        (project.store.folder / name).write_text("{}\n")
    project.collect()
    assert all((project.store.folder / name).exists() for name in names)


def test_damaged_files_and_dead_locks_go(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.enter({"net": INPUTS})
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
    assert Maintenance(project.store).collect() == {}
    assert list((project.store.folder / "locks").iterdir())
    lock.release()
    assert project.collect() == {file.name}


def unsound(project: Project) -> str:
    """Return why nothing is removed."""
    messages = set()
    for tidy in (Maintenance(project.store).unused, Maintenance(project.store).collect):
        with pytest.raises(DiagnosticError) as caught:
            tidy()
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "LEGO727"
        messages.add(diagnostic.message)
    return messages.pop()


def test_where_the_index_is_damaged_everything_stays_until_that_is_settled(
    project: Project,
) -> None:
    spec, index = project.spec("a.lego"), project.store.index
    spec.enter({"net": INPUTS})
    needed, unused = project.put(INPUTS), project.put(OTHER)
    index.file.write_bytes(b"rubbish" * 100)
    assert "not a database" in unsound(project)
    # The next build sets the damaged index aside, and may know of one spec of many only.
    spec.begin([])
    assert "set aside" in unsound(project)
    assert index.damage is not None
    project.spec("a.lego").enter({"net": INPUTS})
    index.aside.unlink()
    assert project.collect() == {unused.name}
    assert needed.exists()


def test_where_only_an_older_version_knows_what_is_used_everything_stays(
    project: Project,
) -> None:
    file = project.put(INPUTS)
    (project.store.folder / OLDER_HISTORIES).mkdir()
    assert "older version" in unsound(project)
    assert file.exists()


def test_a_clock_that_jumps_loses_nothing(project: Project) -> None:
    project.spec("a.lego").begin([key_of(INPUTS)])
    for jump in (-1e9, 1e9):
        with project.store.index.reading() as index:
            found = Needs.of(index, project.store.folder, lambda jump=jump: time.time() + jump)
        assert found.wanted == {key_of(INPUTS)}


def test_a_file_that_vanishes_meanwhile_is_no_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.put(INPUTS)
    upkeep = Maintenance(project.store)
    found = upkeep.unused()
    monkeypatch.setattr(upkeep, "unused", lambda: found)
    file.unlink()
    assert list(upkeep.collect()) == [file]
    assert Maintenance(project.store).verify() == (0, [])


def test_verify_sets_aside_what_is_damaged(project: Project) -> None:
    cut, whole = project.put(INPUTS), project.put(OTHER)
    cut.write_bytes(cut.read_bytes()[:-1])
    read, found = Maintenance(project.store).verify()
    assert (read, [item.code for item in found]) == (2, ["LEGO703"])
    assert cut.with_suffix(".damaged").exists()
    assert whole.exists()
    assert Maintenance(project.store).verify() == (1, [])


BUILD = """
import sys
from pathlib import Path
import torch
from legonet.building.storage.checkpoints import FileCheckpoint
from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.store import Store
from legonet.building.storage.keys import key_of

def wait(told):
    print(told, flush=True)
    sys.stdin.readline()

spec, store = Path(sys.argv[1]), Store(Path(sys.argv[2]))
history = BuildHistory(spec, store.index)
steps = {"made": {"seed": 2}, "training": {"seed": 3}}
keys = {name: key_of(inputs) for name, inputs in steps.items()}
history.begin([*keys.values(), key_of({"seed": 1})])
certificate = {"metrics": {}, "seconds": 0.0}
wait("begun")
store.put("network", keys["made"], {"x": torch.ones(3)}, certificate)
wait("made")
history.enter({"made": steps["made"]})
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
history.enter({"training": steps["training"]})
"""


def test_a_build_in_another_process_loses_nothing(project: Project) -> None:
    spec = project.spec("a.lego")
    spec.enter({"old": INPUTS})
    spec.enter({"old": OTHER})
    old, needed = project.put(INPUTS), project.put(OTHER)
    arguments = [sys.executable, "-c", BUILD, project.folder / "a.lego", project.store.folder]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None
    assert process.stdout is not None
    removed = set()
    for told in (b"begun\n", b"made\n", b"training\n"):
        assert process.stdout.readline() == told
        removed |= Maintenance(project.store).collect().keys()
        process.stdin.write(b"\n")
    process.communicate()
    assert process.returncode == 0
    assert removed == {old}
    assert needed.exists()
    assert Maintenance(project.store).collect() == {}
    assert len(Maintenance(project.store).listing()) == 3
