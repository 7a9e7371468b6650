"""``legonet store``: what lies in a store, whether it is whole, and what can go."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.commands import document, legonet
from kit.s3 import new_bucket, s3_server
from kit.specs import SMALL

from legonet.building.storage.remote import MirroredStore

EDGE = "digit_1 -> classify"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    (folder / "small.lego").write_text(SMALL)
    assert legonet(folder, "build", "small.lego").returncode == 0
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "copy"))


def listed(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(legonet(folder, "store", "ls", "--json"))["artifacts"]
    return found


def test_ls_shows_who_uses_what(folder: Path) -> None:
    users = {user: item["kind"] for item in listed(folder) for user in item["users"]}
    assert users == {
        f"small.lego: {EDGE}": "adapter",
        "small.lego: ancestor": "network",
        "small.lego: net_1": "network",
        "small.lego: net_3": "network",
    }
    shown = legonet(folder, "store", "ls")
    assert f"small.lego: {EDGE}" in shown.stdout
    assert "4 artifacts" in shown.stdout


def test_gc_removes_what_was_replaced_and_the_next_build_has_nothing_to_do(folder: Path) -> None:
    text = SMALL.replace("let labels = 4", "let labels = 6")
    assert text != SMALL
    (folder / "small.lego").write_text(text)
    before = {item["key"] for item in listed(folder)}
    assert legonet(folder, "build", "small.lego").returncode == 0
    dry = document(legonet(folder, "store", "gc", "--dry-run", "--json"))["removed"]
    assert len(listed(folder)) == 5
    removed = document(legonet(folder, "store", "gc", "--json"))["removed"]
    assert removed == dry
    after = {item["key"] for item in listed(folder)}
    assert len(before & after) == 3
    assert len(after) == 4
    assert "nothing to do" in legonet(folder, "build", "small.lego").stdout
    assert document(legonet(folder, "store", "gc", "--json"))["removed"] == []


def test_gc_keeps_what_another_spec_uses(folder: Path) -> None:
    (folder / "other.lego").write_text(SMALL)
    assert "nothing to do" in legonet(folder, "build", "other.lego").stdout
    (folder / "small.lego").unlink()
    forget = ("store", "gc", "--json", "--forget-missing")
    removed = document(legonet(folder, *forget))["removed"]
    assert not [file for file in removed if file.endswith(".safetensors")]
    (folder / "other.lego").unlink()
    assert len(document(legonet(folder, *forget))["removed"]) >= 4
    assert listed(folder) == []


def test_gc_keeps_what_a_renamed_spec_would_reuse(folder: Path) -> None:
    (folder / "small.lego").rename(folder / "deeper.lego")
    tidied = legonet(folder, "store", "gc")
    assert tidied.stdout.splitlines()[-1] == "0 files, 0 bytes"
    assert "for deeper.lego, which would reuse it" in tidied.stdout
    assert "removed" not in legonet(folder, "store", "gc", "--forget-missing").stdout
    assert "nothing to do" in legonet(folder, "build", "deeper.lego").stdout


def test_gc_keeps_what_a_missing_spec_used_until_it_is_told_to_forget(folder: Path) -> None:
    hidden = folder.parent / "on_another_branch.lego"
    (folder / "small.lego").rename(hidden)
    found = document(legonet(folder, "store", "gc", "--json"))
    assert found["removed"] == []
    (kept,) = found["kept"]
    assert kept["spec"].endswith("small.lego")
    assert (kept["missing"], kept["files"]) == (True, 4)
    shown = legonet(folder, "store", "gc", "--dry-run").stdout
    assert "for small.lego, which is missing" in shown
    assert "--forget-missing" in shown
    hidden.rename(folder / "small.lego")
    assert "nothing to do" in legonet(folder, "build", "small.lego").stdout
    (folder / "small.lego").unlink()
    assert "4 files" in legonet(folder, "store", "gc", "--forget-missing").stdout


def test_gc_forgets_nothing_while_a_spec_does_not_say_what_it_would_reuse(folder: Path) -> None:
    (folder / "small.lego").rename(folder / "renamed.lego")
    text = (folder / "renamed.lego").read_text()
    (folder / "renamed.lego").write_text(f"{text}task broken {{ from: nothing }}\n")
    tidied = legonet(folder, "store", "gc")
    assert "for small.lego, which is missing" in tidied.stdout
    assert "unknown" in tidied.stdout
    finished = legonet(folder, "store", "gc", "--forget-missing")
    assert finished.returncode == 1
    assert "LEGO727" in finished.stderr
    assert "renamed.lego" in finished.stderr
    assert len(listed(folder)) == 4


def test_verify_sets_aside_what_is_damaged_and_a_build_mends_it(folder: Path) -> None:
    assert "4 artifacts verified" in legonet(folder, "store", "verify").stdout
    flipped, cut = sorted((folder / ".legonet" / "networks").glob("*.safetensors"))[:2]
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-5])
    finished = legonet(folder, "store", "verify", "--json")
    assert finished.returncode == 3
    assert [item["code"] for item in document(finished)["diagnostics"]] == ["LEGO703"] * 2
    assert flipped.with_suffix(".damaged").exists()
    assert legonet(folder, "build", "small.lego").returncode == 0
    assert "4 artifacts verified" in legonet(folder, "store", "verify").stdout


def test_without_a_store_there_is_a_clear_word(tmp_path: Path) -> None:
    for command in ("ls", "verify", "gc"):
        finished = legonet(tmp_path, "store", command)
        assert finished.returncode == 1
        assert "LEGO710" in finished.stderr
        assert "Traceback" not in finished.stderr


def test_a_clock_that_jumps_and_files_of_the_future_rebuild_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = time.time() + 1e9
    for file in folder.rglob("*"):
        os.utime(file, (future, future))
    now, nanoseconds = time.time, time.time_ns
    for jump in (-(10**9), 0, 10**10):
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda jump=jump: now() + jump)
            clock.setattr(time, "time_ns", lambda jump=jump: nanoseconds() + jump * 10**9)
            built = legonet(folder, "build", "small.lego")
            tidied = legonet(folder, "store", "gc")
        assert built.returncode == tidied.returncode == 0
        assert "nothing to do" in built.stdout
        assert "0 files" in tidied.stdout


def test_a_damaged_index_keeps_gc_from_its_work(folder: Path) -> None:
    index = folder / ".legonet" / "index.sqlite"
    index.write_bytes(b"rubbish" * 100)
    finished = legonet(folder, "store", "gc")
    assert finished.returncode == 1
    assert "LEGO727" in finished.stderr
    assert "nothing was removed" in finished.stderr
    built = legonet(folder, "build", "small.lego")
    assert "nothing to do" in built.stdout
    assert "warning[LEGO729]" in built.stderr
    assert "LEGO727" in legonet(folder, "store", "gc").stderr
    index.with_name("index.sqlite.damaged").unlink()
    assert "0 files" in legonet(folder, "store", "gc").stdout


@pytest.fixture
def url() -> Iterator[str]:
    with s3_server() as server, new_bucket(*server) as bucket:
        yield f"{bucket}/store"


def test_a_remote_store_is_shown_with_its_mirror(folder: Path, url: str) -> None:
    store = MirroredStore(url, folder / ".legonet")
    shared, kept = sorted((folder / ".legonet" / "networks").iterdir())[:2]
    store.publish(shared)
    shared.unlink()

    listed = document(legonet(folder, "store", "ls", "--json", "--store", url))["artifacts"]
    places = {item["key"]: item["places"] for item in listed}
    assert places[shared.stem] == ["remote"]
    assert places[kept.stem] == ["here"]
    assert "where" in legonet(folder, "store", "ls", "--store", url).stdout
    assert "3 artifacts verified" in legonet(folder, "store", "verify", "--store", url).stdout
    (folder / "small.lego").unlink()
    tidied = legonet(folder, "store", "gc", "--store", url)
    assert f"{url} stays as it is" in tidied.stdout
    assert store.shared("networks").keys() == {shared.name}
