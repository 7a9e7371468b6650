"""Names of folders, files and labels may be any bytes; what is written can always be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.commands import environment, legonet
from kit.specs import SMALL, write_spec
from PIL import Image

from legonet.text_bytes import BYTES_SHOWN, encodable, json_text

LOCALES = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
COMMANDS = [
    ["check"],
    ["check", "--json"],
    ["plan"],
    ["plan", "--json"],
    ["fmt"],
    ["inspect"],
    ["render", "-o", "picture.dot"],
    ["render", "-o", "picture.svg"],
    ["render", "-o", "picture.html"],
]
EVERYTHING = f"""
import sys
from legonet.cli.main import run
for command in {COMMANDS!r}:
    sys.argv = ["legonet", *command, sys.argv[-1]]
    try:
        run()
    except SystemExit as end:
        assert not end.code, command
    print(chr(0))
"""
"""Runs all commands in one process, which saves most of their time."""

any_text = st.text(st.characters(codec=None, categories=None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        found = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
        found.mkdir()
    except OSError:
        pytest.skip("this filesystem takes no such names")
    return found


@given(st.recursive(any_text, lambda part: st.lists(part) | st.dictionaries(any_text, part)))
def test_json_of_any_text_can_be_read_and_is_the_usual_one_otherwise(contents: object) -> None:
    for ascii_only in (False, True):
        written = json_text(contents, ascii_only=ascii_only)
        read = json.loads(written.encode())
        json.dumps(read, ensure_ascii=False).encode()
        plain = json.dumps(contents, ensure_ascii=False)
        if encodable(plain) == plain:
            assert written == json.dumps(contents, ensure_ascii=ascii_only)


@given(any_text)
def test_any_text_can_be_written(text: str) -> None:
    shown = encodable(text)
    assert shown.encode().decode() == shown
    assert (shown == text) == (not any("\ud800" <= letter <= "\udfff" for letter in text))
    text.encode("ascii", BYTES_SHOWN)


def test_a_byte_is_shown_by_its_number() -> None:
    name = os.fsdecode(b"caf\xe9")
    assert encodable(name) == r"caf\xe9"
    assert json.loads(json_text([name])) == [r"caf\xe9"]
    assert f"{name} è".encode("latin-1", BYTES_SHOWN) == b"caf\\xe9 \xe8"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_spec_in_such_a_folder_is_read_in_every_locale(folder: Path, locale: str) -> None:
    name = os.fsdecode(b"sm\xe9ll.lego")
    write_spec(folder, SMALL, name)
    finished = subprocess.run(
        [sys.executable, "-c", EVERYTHING, name],
        cwd=folder,
        env=environment() | LOCALES[locale],
        capture_output=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    documents = finished.stdout.decode().split("\0")
    for command, document in zip(COMMANDS, documents, strict=False):
        if "--json" in command:
            json.loads(document)
    for drawn in ("dot", "svg", "html"):
        assert (folder / f"picture.{drawn}").read_bytes().decode()


def test_labels_and_pictures_with_such_names_are_learned_and_exported(folder: Path) -> None:
    label = os.fsdecode(b"caf\xe9")
    for split in ("train", "test"):
        for name, colour in ((label, (200, 0, 0)), ("tea", (0, 0, 200))):
            (folder / "drinks" / split / name).mkdir(parents=True)
            for number in range(8):
                file = folder / "drinks" / split / name / os.fsdecode(b"p\xe9%d.png" % number)
                Image.new("RGB", (24, 24), tuple(max(0, c - number) for c in colour)).save(file)
    write_spec(
        folder,
        """
data drinks { source: folder("drinks"), size: 24 }
for seed in [0, 1] {
  network net_${seed} {
    model: legonet.small_vgg(classes: 2, channels: 4)
    train { data: drinks, epochs: 8, batch_size: 4, learning_rate: 0.05, seed: seed }
  }
}
category drink { from: net_0, until: "features.4" }
task tell { from: net_0, after: "features.4" }
adapter drink -> tell
""",
    )
    assert legonet(folder, "build", "small.lego").returncode == 0
    sides = ("--category", "drink", "--task", "tell")
    answered = legonet(folder, "predict", "small.lego", f"drinks/test/{label}", *sides, "--json")
    assert answered.returncode == 0, answered.stderr
    first = json.loads(answered.stdout)["predictions"][0]
    assert first["picture"] == r"drinks/test/caf\xe9/p\xe90.png"
    assert set(first["probabilities"]) == {r"caf\xe9", "tea"}
    exported = legonet(folder, "export", "small.lego", *sides, "-o", "drinks.safetensors")
    assert exported.returncode == 0, exported.stderr
