"""A detector of another package, made as YOLO's are, is cut, joined, measured and exported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from kit.specs import broken, build_of, write_spec
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import nms

from legonet import TransplantNetwork
from legonet.building.planning.shapes import check_shapes
from legonet.data import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.goals.boxes import LEAST_PROBABILITY
from legonet.goals.detection import Detection
from legonet.graph import load
from legonet.network.prediction import MaskFiles

PLUGIN = Path(__file__).parents[1] / "plugin"

SPEC = """
let cut = "backbone.1"
data shapes {
  source: manifest("pictures", boxes: where)
  size: 32
}
for n in ["0", "1"] {
  network net_${n} {
    model: tiny_yolo(classes: 2)
    weights: "net_${n}.safetensors"
    labels: [disc, frame]
  }
}
category shown { from: net_1, until: cut }
task same { from: net_1, after: cut }
task find { from: net_0, after: cut }
adapter shown -> same
adapter shown -> find {
  data: shapes
  unlabelled: 4
  method: output_distillation(steps: 2)
}
path boxes = shown -> same
path joined = shown -> find
"""

pytestmark = pytest.mark.xdist_group("yolo")


@pytest.fixture(scope="module", autouse=True)
def other_package() -> Iterator[None]:
    """Install the package of the detector."""
    sys.path.insert(0, str(PLUGIN))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(PLUGIN))


def network_of(seed: int) -> nn.Module:
    from tiny_yolo_network import Yolo

    torch.manual_seed(seed)
    return Yolo(2, 4).eval()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, other_package: None) -> Path:
    """A spec of two detectors, built."""
    folder = tmp_path_factory.mktemp("yolo")
    for seed in (0, 1):
        state = {name: tensor.clone() for name, tensor in network_of(seed).state_dict().items()}
        save_file(state, folder / f"net_{seed}.safetensors")
    random = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    lines = ["path,category,split,where"]
    for number in range(8):
        pixels = random.integers(0, 256, (40, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
        split = ("train", "test")[number // 4]
        lines.append(f"{number}.png,disc,{split},4 4 20 24; 10 10 30 38 frame")
    (folder / "pictures" / "manifest.csv").write_text("\n".join(lines) + "\n")
    report = build_of(write_spec(folder, SPEC))
    assert not broken(report)
    return folder / "small.lego"


def pictures_in(spec: Path) -> torch.Tensor:
    images = [
        Image.open(spec.parent / "pictures" / f"{number}.png").resize((32, 32), 2)
        for number in range(3)
    ]
    return to_tensor(np.stack([np.asarray(image) for image in images]))


def test_a_direct_edge_answers_like_the_network_itself(built: Path) -> None:
    pictures = pictures_in(built)
    with torch.no_grad():
        own = network_of(1)(pictures)
    found = TransplantNetwork.open(built)(pictures, category="shown", task="same")
    assert found.shape == (3, 6, 8 * 8 + 4 * 4)
    assert torch.equal(found, own)


def test_an_edge_is_measured_by_the_boxes_of_the_data(built: Path) -> None:
    (edge,) = (item for item in build_of(built).edges if item.artifact is not None)
    metrics = edge.artifact.certificate["metrics"]
    for role in ("", "teacher_", "donor_"):
        assert 0 <= metrics[f"{role}mean_average_precision"] <= 1
    assert not any(name.startswith("against") for name in metrics)


def test_boxes_are_those_that_suppression_by_hand_leaves(built: Path, tmp_path: Path) -> None:
    file = built.parent / "pictures" / "0.png"
    network = TransplantNetwork.open(built)
    (found,) = network.predict(file, paths="joined")
    (answer,) = network(pictures_in(built)[:1], category="shown", task="find")
    expected = []
    for label, logits in zip(("disc", "frame"), answer[4:], strict=True):
        edges, probabilities = answer[:4].T.clamp(0, 1), logits.sigmoid()
        kept = nms(edges, probabilities, 0.5)
        expected += [
            (float(probabilities[place]), label, *(edges[place] * torch.tensor([32, 40, 32, 40])))
            for place in kept
            if probabilities[place] > LEAST_PROBABILITY
        ]
    expected.sort(key=lambda box: -box[0])
    assert len(found.boxes) == min(len(expected), 100) > 5
    for box, (probability, label, *edges) in zip(found.boxes, expected, strict=False):
        assert box.label == label
        assert box.probability == pytest.approx(probability, abs=1e-5)
        assert box.edges == pytest.approx([float(edge) for edge in edges], abs=1e-3)
    assert sorted(MaskFiles(tmp_path).write(found)) == ["overlay"]


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_it_is_exported_with_all_its_boxes(built: Path, tmp_path: Path, suffix: str) -> None:
    written = TransplantNetwork.open(built).export("joined", tmp_path / f"joined{suffix}")
    assert written.difference < 1e-5
    assert written.description["output"]["shape"] == ["batch", 6, 80]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda answer: answer.transpose(1, 2), "LEGO314"),
        (lambda answer: answer[:, :, :64].unflatten(2, (8, 8)), "expected 2 axes"),
        (lambda answer: torch.cat([answer, answer[:, 5:]], 1), "found 3"),
        (lambda answer: (answer, answer), "LEGO511"),
    ],
)
def test_answers_in_another_form_are_told(
    built: Path, monkeypatch: pytest.MonkeyPatch, changed: object, told: str
) -> None:
    answer_with(monkeypatch, changed)
    found = check_shapes(load(built))
    assert any(told in f"{item.code} {item.message}" for item in found), found


def test_a_network_that_crops_its_pictures_is_refused(built: Path) -> None:
    text = SPEC.replace("labels:", "input { crop: 0.75 }\n    labels:")
    found = check_shapes(load(write_spec(built.parent, text, "crop.lego")))
    assert {item.code for item in found} == {"LEGO523"}
    assert "0.75 of its height" in found[0].message


def test_boxes_in_pixels_are_told() -> None:
    pixels = torch.rand(1, 6, 20)
    pixels[:, :4] *= 32
    with pytest.raises(DiagnosticError, match="LEGO534"):
        Detection().decide(pixels)
    few = torch.rand(1, 6, 20)
    few[:, 0, :3] = 40.0
    assert Detection().decide(few).shape == (1, 100, 6)
    unknown = torch.full((1, 6, 20), torch.nan)
    unknown[:, 4:] = 3.0
    assert (Detection().decide(unknown)[..., 5] == -1).all()


def answer_with(monkeypatch: pytest.MonkeyPatch, changed: object) -> None:
    """Change what the detector answers."""
    from tiny_yolo_network import Yolo

    forward = Yolo.forward
    monkeypatch.setattr(Yolo, "forward", lambda self, pictures: changed(forward(self, pictures)))
