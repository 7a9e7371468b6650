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
from legonet.spec.base import Goal
from legonet.spec.sources import Digits, Folder, Manifest
folder = Path(sys.argv[1])
for form in (Digits(), Manifest(directory=folder), Folder(directory=folder)):
    question = ask(form, None, None, Goal.CLASSIFICATION)
    question.source.evidence(None)
    question.source.evidence(question.labels[0])
print(*[name for name in sys.argv[2:] if name in sys.modules])
"""


def test_questions_and_evidence_load_no_heavy_library(tmp_path):
    for split in ("train", "test"):
        save_picture(tmp_path / split / "cat" / "1.png")
    save_manifest(tmp_path, [("train/cat/1.png", "cat", "train")], "path category split")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *HEAVY]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
