"""The state of a training in a file: damage costs time and nothing else, and a stop is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from legonet.building.storage import checkpoints
from legonet.building.storage.checkpoints import FileCheckpoint, Stopped, leftovers
from legonet.building.storage.store import Store

STATE = {"step": 3, "weights": torch.ones(5)}


@dataclass
class Asked:
    requested: bool = False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    FileCheckpoint(Store(tmp_path), "key").save(STATE)
    return tmp_path / "checkpoints" / "key.pt"


def test_a_stop_is_due_at_once_and_ends_the_training_after_the_save(tmp_path: Path) -> None:
    stop = Asked()
    checkpoint = FileCheckpoint(Store(tmp_path), "key", stop)
    assert not checkpoint.due()
    checkpoint.save({"step": 1})
    stop.requested = True
    assert checkpoint.due()
    with pytest.raises(Stopped):
        checkpoint.save({"step": 2})
    assert FileCheckpoint(Store(tmp_path), "key").load() == {"step": 2}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(data=some.data())
def test_damaged_bytes_are_as_good_as_none_and_never_unpickled(
    file: Path, data: some.DataObject
) -> None:
    whole = file.read_bytes()
    place = data.draw(some.integers(0, len(whole) - 1))
    damaged = data.draw(
        some.sampled_from(
            [
                whole[:place],
                whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
                whole + whole[:place] + b"0",
            ]
        )
    )

    def unpickled(*_: object, **__: object) -> None:
        raise AssertionError("bytes were unpickled that were not verified")

    checkpoint = FileCheckpoint(Store(file.parents[1]), "key")
    try:
        file.write_bytes(damaged)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "load", unpickled)
            assert checkpoint.load() is None
    finally:
        file.write_bytes(whole)
    assert checkpoint.load() is not None


def test_a_state_of_another_version_of_torch_is_as_good_as_none(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", "another")
    assert FileCheckpoint(Store(file.parents[1]), "key").load() is None


def test_a_folder_in_the_files_place_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "key.pt").mkdir(parents=True)
    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    assert checkpoint.load() is None
    checkpoint.remove()


def test_code_in_a_state_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "run",))

    checkpoint = FileCheckpoint(Store(tmp_path), "key")
    checkpoint.save({"x": Evil()})
    assert checkpoint.load() is None
    assert not (tmp_path / "run").exists()


def test_leftovers_are_known_by_their_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert leftovers(store) == set()
    for key in ("one", "two"):
        FileCheckpoint(store, key).save({})
    (tmp_path / "checkpoints" / ".three.pt.part").write_bytes(b"half")
    assert leftovers(store) == {"one", "two", "three"}
    for key in ("one", "three"):
        FileCheckpoint(store, key).remove()
    assert leftovers(store) == {"two"}


def test_others_get_a_state_less_often_than_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, stop, published = 100.0, Asked(), []
    store = Store(tmp_path)
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    monkeypatch.setattr(store, "publish", lambda file: published.append(now))
    checkpoint = FileCheckpoint(store, "key", stop)
    for _ in range(20):
        now += checkpoints.INTERVAL
        assert checkpoint.due()
        checkpoint.save({})
    assert published == [130.0, 160.0, 190.0]
    now += 1.0
    stop.requested = True
    with pytest.raises(Stopped):
        checkpoint.save({})
    assert published[-1] == now
