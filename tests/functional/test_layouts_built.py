"""Edges between networks with other layouts and sizes, from the spec to the exported file."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from legonet import TransplantNetwork, open_bundle
from legonet.cli.main import application

SPEC = """
data shapes { source: folder("shapes"), size: 32 }
let vit = "blocks.0"
let swin = "layers.0"
let maps = "stages.0"

network cat_vit {
  model: timm.vit_tiny_patch16_224(
    img_size: 32, patch_size: 8, depth: 2, embed_dim: 24, num_heads: 2, num_classes: 1
  )
  train { data: shapes, category: cat, epochs: 1 }
}
network dog_swin {
  model: timm.swin_tiny_patch4_window7_224(
    img_size: 32, window_size: 4, embed_dim: 16, depths: [1, 1], num_heads: [2, 2], num_classes: 1
  )
  train { data: shapes, category: dog, epochs: 1 }
}
network cow_maps {
  model: timm.convnext_tiny(depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], num_classes: 1)
  train { data: shapes, category: cow, epochs: 1 }
}
category cat { from: cat_vit, until: vit }
category dog { from: dog_swin, until: swin }
category cow { from: cow_maps, until: "stages.1" }
task tokens { from: cat_vit, after: vit }
task last { from: dog_swin, after: swin, layout: channels_last }
task maps { from: cow_maps, after: maps }

adapter cat -> tokens
adapter cat -> last { unlabelled: 8, layers: [conv(3)], method: transplant(steps: 1) }
adapter cat -> maps { samples: 4, method: ordinary_learning(init: stitching, steps: 1) }
adapter dog -> tokens {
  unlabelled: 8
  layers: [linear()]
  method: output_distillation(init: feature_matching, steps: 1)
}
adapter cow -> maps { samples: 4, method: back_distillation(relu_places: none, pairs: 8, steps: 1) }
adapter cow -> tokens { method: stitching() }
path last_of_cat = cat -> last
path tokens_of_cow = cow -> tokens
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layouts")
    random = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 4)):
        for place, label in enumerate(("cat", "dog", "cow", "background")):
            (folder / "shapes" / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 100, (32, 32, 3), np.uint8)
                pixels[8 * place : 8 * place + 8] += 150
                Image.fromarray(pixels).save(folder / "shapes" / split / label / f"{number}.png")
    file = folder / "layouts.lego"
    file.write_text(SPEC)
    # Networks that learn from a few pictures may be at chance; what is built is kept.
    run("build", str(file), "--jobs", "1")
    return file


def run(*arguments: str) -> str:
    return CliRunner().invoke(application, [*arguments]).output


def certificate(spec: Path, *ends: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("inspect", str(spec), *ends))["certificate"]
    return found


EDGES = [
    ("cat", "last", "tokens of 17x24 (1 + 4x4)", "channels-last maps of 8x8x16", "bilinear"),
    ("cat", "maps", "tokens of 17x24 (1 + 4x4)", "maps of 8x8x8", "bilinear"),
    ("dog", "tokens", "channels-last maps of 8x8x16", "tokens of 17x24 (1 + 4x4)", "averaged"),
    ("cow", "maps", "maps of 8x4x4", "maps of 8x8x8", "bilinear"),
    ("cow", "tokens", "maps of 8x4x4", "tokens of 17x24 (1 + 4x4)", None),
]


@pytest.mark.parametrize(("category", "task", "reads", "writes", "how"), EDGES)
def test_the_certificate_says_what_was_joined(
    spec: Path, category: str, task: str, reads: str, writes: str, how: str | None
) -> None:
    learned = certificate(spec, category, task)["learned"]
    assert isinstance(learned, dict)
    assert (learned["features"], learned["own_features"]) == (reads, writes)
    assert (how or "") in learned.get("resized", "")
    assert ("resized" in learned) == (how is not None)


def test_routes_answer_as_their_parts_do(spec: Path) -> None:
    network = TransplantNetwork.open(spec)
    pictures = torch.rand(3, 3, 32, 32)
    for category, task, *_ in EDGES:
        assert network(pictures, category=category, task=task).shape == (3, 1)
    # A direct edge is the network itself, whatever its layout.
    direct = network(pictures, category="cat", task="tokens")
    assert direct.shape == (3, 1)


@pytest.mark.parametrize("path", ["last_of_cat", "tokens_of_cow"])
def test_applications_are_exported(spec: Path, path: str, tmp_path: Path) -> None:
    for ending in ("safetensors", "pt2"):
        done = run("export", str(spec), "--path", path, "-o", str(tmp_path / f"{path}.{ending}"))
        assert "the largest difference is 0" in done
    opened = open_bundle(tmp_path / f"{path}.safetensors")
    pictures = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            opened(pictures), TransplantNetwork.open(spec).path(path)(pictures)
        )


def test_the_picture_shows_layouts(spec: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "layouts.svg"
    run("render", str(spec), "-o", str(drawn))
    text = drawn.read_text()
    assert "tokens → channels-last maps of 4x4 → 8x8" in unescape(text)
    run("render", str(spec), "-o", str(tmp_path / "layouts.html"))
    assert "channels-last maps" in (tmp_path / "layouts.html").read_text()
