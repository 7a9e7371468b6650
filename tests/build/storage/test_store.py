from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from legonet.build.storage.store import Store
from legonet.diagnostics import DiagnosticError

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


def test_a_flipped_bit_is_noticed_and_the_file_set_aside(store: Store) -> None:
    file = store.file("adapter", "a" * 64)
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(contents)
    artifact = store.find("adapter", "a" * 64)
    assert artifact is not None
    with pytest.raises(DiagnosticError) as caught:
        store.tensors(artifact)
    assert caught.value.diagnostics[0].code == "LEGO703"
    assert store.find("adapter", "a" * 64) is None
    assert file.with_suffix(".damaged").exists()


def test_the_store_keeps_itself_out_of_version_control(store: Store) -> None:
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_the_lock_of_a_killed_process_is_free(store: Store) -> None:
    code = (
        "import os, sys; from pathlib import Path; from legonet.build.storage.store import Store\n"
        "lock = Store(Path(sys.argv[1])).lock('key'); lock.__enter__(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(store.folder)], check=False)
    assert killed.returncode == -9
    with store.lock("key"):
        assert (store.folder / "locks").is_dir()
