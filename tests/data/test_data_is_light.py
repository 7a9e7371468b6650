"""A plan asks sources for evidence, and must start in a blink."""

from __future__ import annotations

import subprocess
import sys

from small_pictures import save_manifest, save_picture

HEAVY = ("torch", "torchvision", "numpy", "PIL", "sklearn", "scipy")

PROGRAM = """
import sys
from pathlib import Path
from legonet.data import ask
from legonet.goals.classification import Classification
from legonet.data.sources.digits import Digits
from legonet.data.sources.folder import Folder
from legonet.data.sources.manifest import Manifest
from legonet.data.sources.pascal_part import PascalPart
folder = Path(sys.argv[1])
forms = Digits(), Manifest(directory=folder), Folder(directory=folder), PascalPart(directory=folder)
for form in forms:
    question = ask(form, None, None, Classification())
    question.source.fingerprint(None)
    question.source.fingerprint(question.labels[0])
print(*[name for name in sys.argv[2:] if name in sys.modules])
"""


def test_datasets_and_fingerprints_load_no_heavy_library(tmp_path):
    for split in ("train", "test"):
        save_picture(tmp_path / split / "cat" / "1.png")
        save_picture(tmp_path / "JPEGImages" / f"{split}.jpg")
    for file in ("Annotations_Part/train.mat", "Annotations_Part/test.mat"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"only read when its pictures are")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("train")
    (lists / "val.txt").write_text("test")
    save_manifest(tmp_path, [("train/cat/1.png", "cat", "train")], "path category split")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *HEAVY]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
