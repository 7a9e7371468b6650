"""``legonet build --prove``: what was built answers as before, or the build says what does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kit.commands import document, legonet
from kit.disk import small_disk
from kit.specs import SMALL, workspace_of, write_spec
from kit.untrained import file_of, fill_store, put, step_of

from legonet.building import Workspace

OLD = "digit_1 -> classify"
PROVE = ("build", "small.lego", "--device", "cpu", "--prove")


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec of which everything is built, once proved."""
    folder = tmp_path_factory.mktemp("proved")
    fill_store(write_spec(folder))
    finished = legonet(folder, *PROVE)
    assert finished.returncode == 0, finished.stderr
    assert "first" in finished.stdout
    return folder


@pytest.fixture
def folder(proved: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(proved, tmp_path / "copy")


def paths(stdout: str) -> dict[str, str]:
    """Return what the table says of each path."""
    rows = [line.split() for line in stdout.splitlines() if " -> classify " in line]
    words = ("unchanged", "first", "rebuilt", "changed")
    return {
        " ".join(row[:3]): word for row in rows for word in words if word in row and len(row) > 4
    }


def expected_exit(folder: Path, name: str) -> int:
    """Return 3 where the certificate of an edge of these random networks says that it failed."""
    _, plan = workspace_of(folder / "small.lego")
    artifact = step_of(plan, name).artifact
    assert artifact is not None
    return 0 if artifact.failure is None else 3


def test_what_is_built_is_shown_unchanged(folder: Path) -> None:
    finished = legonet(folder, *PROVE)
    assert finished.returncode == 0
    assert paths(finished.stdout) == {"digit_3 -> classify": "unchanged", OLD: "unchanged"}
    assert "3 frozen networks and 2 paths proved unchanged" in finished.stdout


def test_a_new_edge_is_the_only_one_that_is_new(folder: Path) -> None:
    text = SMALL + 'category low_1 { from: net_1, until: "features.4" }\n'
    text += "adapter low_1 -> classify {\n  layers: [conv(1)]\n"
    text += "  method: back_distillation(init: solve, steps: 2)\n  samples: 4\n}\n"
    (folder / "small.lego").write_text(text)
    finished = legonet(folder, *PROVE)
    assert finished.returncode == expected_exit(folder, "low_1 -> classify"), finished.stderr
    assert paths(finished.stdout) == {
        "digit_3 -> classify": "unchanged",
        OLD: "unchanged",
        "low_1 -> classify": "first",
    }
    assert ("built 1 edge" in finished.stdout) == (finished.returncode == 0)
    assert '"event": "proved"' in (folder / ".legonet" / "events.jsonl").read_text()


def test_a_path_that_changed_is_named_and_the_exit_code_tells(folder: Path) -> None:
    spec = folder / "small.lego"
    plan = fill_store(spec)
    put(Workspace(spec).store, plan, step_of(plan, OLD), seed=7)
    finished = legonet(folder, *PROVE)
    assert finished.returncode == 3
    assert paths(finished.stdout) == {"digit_3 -> classify": "unchanged", OLD: "changed"}
    assert "error[LEGO730]: the path `digit_1 -> classify`" in finished.stderr
    assert "small.lego:21:9" in finished.stderr
    assert "proved unchanged" not in finished.stdout

    told = legonet(folder, *PROVE, "--json")
    assert told.returncode == 3
    proof = document(told)["proof"]
    assert [item["code"] for item in proof["violations"]] == ["LEGO730", "LEGO731"]
    assert [item["status"] for item in proof["paths"]] == ["unchanged", "changed"]


def test_what_is_damaged_is_reported_and_rebuilt(folder: Path) -> None:
    file = file_of(folder / "small.lego", OLD)
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(contents)
    finished = legonet(folder, *PROVE)
    assert finished.returncode == expected_exit(folder, OLD), finished.stderr
    assert f"damaged   {OLD}  set aside" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert paths(finished.stdout) == {"digit_3 -> classify": "unchanged", OLD: "rebuilt"}
    assert paths(legonet(folder, *PROVE).stdout)[OLD] == "unchanged"


def test_a_store_that_cannot_be_written_is_proved_and_left_as_it_is(
    folder: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "size=16m") as disk:
        store = disk.folder / "store"
        shutil.copytree(folder / ".legonet", store)
        disk.remount("ro")
        finished = legonet(folder, *PROVE, "--store", str(store))
        assert finished.returncode == 0, finished.stderr
        assert "2 paths proved unchanged" in finished.stdout
        assert "LEGO732" not in finished.stderr

        disk.remount("rw")
        (store / "answers.sqlite").unlink()
        disk.remount("ro")
        unrecorded = legonet(folder, *PROVE, "--store", str(store))
        assert unrecorded.returncode == 0
        assert "warning[LEGO732]" in unrecorded.stderr
        assert paths(unrecorded.stdout) == {"digit_3 -> classify": "first", OLD: "first"}
