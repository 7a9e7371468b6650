"""``legonet predict``: a built network answers about pictures."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kit.commands import document, environment, legonet
from kit.specs import SEGMENTING
from kit.untrained import copy_spec, write_filled
from PIL import Image

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec of which everything is built, and some pictures."""
    folder = tmp_path_factory.mktemp("built")
    write_filled(folder)
    (folder / "photos" / "more").mkdir(parents=True)
    Image.fromarray(PIXELS).save(folder / "photos" / "a.png")
    Image.fromarray(255 - PIXELS).save(folder / "photos" / "more" / "b.jpg")
    return folder


def test_a_table_shows_each_picture_and_path(first: Path) -> None:
    finished = legonet(first, "predict", "built.lego", "photos")
    assert finished.returncode == 0, finished.stderr
    heads, *rows = finished.stdout.splitlines()
    assert heads.split() == ["picture", "path", "answer"]
    assert rows.pop() == "px: share of the picture's pixels"
    assert len(rows) == 2 * 4
    assert [row.split()[0] for row in rows] == ["photos/a.png"] * 4 + ["photos/more/b.jpg"] * 4
    assert all(row.rstrip().endswith(("%", "% px")) for row in rows)
    assert {"read_one", "find_one"} <= {row.split()[1] for row in rows}


def test_one_document_holds_what_is_answered_and_what_is_broken(first: Path) -> None:
    arguments = ("photos/*.png", "away.png", "built.lego", "--path", "read_one", "--json")
    finished = legonet(first, "predict", "built.lego", *arguments)
    assert finished.returncode == 3
    found = document(finished)
    assert [(item["picture"], item["category"], item["task"]) for item in found["predictions"]] == [
        ("photos/a.png", "digit_1", "classify")
    ]
    assert 0 < found["predictions"][0]["probabilities"]["digit_1"] < 1
    assert [item["code"] for item in found["diagnostics"]] == ["LEGO403", "LEGO404"]
    assert "away.png" in finished.stderr
    assert "built.lego" in finished.stderr


def test_answers_are_written_line_by_line(first: Path) -> None:
    arguments = ("photos", "away.png", "--path", "read_one", "--path", "find_one")
    whole = document(legonet(first, "predict", "built.lego", *arguments, "--json"))
    finished = legonet(first, "predict", "built.lego", *arguments, "--json-lines")
    assert finished.returncode == 3
    assert [json.loads(line) for line in finished.stdout.splitlines()] == whole["predictions"]
    assert "away.png" in finished.stderr
    both = legonet(first, "predict", "built.lego", *arguments, "--json", "--json-lines")
    assert both.returncode == 2
    assert "choose one of --json and --json-lines" in both.stderr


def test_masks_are_written(first: Path, tmp_path: Path) -> None:
    arguments = ("--path", "read_one", "--path", "find_one", "--output", str(tmp_path), "--json")
    finished = legonet(first, "predict", "built.lego", "photos/a.png", *arguments)
    assert finished.returncode == 0, finished.stderr
    whole, pixels = document(finished)["predictions"]
    assert "mask" not in whole
    with Image.open(pixels["mask"]) as mask:
        share = np.asarray(mask).mean() / 255
    assert share == pytest.approx(pixels["shares"]["digit_1"])
    with Image.open(pixels["overlay"]) as overlay:
        assert overlay.size == (60, 40)
    assert f"1 mask in {tmp_path}" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--path", "reed_one", "photos"), 1, "a path with a similar name exists: `read_one`"),
        (("--category", "digit_1", "--task", "inc", "photos"), 1, "`ink`"),
        (("--output", "built.lego/x", "--path", "find_one", "photos"), 3, "another folder"),
        ((), 2, "PICTURE"),
    ],
)
def test_what_is_wrong_is_said(
    first: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    finished = legonet(first, "predict", "built.lego", *arguments)
    assert finished.returncode == code
    assert words in finished.stderr
    assert "Traceback" not in finished.stderr


def test_what_is_not_built_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "built.lego").write_text(SEGMENTING)
    finished = legonet(tmp_path, "predict", "built.lego", "a.png", "--json")
    assert finished.returncode == 1
    assert document(finished)["diagnostics"][0]["code"] == "LEGO709"
    assert "run `legonet build built.lego`" in finished.stderr


def test_ctrl_c_ends_it_without_a_traceback(first: Path, tmp_path: Path) -> None:
    spec = copy_spec(first / "built.lego", tmp_path)
    # A pipe without a writer keeps the command waiting in the middle of its pictures.
    os.mkfifo(tmp_path / "endless.png")
    shutil.copy(first / "photos" / "a.png", tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "legonet", "predict", spec.name, "a.png", "endless.png"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
    )
    with (tmp_path / "endless.png").open("wb"):  # waits until the command reads it
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    # An interruption that reaches the command line ends the line of a terminal's ^C first.
    assert words.lstrip("\n").startswith("interrupted")
    assert "Traceback" not in words
