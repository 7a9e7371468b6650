"""What is wrong with pictures is told before anything is trained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kit.commands import document, environment, legonet
from kit.specs import write_spec
from PIL import Image

from legonet.building.planning.data_check import check_counts, data_of
from legonet.diagnostics import Severity
from legonet.graph import load

SPEC = """
data pets { source: folder("pets"), size: 16 }
for name in ["cat", "dog"] {
  network net_${name} {
    model: legonet.small_vgg(classes: 1, channels: 1)
    train { data: pets, category: name, epochs: 1 }
  }
  category ${name} { from: net_${name}, until: "features.4" }
}
task classify { from: net_dog, after: "features.4" }
adapter cat -> classify { samples: SAMPLES }
"""

COUNTS = {"train": 40, "test": 15}


def noise(file: Path, seed: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seed = 0
    for split, count in COUNTS.items():
        for category in ("cat", "dog", "background"):
            for number in range(count):
                place = tmp_path / "pets" / split / category / f"{number:02}.png"
                noise(place, seed := seed + 1)
    return tmp_path


def spec_in(folder: Path, samples: int = 20) -> Path:
    return write_spec(folder, SPEC.replace("SAMPLES", str(samples)))


def codes(folder: Path, **fields: int) -> list[tuple[str, str]]:
    found, _ = data_of(load(spec_in(folder, **fields)))
    return [(item.severity.value, item.code) for item in found]


def test_good_pictures_are_counted_and_nothing_is_said(folder: Path) -> None:
    found, (block,) = data_of(load(spec_in(folder)))
    assert found == []
    assert block.pictures == {"train": 120, "test": 45}


def test_everything_is_told_at_once_and_errors_are_what_a_build_fails_on(folder: Path) -> None:
    pets = folder / "pets"
    for name in ("train/cat/01.png", "train/cat/02.png", "test/dog/03.png"):
        (pets / name).write_bytes(b"")
    Image.open(pets / "train/cat/05.png").save(pets / "test/cat/copy.png")
    Image.open(pets / "train/cat/06.png").save(pets / "train/dog/copy.png")
    (pets / "train/cat/photo.HEIC").write_bytes(b"")
    found, (block,) = data_of(load(spec_in(folder, samples=90)))
    errors = [item.code for item in found if item.severity is Severity.ERROR]
    warnings = [item.code for item in found if item.severity is Severity.WARNING]
    assert errors == ["LEGO404", "LEGO415"]
    assert warnings == ["LEGO419", "LEGO419", "LEGO421"]
    assert all(item.span is not None for item in found)
    assert [name for _, name, _ in block.damages] == [
        "train/cat/01.png",
        "train/cat/02.png",
        "test/dog/03.png",
    ]
    alike = " ".join(line for item in found if item.code == "LEGO419" for line in item.help)
    assert "`train/cat/05.png` and `test/cat/copy.png`" in alike
    assert "`train/cat/06.png` and `train/dog/copy.png`" in alike


def test_small_splits_and_rare_answers_are_warnings(folder: Path) -> None:
    for number in range(3, COUNTS["train"]):
        (folder / f"pets/train/cat/{number:02}.png").unlink()
    for number in range(5, COUNTS["test"]):
        (folder / f"pets/test/cat/{number:02}.png").unlink()
    found, _ = data_of(load(spec_in(folder, samples=4)))
    assert {item.code for item in found} == {"LEGO420"}
    messages = [item.message for item in found]
    assert "`pets` has 40 training pictures of `background`, and 3 of `cat`" in messages
    assert "`pets` has 20 test pictures: a single mistake makes 5 % error" in messages


def test_too_few_pictures_are_told_without_reading_any(folder: Path) -> None:
    for file in (folder / "pets").rglob("*.png"):
        file.write_bytes(b"")
    graph = load(spec_in(folder, samples=82))
    (found,) = check_counts(graph)
    assert found.code == "LEGO415"
    assert "expected 41 pictures of the category" in found.message
    assert check_counts(graph, edges=()) == []
    assert check_counts(load(spec_in(folder, samples=80))) == []


def test_memory_is_counted_before_a_build(folder: Path) -> None:
    graph = load(spec_in(folder))
    needed = 80 * 16 * 16 * 3
    assert check_counts(graph, memory=needed) == []
    (found,) = check_counts(graph, memory=needed - 1)
    assert found.code == "LEGO422"
    assert found.span is not None
    assert found.span.line == 2
    assert "80 pictures of 16x16 pixels" in found.message


def test_a_build_refuses_before_it_trains(folder: Path) -> None:
    spec_in(folder, samples=82)
    done = legonet(folder, "build", "small.lego")
    assert done.returncode == 1
    assert "LEGO415" in done.stderr
    assert "started" not in done.stderr
    assert not list((folder / ".legonet").rglob("*.safetensors"))


def test_the_command_lists_every_damaged_picture(folder: Path) -> None:
    for number in (1, 2):
        (folder / f"pets/train/cat/0{number}.png").write_bytes(b"")
    (folder / "pets/train/cat/._01.png").write_bytes(b"")
    spec_in(folder)
    done = legonet(folder, "check", "--data", "small.lego")
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()[2:]] == [
        "pets train train/cat/01.png",
        "pets train train/cat/02.png",
    ]
    assert done.stderr.count("error[") == 1
    found = document(legonet(folder, "check", "--data", "--json", "small.lego"))
    (block,) = found["data"]
    assert [item["picture"] for item in block["damaged"]] == [
        "train/cat/01.png",
        "train/cat/02.png",
    ]
    assert block["skipped"] == {"hidden": 1}
    github = legonet(folder, "check", "--data", "--format", "github", "small.lego")
    assert github.stdout.startswith("::error title=LEGO404,file=small.lego,line=2,")


def test_ctrl_c_says_that_not_all_was_read(folder: Path) -> None:
    spec_in(folder)
    # A pipe without a writer keeps the command waiting in the middle of its pictures.
    endless = folder / "pets/train/cat/endless.png"
    os.mkfifo(endless)
    process = subprocess.Popen(
        [sys.executable, "-m", "legonet", "check", "--data", "small.lego"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
    )
    with endless.open("wb"):  # waits until the command reads it
        endless.unlink()
        process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert words.lstrip("\n") == "interrupted: not all pictures were read\n"


def test_a_plan_counts_what_is_left_out(folder: Path) -> None:
    for number in range(200):
        (folder / f"pets/train/cat/{number}.txt").write_text("no picture")
    spec_in(folder)
    done = legonet(folder, "plan", "small.lego")
    assert "left out of `pets`: 200 .txt\n" in done.stdout
    assert "warning[LEGO421]: 200 of 365 files are left out: 200 .txt" in done.stderr
    found = document(legonet(folder, "plan", "--json", "small.lego"))
    assert found["skipped"] == {"pets": {".txt": 200}}
