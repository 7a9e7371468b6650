from __future__ import annotations

import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from legonet.building.storage.store import DamagedError, Store
from legonet.diagnostics import Diagnostic, DiagnosticError

TENSORS = {"weight": torch.arange(12.0).reshape(3, 4).T, "bias": torch.zeros(3)}
CERTIFICATE = {"inputs": {"samples": 3}, "metrics": {"error_rate": 0.25}, "seconds": 1.5}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.put("adapter", "a" * 64, TENSORS, CERTIFICATE)
    return store


def test_what_was_put_is_found_with_its_certificate_and_the_same_bits(store: Store) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    assert artifact.metrics == {"error_rate": 0.25}
    assert artifact.certificate["inputs"] == {"samples": 3}
    read = store.tensors(artifact)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)


def test_nothing_is_found_under_another_key_or_kind(store: Store) -> None:
    assert store.find("adapter", "b" * 64) is None
    assert store.find("network", "a" * 64) is None


def test_a_file_under_a_wrong_name_is_not_believed(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    file.rename(store.file("adapter", "b" * 64))
    assert store.find("adapter", "b" * 64) is None
    assert store.is_damaged("adapter", "b" * 64)


@pytest.mark.parametrize("left", [0, 7, 100, -1])
def test_a_file_that_was_cut_off_is_no_artifact(store: Store, left: int) -> None:
    file = store.file("adapter", "a" * 64)
    file.write_bytes(file.read_bytes()[:left])
    assert store.find("adapter", "a" * 64) is None
    assert store.is_damaged("adapter", "a" * 64)


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        "{}",
        "1",
        '{"__metadata__": 1}',
        '{"__metadata__": {"legonet": "[]"}}',
        '{"a": 1}',
        '{"__metadata__": {"legonet": "{}", "legonet_sha256": ""}, "a": {"data_offsets": "01"}}',
        "{",
    ],
)
def test_a_file_with_another_header_is_no_artifact(store: Store, header: str) -> None:
    content = len(header).to_bytes(8, "little") + header.encode()
    store.file("adapter", "b" * 64).write_bytes(content)
    assert store.find("adapter", "b" * 64) is None


def test_a_longer_file_is_no_artifact(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    file.write_bytes(file.read_bytes() + b"0")
    assert store.find("adapter", "a" * 64) is None


def test_a_certificate_reads_as_the_safetensors_library_reads_it(store: Store) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    with safe_open(artifact.file, framework="pt") as opened:
        assert json.loads(opened.metadata()["legonet"]) == artifact.certificate


def flip(file: Path, place: int = -1, bit: int = 0) -> None:
    """Change one bit of a file, in place as a bad disk does."""
    contents = bytearray(file.read_bytes())
    contents[place] ^= 1 << bit
    with file.open("r+b") as stream:
        stream.write(contents)


def test_a_damaged_file_is_set_aside_and_named(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    flip(file)
    with pytest.raises(DamagedError) as caught:
        store.tensors(artifact)
    assert (caught.value.kind, caught.value.key) == ("adapter", "a" * 64)
    assert caught.value.diagnostics[0].code == "LEGO703"
    assert store.find("adapter", "a" * 64) is None
    assert file.with_suffix(".damaged").exists()


def test_no_flipped_bit_goes_unnoticed(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    whole = file.read_bytes()
    for place in range(len(whole)):
        flip(file, place, place % 8)
        seen = store.find("adapter", "a" * 64)
        assert seen in (None, artifact), f"another certificate by the byte {place}"
        with pytest.raises(DamagedError):
            store.tensors(artifact)
        file.write_bytes(whole)
    assert store.tensors(artifact).keys() == TENSORS.keys()


def test_what_is_damaged_is_kept_once(store: Store) -> None:
    for bit in range(2):
        flip(store.file("adapter", "a" * 64), bit=bit)
        with pytest.raises(DamagedError):
            store.check("adapter", "a" * 64)
        assert len(list((store.folder / "adapters").iterdir())) == 1
        store.put("adapter", "a" * 64, TENSORS, CERTIFICATE)


def test_what_is_built_anew_does_not_destroy_what_was_damaged(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    damaged = file.read_bytes()[:-1]
    file.write_bytes(damaged)
    again = store.put("adapter", "a" * 64, TENSORS, CERTIFICATE)
    assert store.tensors(again).keys() == TENSORS.keys()
    assert file.with_suffix(".damaged").read_bytes() == damaged


def test_an_error_of_the_disk_is_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None

    def failing(file: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(DamagedError, match="Input/output error"):
        store.tensors(artifact)
    assert store.find("adapter", "a" * 64) is None


def test_who_meets_the_damage_late_leaves_the_new_file_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = store.file("adapter", "a" * 64)
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    flip(file)
    read = Path.read_bytes

    def slowly(path: Path) -> bytes:
        contents = read(path)
        monkeypatch.undo()
        with pytest.raises(DamagedError):
            Store(store.folder).tensors(artifact)
        store.put("adapter", "a" * 64, TENSORS, CERTIFICATE)
        return contents

    monkeypatch.setattr(Path, "read_bytes", slowly)
    with pytest.raises(DamagedError):
        store.tensors(artifact)
    assert store.tensors(artifact).keys() == TENSORS.keys()


def test_who_finds_nothing_where_another_one_met_damage_hears_of_damage(store: Store) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    flip(artifact.file)
    for _ in range(2):
        with pytest.raises(DamagedError):
            store.tensors(artifact)


def test_an_artifact_that_vanished_is_not_damaged(store: Store) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    artifact.file.unlink()
    with pytest.raises(DiagnosticError) as caught:
        store.tensors(artifact)
    assert not isinstance(caught.value, DamagedError)
    assert caught.value.diagnostics[0].code == "LEGO704"


def test_an_artifact_with_other_bits_in_its_place_is_left_there(store: Store) -> None:
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    other = store.put("adapter", "a" * 64, {"weight": torch.ones(2)}, CERTIFICATE)
    with pytest.raises(DiagnosticError) as caught:
        store.tensors(artifact)
    assert caught.value.diagnostics[0].code == "LEGO704"
    assert torch.equal(store.tensors(other)["weight"], torch.ones(2))


def test_an_error_keeps_what_is_damaged_between_processes() -> None:
    diagnostic = Diagnostic("LEGO703", "a stored network is damaged")
    error = pickle.loads(pickle.dumps(DamagedError(diagnostic, "network", "a" * 64)))
    assert (error.kind, error.key, error.diagnostics) == ("network", "a" * 64, (diagnostic,))


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.ones(2, dtype=torch.bfloat16),
        torch.arange(3, dtype=torch.int64),
    ],
)
def test_tensors_of_every_kind_come_back(store: Store, tensor: torch.Tensor) -> None:
    read = store.tensors(store.put("network", "c" * 64, {"x": tensor}, CERTIFICATE))["x"]
    assert read.dtype == tensor.dtype
    assert torch.equal(read, tensor)


def test_the_store_keeps_itself_out_of_version_control(store: Store) -> None:
    assert (store.folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("length", range(0, 64, 7))
def test_tensors_lie_where_torch_would_put_them(store: Store, length: int) -> None:
    """Kernels sum in another order where memory begins at an odd place."""
    tensors = {f"{'x' * length}{number}": torch.ones(number + 1) for number in range(5)}
    read = store.tensors(store.put("network", "d" * 64, tensors, CERTIFICATE))
    assert [tensor.data_ptr() % 64 for tensor in read.values()] == [0] * 5
