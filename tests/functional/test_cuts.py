"""``legonet cuts``: where networks can be cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import document, legonet

SPEC = """
data digits { source: digits() }
network three {
  model: legonet.small_vgg(classes: 1, channels: 4)
  train { data: digits, category: "3", epochs: 1 }
}
network wide {
  model: torchvision.squeezenet1_1(num_classes: 1)
  weights: "away.safetensors"
}
category three { from: three, until: "features.4" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec.lego").write_text(SPEC)
    return tmp_path


def test_a_table_shows_each_cut_of_a_network(folder: Path) -> None:
    finished = legonet(folder, "cuts", "spec.lego", "three")
    assert finished.returncode == 0, finished.stderr
    heads, *rows = finished.stdout.splitlines()
    assert heads.split()[:3] == ["cut", "after", "features"]
    (row,) = [row for row in rows if row.startswith("features.4 ")]
    assert "maps of 4x8x8" in row
    assert row.rstrip().endswith("yes")
    assert rows[-1] == f"{len(rows) - 1} cuts of three with pictures of 16x16"


def test_the_document_says_all_of_it(folder: Path) -> None:
    finished = legonet(folder, "cuts", "spec.lego", "wide", "--size", "64", "--json")
    found = document(finished)
    assert (found["network"], found["size"]) == ("wide", 64)
    first = found["cuts"][0]
    assert first["names"] == ["features.0"]
    assert (first["layout"], first["shape"], first["signed"]) == ("maps", [64, 31, 31], True)
    assert first["parameters"][0] == 64 * 3 * 9 + 64
    assert first["pseudo_gradients"] is True


def test_two_networks_are_joined_where_they_are_most_alike(folder: Path) -> None:
    arguments = ("cuts", "spec.lego", "three", "--against", "wide", "--size", "64")
    finished = legonet(folder, *arguments)
    assert finished.returncode == 0, finished.stderr
    pairs = document(legonet(folder, *arguments, "--json"))["joints"]
    of_one = [pair for pair in pairs if pair["after"] == "features.0"]
    assert of_one[0]["resized"] == "32x32 to 31x31, bilinear"
    assert of_one[0]["until"] in finished.stdout


def test_a_model_needs_no_spec(tmp_path: Path) -> None:
    finished = legonet(tmp_path, "cuts", "legonet.small_vgg(classes: 1)", "--size", "32")
    assert finished.returncode == 0, finished.stderr
    assert "cuts of model with pictures of 32x32" in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("spec.lego",), "the networks are `three`, `wide`"),
        (("spec.lego", "tree"), "a network with a similar name exists: `three`"),
        (("spec.lego", "three", "--against", "wild"), "similar name exists: `wide`"),
        (("away.lego",), "away.lego"),
        (("torchvision.resnt18",), "a model with a similar name exists: `torchvision.resnet18`"),
        (("torchvision.vit_b_16", "--size", "64"), "`image_size: 64`"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    finished = legonet(folder, "cuts", *arguments)
    assert finished.returncode == 1
    assert words in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_network_is_shown_though_other_statements_are_wrong(folder: Path) -> None:
    (folder / "spec.lego").write_text(SPEC + "\nadapter three -> nothing { }\n")
    finished = legonet(folder, "cuts", "spec.lego", "three")
    assert finished.returncode == 0, finished.stderr
