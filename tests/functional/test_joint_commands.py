"""Joint paths on the command line: predict, export, plan, why, inspect, render and diff."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from kit.commands import document, legonet
from kit.specs import build_of, write_spec
from PIL import Image

SPEC = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 1)
    train { data: digits, category: digit, epochs: 1, batch_size: 256, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: "features.4" }
}
task classify { from: net_3, after: "features.4" }
adapter digit_1 -> classify { method: stitching(), unlabelled: 4 }
adapter digit_3 -> classify
path which = [digit_1, digit_3] -> classify
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint")
    build_of(write_spec(folder, SPEC, "joint.lego"))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    return folder


def test_predict_gives_the_label(built: Path) -> None:
    (found,) = document(
        legonet(built, "predict", "joint.lego", "a.png", "--path", "which", "--json")
    )["predictions"]
    assert (found["path"], found["task"]) == ("which", "classify")
    assert list(found["probabilities"]) == ["background", "digit_1", "digit_3"]
    assert found["answer"] == max(found["probabilities"], key=found["probabilities"].__getitem__)
    shown = legonet(built, "predict", "joint.lego", "a.png", "--path", "which").stdout
    assert shown.splitlines()[1].split()[:5] == [
        "a.png",
        "which",
        "->",
        "classify",
        found["answer"],
    ]


def test_plan_why_and_inspect_name_it(built: Path) -> None:
    planned = legonet(built, "plan", "joint.lego").stdout
    assert any(line.split()[:3] == ["path", "which", "reuse"] for line in planned.splitlines())
    other = "--set=digit_1->classify.unlabelled=5"
    told = legonet(built, "why", "joint.lego", "which", other).stdout.splitlines()
    assert told[:2] == ["path which: build", "  because 1 of its 2 edges changed"]
    assert "digit_1 -> classify: build" in told
    why = document(legonet(built, "why", "joint.lego", "which", "--json"))
    assert (why["path"], why["tasks"][0]["action"]) == ("which", "reuse")
    (found,) = document(legonet(built, "inspect", "joint.lego", "--json"))["paths"]
    shown = legonet(built, "inspect", "joint.lego").stdout
    assert "path which -> classify: error" in shown
    lines = shown.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("shown, answered"))
    matrix = lines[first + 1 : first + 4]
    for line, label, row in zip(matrix, found["labels"], found["confusion"], strict=True):
        assert line.split()[0] == label
        assert line.split()[1:4] == [str(count) for count in row]
    alone = legonet(built, "inspect", "joint.lego", "which").stdout
    assert alone.startswith("path which -> classify: error")
    assert alone in shown
    misspelled = legonet(built, "inspect", "joint.lego", "wich")
    assert misspelled.returncode == 1
    assert "a category or path with a similar name exists: `which`" in misspelled.stderr


def test_why_of_an_unknown_name_is_explained(built: Path) -> None:
    finished = legonet(built, "why", "joint.lego", "whcih")
    assert finished.returncode == 1
    assert "a path with a similar name exists: `which`" in finished.stderr
    assert legonet(built, "why", "joint.lego", "digit_1").returncode == 2


def test_pictures_show_it(built: Path) -> None:
    finished = legonet(built, "render", "joint.lego", "--path", "which", "-o", "g.dot")
    assert finished.returncode == 0, finished.stderr
    drawn = (built / "g.dot").read_text()
    assert "path which = [digit_1, digit_3] → classify: error" in drawn
    legonet(built, "render", "joint.lego", "-o", "page.html")
    assert '"confusion"' in (built / "page.html").read_text()


def test_diff_says_how_good_it_has_become(built: Path) -> None:
    (built / "less.lego").write_text(SPEC.replace("[digit_1, digit_3]", "digit_3"))
    shown = legonet(built, "diff", "less.lego", "joint.lego").stdout
    assert "path which" in shown
    assert "    category" in shown.splitlines()


def test_export_says_what_the_outputs_mean(built: Path) -> None:
    finished = legonet(built, "export", "joint.lego", "--path", "which", "-o", "w.pt2", "--json")
    about = json.loads(finished.stdout)["application"]
    assert about["categories"] == ["digit_1", "digit_3"]
    assert about["output"]["labels"] == ["background", "digit_1", "digit_3"]
    told = legonet(built, "export", "joint.lego", "--path", "which", "-o", "w.pt2").stdout
    assert "answers as which -> classify does" in told
    refused = legonet(built, "export", "joint.lego", "--path", "which", "-o", "w.safetensors")
    assert refused.returncode != 0
    assert "LEGO766" in refused.stderr
