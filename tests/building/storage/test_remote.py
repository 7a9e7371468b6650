"""A store behind a URL: few requests, whole files, and a mirror that survives the network."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from kit.s3 import Proxy, new_bucket, s3_server

from legonet.building.storage import filesystem
from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.checkpoints import FileCheckpoint, Stopped, leftovers
from legonet.building.storage.keys import key_of
from legonet.building.storage.maintenance import Maintenance
from legonet.building.storage.remote import HEAD, MirroredStore, open_store
from legonet.building.storage.store import DamagedError, Store
from legonet.diagnostics import DiagnosticError

KEY, OTHER = key_of(0), key_of(1)
TENSORS = {"weight": torch.arange(40_000.0)}
CERTIFICATE = {"inputs": {}, "metrics": {"error_rate": 0.5}, "seconds": 0.0}


class Recorded(MemoryFileSystem):
    """A file system in memory that notes each request, and fails as it is told."""

    protocol = "recorded"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    requests: ClassVar[list[tuple[Any, ...]]] = []
    failures: ClassVar[list[Exception]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("recorded://")))

    def _note(self, *request: Any) -> None:
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        self._note("ls", path)
        return super().ls(path, detail=detail, **options)

    def info(self, path: str, **options: Any) -> Any:
        self._note("info", path)
        return super().info(path, **options)

    def cat_file(self, path: str, start: Any = None, end: Any = None, **options: Any) -> Any:
        self._note("cat", path, start, end)
        return super().cat_file(path, start, end, **options)

    def cat_ranges(self, paths: Any, starts: Any, ends: Any, **options: Any) -> Any:
        self.requests.append(("cat many", len(paths)))
        found: list[bytes | Exception] = []
        for path, start, end in zip(paths, starts, ends, strict=True):
            try:
                if self.failures:
                    raise self.failures.pop(0)
                found.append(super().cat_file(path, start, end))
            except OSError as error:
                found.append(error)
        return found

    def pipe_file(self, path: str, value: bytes, **options: Any) -> Any:
        self._note("pipe", path)
        return super().pipe_file(path, value, **options)

    def mv(self, path1: str, path2: str, **options: Any) -> Any:
        self._note("mv", path1, path2)
        self.store[path2] = self.store.pop(path1)


fsspec.register_implementation("recorded", Recorded, clobber=True)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MirroredStore:
    monkeypatch.setattr(filesystem, "PAUSES", (0.0, 0.0, 0.0))
    for noted in (Recorded.store, Recorded.requests, Recorded.failures):
        noted.clear()
    store = open_store("recorded://bucket/store", tmp_path / "here")
    assert isinstance(store, MirroredStore)
    return store


@dataclass
class Bucket:
    """A bucket of a real server."""

    url: str
    proxy: Proxy


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    with s3_server() as found:
        yield found


@pytest.fixture
def bucket(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(filesystem, "PAUSES", (0.0, 0.0, 0.0))
    with (
        Proxy(*server) as proxy,
        new_bucket("127.0.0.1", proxy.port, AWS_MAX_ATTEMPTS="1") as url,
    ):
        yield Bucket(f"{url}/store", proxy)


@pytest.fixture(params=["memory", "file", "recorded", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MirroredStore:
    urls = {
        "memory": f"memory:/{tmp_path}/store",
        "file": f"file://{tmp_path}/there",
        "recorded": "recorded://bucket/store",
    }
    if request.param == "s3":
        url = request.getfixturevalue("bucket").url
    else:
        request.getfixturevalue("recorded")
        url = urls[request.param]
    return MirroredStore(url, tmp_path / "here")


def other_machine(store: MirroredStore) -> MirroredStore:
    """Return the store as another machine has it, which gets it by pickle."""
    sent: MirroredStore = pickle.loads(pickle.dumps(store))
    assert (sent.url, sent.folder) == (store.url, store.folder)
    return sent.at(store.folder.parent / "other machine")


def damage(file: Path) -> None:
    contents = file.read_bytes()
    file.write_bytes(contents[:-1] + b"!")


def test_a_location_is_a_folder_unless_it_is_a_url(tmp_path: Path) -> None:
    assert open_store(None, tmp_path).folder == tmp_path
    assert open_store("some/where", tmp_path).folder == Path("some/where")
    assert open_store(Path("some/where"), tmp_path).folder == Path("some/where")
    assert open_store("file:///some/where%20else", tmp_path).folder == Path("/some/where else")
    assert type(open_store("file:///some/where", tmp_path)) is Store
    remote = open_store("s3://bucket/x", tmp_path)
    assert isinstance(remote, MirroredStore)
    assert (remote.url, remote.folder) == ("s3://bucket/x", tmp_path)


def test_another_machine_has_what_was_put(store: MirroredStore) -> None:
    assert store.find("network", KEY) is None
    put = store.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(store)
    found = other.find("network", KEY)
    assert found is not None
    assert found.certificate == put.certificate
    assert not found.file.exists()
    assert torch.equal(other.tensors(found)["weight"], TENSORS["weight"])
    assert found.file.read_bytes() == put.file.read_bytes()
    assert other.find("network", OTHER) is None
    assert other.find("adapter", KEY) is None


def test_a_damaged_file_of_the_mirror_is_fetched_again(store: MirroredStore) -> None:
    artifact = store.put("network", KEY, TENSORS, CERTIFICATE)
    damage(artifact.file)
    assert torch.equal(store.tensors(artifact)["weight"], TENSORS["weight"])
    assert Maintenance(store).verify() == (1, [])


def test_what_is_damaged_everywhere_is_set_aside_everywhere(store: MirroredStore) -> None:
    artifact = store.put("network", KEY, TENSORS, CERTIFICATE)
    damage(artifact.file)
    store.publish(artifact.file)
    with pytest.raises(DamagedError) as caught:
        store.tensors(artifact)
    assert caught.value.key == KEY
    assert store.find("network", KEY) is None
    assert set(store.shared("networks")) == {f"{KEY}.damaged"}
    again = store.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(store)
    assert torch.equal(other.tensors(again)["weight"], TENSORS["weight"])


def test_what_vanished_everywhere_is_not_damaged(store: MirroredStore) -> None:
    artifact = store.put("network", KEY, TENSORS, CERTIFICATE)
    other_machine(store).withdraw(other_machine(store).file("network", KEY))
    artifact.file.unlink()
    with pytest.raises(DiagnosticError) as caught:
        store.tensors(artifact)
    assert caught.value.diagnostics[0].code == "LEGO704"


def test_what_was_built_before_there_was_a_remote_store_can_be_shared(store: MirroredStore) -> None:
    artifact = Store(store.folder).put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(store)
    assert other.find("network", KEY) is None
    for _ in range(2):
        store.share(artifact)
    assert other.find("network", KEY) is not None


def test_a_training_goes_on_at_another_machine(store: MirroredStore) -> None:
    class Asked:
        requested = True

    with pytest.raises(Stopped):
        FileCheckpoint(store, KEY, Asked()).save({"step": 7})
    other = FileCheckpoint(other_machine(store), KEY)
    assert leftovers(other_machine(store)) == {KEY}
    assert other.load() == {"step": 7}
    other.remove()
    assert leftovers(other_machine(store)) == set()
    FileCheckpoint(store, KEY).remove()
    assert FileCheckpoint(store, KEY).load() is None


def test_upkeep_knows_the_mirror_from_the_remote_store(store: MirroredStore) -> None:
    store.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(store)
    other.put("network", OTHER, TENSORS, CERTIFICATE)
    Store(other.folder).put("adapter", KEY, TENSORS, CERTIFICATE)
    listed = {(item.kind, item.key): item for item in Maintenance(other).listing()}
    assert {end: item.places for end, item in listed.items()} == {
        ("network", KEY): ("remote",),
        ("network", OTHER): ("here", "remote"),
        ("adapter", KEY): ("here",),
    }
    assert all(item.artifact is not None for item in listed.values())
    assert len({item.size for item in listed.values()}) <= 2
    assert Maintenance(other).verify() == (2, [])
    assert len(Maintenance(other).collect()) == 2
    assert set(store.shared("networks")) == {f"{key}.safetensors" for key in (KEY, OTHER)}


def test_a_plan_of_many_edges_lists_once(recorded: MirroredStore) -> None:
    keys = [key_of(number) for number in range(1000)]
    for key in keys[:100]:
        recorded.put("adapter", key, {"x": torch.ones(1)}, CERTIFICATE)
    other = other_machine(recorded)
    recorded.put("network", KEY, {"x": torch.ones(1)}, CERTIFICATE)
    Recorded.requests.clear()
    other.survey()
    found = [key for key in keys if other.find("adapter", key) is not None]
    assert found == keys[:100]
    assert [request[0] for request in Recorded.requests] == ["ls", "ls", "ls", "cat many"]


def test_what_others_add_after_a_survey_is_found(recorded: MirroredStore) -> None:
    other = other_machine(recorded)
    other.survey()
    assert other.find("network", KEY) is None
    recorded.put("network", KEY, TENSORS, CERTIFICATE)
    assert other.find("network", KEY) is not None


def test_what_vanishes_during_a_survey_is_not_there(
    recorded: MirroredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(recorded)
    listed = {f"{key}.safetensors": 170_000 for key in (KEY, OTHER)}
    monkeypatch.setattr(other, "shared", lambda folder: listed if folder == "networks" else {})
    other.survey()
    assert other.find("network", OTHER) is None


def test_a_survey_that_fails_for_one_file_is_asked_again(
    recorded: MirroredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = recorded.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(recorded)
    listed = {folder: recorded.shared(folder) for folder in ("networks", "adapters", "joints")}
    monkeypatch.setattr(other, "shared", listed.get)
    Recorded.failures += [ConnectionResetError()] * 2
    other.survey()
    found = other.find("network", KEY)
    assert found is not None
    assert found.certificate == artifact.certificate


def test_of_a_large_file_just_the_header_is_read(recorded: MirroredStore) -> None:
    artifact = recorded.put("network", KEY, TENSORS, CERTIFICATE)
    assert artifact.file.stat().st_size > 4 * HEAD
    Recorded.requests.clear()
    assert other_machine(recorded).find("network", KEY) is not None
    reads = [request[2:] for request in Recorded.requests if request[0] == "cat"]
    assert reads == [(0, HEAD)]


def test_a_long_header_is_read_whole(recorded: MirroredStore) -> None:
    certificate = {**CERTIFICATE, "learned": "x" * 2 * HEAD}
    recorded.put("network", KEY, TENSORS, certificate)
    other = other_machine(recorded)
    for _ in range(2):
        found = other.find("network", KEY)
        assert found is not None
        assert found.certificate["learned"] == certificate["learned"]
        other.survey()


def test_a_cheap_rename_hides_what_is_not_whole(recorded: MirroredStore) -> None:
    Recorded.requests.clear()
    recorded.put("network", KEY, TENSORS, CERTIFICATE)
    name = f"/bucket/store/networks/{KEY}.safetensors"
    ((_, first),) = [request for request in Recorded.requests if request[0] == "pipe"]
    ((*_, source, target),) = [request for request in Recorded.requests if request[0] == "mv"]
    assert first == source != name == target


def test_an_object_store_gets_a_file_at_once(tmp_path: Path) -> None:
    store = MirroredStore(f"memory:/{tmp_path}/store", tmp_path / "here")
    store.put("network", KEY, TENSORS, CERTIFICATE)
    assert list(store.shared("networks")) == [f"{KEY}.safetensors"]


def test_what_arrives_in_part_is_sent_again(
    recorded: MirroredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, sent = Recorded.pipe_file, []

    def partly(self: Recorded, path: str, value: bytes) -> Any:
        sent.append(path)
        return pipe(self, path, value if len(sent) > 2 else value[:-9])

    monkeypatch.setattr(Recorded, "pipe_file", partly)
    recorded.put("network", KEY, TENSORS, CERTIFICATE)
    assert len(sent) == 3
    assert other_machine(recorded).find("network", KEY) is not None


@pytest.mark.parametrize("count", [1, 3])
def test_a_network_that_fails_now_and_then_is_asked_again(
    recorded: MirroredStore, count: int
) -> None:
    def fail() -> None:
        Recorded.failures += [ConnectionResetError("the connection broke")] * count

    fail()
    recorded.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(recorded)
    fail()
    other.survey()
    found = other.find("network", KEY)
    assert found is not None
    fail()
    assert other.tensors(found).keys() == TENSORS.keys()


def test_pauses_grow(recorded: MirroredStore, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(filesystem, "PAUSES", (1.0, 2.0))
    monkeypatch.setattr(filesystem.time, "sleep", paused.append)
    Recorded.failures += [TimeoutError()] * 9
    with pytest.raises(DiagnosticError):
        recorded.find("network", KEY)
    assert paused == [1.0, 2.0]
    assert len(Recorded.failures) == 6


@pytest.mark.parametrize(
    ("error", "tries", "text"),
    [
        (OSError("no route to host\nand more"), 4, "no route to host"),
        (RuntimeError(), 4, "RuntimeError"),
        (PermissionError("Access Denied"), 1, "Access Denied"),
        (NotImplementedError("read-only"), 1, "read-only"),
    ],
)
def test_what_cannot_be_mended_is_said(
    recorded: MirroredStore, error: Exception, tries: int, text: str
) -> None:
    Recorded.failures += [error] * 9
    Recorded.requests.clear()
    with pytest.raises(DiagnosticError) as caught:
        recorded.find("network", KEY)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO725"
    assert diagnostic.message == f"cannot use the store `recorded://bucket/store`: {text}"
    assert diagnostic.help
    assert len(Recorded.requests) == tries


def test_an_upload_that_failed_keeps_what_was_built(recorded: MirroredStore) -> None:
    Recorded.failures += [PermissionError("Access Denied")]
    with pytest.raises(DiagnosticError):
        recorded.put("network", KEY, TENSORS, CERTIFICATE)
    found = recorded.find("network", KEY)
    assert found is not None
    recorded.share(found)
    assert other_machine(recorded).find("network", KEY) is not None


def test_a_checkpoint_that_cannot_be_uploaded_is_kept_here(recorded: MirroredStore) -> None:
    class Asked:
        requested = True

    Recorded.failures += [PermissionError("Access Denied")]
    with pytest.raises(Stopped):
        FileCheckpoint(recorded, KEY, Asked()).save({"step": 7})
    assert FileCheckpoint(recorded, KEY).load() == {"step": 7}


def test_a_full_disk_under_the_mirror_is_reported(
    recorded: MirroredStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = recorded.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(recorded)

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiagnosticError) as caught:
        other.fetch(other.file("network", artifact.key))
    assert caught.value.diagnostics[0].code == "LEGO701"


def test_no_password_is_shown(recorded: MirroredStore, tmp_path: Path) -> None:
    Recorded.failures += [PermissionError("no")]
    store = MirroredStore("recorded://me:secret@host/x", tmp_path)
    with pytest.raises(DiagnosticError, match="recorded://host/x") as caught:
        store.find("network", KEY)
    assert "secret" not in str(caught.value)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(url: str) -> DiagnosticError:
        with pytest.raises(DiagnosticError) as caught:
            MirroredStore(url, tmp_path).find("network", KEY)
        assert caught.value.diagnostics[0].code == "LEGO726"
        assert "pip install 'legonet[remote]'" in caught.value.diagnostics[0].help
        return caught.value

    assert "Protocol not known" in str(refused("nosuch://bucket/x"))
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    assert "fsspec" in str(refused("s3://bucket/x"))


def test_a_build_history_stays_here(recorded: MirroredStore, tmp_path: Path) -> None:
    spec = tmp_path / "a.lego"
    spec.touch()
    Recorded.requests.clear()
    BuildHistory(spec, recorded.index).enter({"net": {}})
    assert Recorded.requests == []


def test_a_connection_that_breaks_is_made_again(bucket: Bucket, tmp_path: Path) -> None:
    store = MirroredStore(bucket.url, tmp_path / "here")
    bucket.proxy.break_next(after=3000)
    artifact = store.put("network", KEY, TENSORS, CERTIFICATE)
    other = other_machine(store)
    bucket.proxy.break_next(after=200)
    found = other.find("network", KEY)
    assert found is not None
    bucket.proxy.break_next(after=20_000)
    assert torch.equal(other.tensors(found)["weight"], TENSORS["weight"])
    assert found.file.read_bytes() == artifact.file.read_bytes()
    assert bucket.proxy.broken == 3


def test_a_server_that_is_gone_is_said(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "PATIENCE", 0.0)
    store = MirroredStore(bucket.url, tmp_path / "here")
    artifact = Store(store.folder).put("network", KEY, TENSORS, CERTIFICATE)
    bucket.proxy.close()
    for ask in (
        lambda: store.find("network", OTHER),
        store.survey,
        lambda: store.publish(artifact.file),
    ):
        with pytest.raises(DiagnosticError) as caught:
            ask()
        assert caught.value.diagnostics[0].code == "LEGO725"
    assert store.find("network", KEY) is not None


def test_a_bucket_that_is_missing_is_said(bucket: Bucket, tmp_path: Path) -> None:
    store = MirroredStore("s3://no-such-bucket/x", tmp_path / "here")
    assert store.find("network", KEY) is None
    with pytest.raises(DiagnosticError) as caught:
        store.put("network", KEY, TENSORS, CERTIFICATE)
    assert caught.value.diagnostics[0].code == "LEGO725"
