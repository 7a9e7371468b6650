"""Boxes: what is decided, how it is measured and taught, and a detector's edges end to end."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from kit.commands import document, legonet
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors.torch import save_file
from torch import Tensor
from torchvision.ops import box_iou

from legonet import TransplantNetwork
from legonet.cli.tables import error
from legonet.data import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.goals.boxes import MOST_BOXES, REGION, decided, detection
from legonet.goals.detection import Detection
from legonet.goals.picture_answer import PictureAnswer
from legonet.language.models import LibraryModel
from legonet.modules.models import instantiate

GOAL = Detection()


def outputs(boxes: list[tuple[float, ...]], logits: list[list[float]]) -> Tensor:
    """Return the answer about one picture, ``(1, 4 + K, A)``."""
    return torch.cat([torch.tensor(boxes), torch.tensor(logits)], 1).T[None]


FIGURE = "mean_average_precision"

LEFT, RIGHT, NEAR_LEFT = (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9), (0.02, 0.0, 0.42, 0.4)


def test_of_boxes_of_one_label_that_overlap_the_surest_is_kept() -> None:
    (found,) = decided(outputs([LEFT, NEAR_LEFT, RIGHT], [[2.0, -9.0], [3.0, 1.0], [-9.0, 0.5]]))
    assert found.shape == (MOST_BOXES, 6)
    kept = found[found[:, 5] >= 0]
    assert kept[:, 5].tolist() == [0, 1, 1]
    expected = torch.tensor([3.0, 1.0, 0.5]).sigmoid()
    assert torch.allclose(kept[:, 4], expected)
    assert torch.allclose(kept[:, :4], torch.tensor([NEAR_LEFT, NEAR_LEFT, RIGHT]))


def test_the_precision_is_that_of_coco() -> None:
    truth = decided(outputs([LEFT, RIGHT], [[5.0], [5.0]])).numpy()
    same = detection(truth, truth)
    assert same["mean_average_precision"] == pytest.approx(1)
    # One of two objects is found, and nothing else: half of the recall, and precision 1 up to it.
    half = detection(decided(outputs([LEFT], [[5.0]])).numpy(), truth)
    assert half["mean_average_precision"] == pytest.approx(51 / 101)
    # The overlap decides at how many of the ten thresholds from 0.5 to 0.95 a box is right.
    overlap = float(box_iou(torch.tensor([LEFT]), torch.tensor([NEAR_LEFT])))
    right = sum(overlap >= 0.5 + 0.05 * step for step in range(10)) / 10
    near = decided(outputs([NEAR_LEFT], [[5.0]])).numpy()
    one = decided(outputs([LEFT], [[5.0]])).numpy()
    assert detection(near, one)["mean_average_precision"] == pytest.approx(right)
    assert 0 < right < 1


def test_a_crowd_is_neither_right_nor_wrong() -> None:
    crowd = (0.5, 0.5, 1.0, 1.0)
    truth = np.array([[[*LEFT, 1, 0], [*crowd, REGION, 0], [0, 0, 0, 0, 0, -1]]], np.float32)
    answers = decided(outputs([LEFT, RIGHT], [[3.0], [5.0]])).numpy()
    assert detection(answers, truth)["mean_average_precision"] == pytest.approx(1)
    outside = decided(outputs([LEFT, (0.0, 0.5, 0.4, 0.9)], [[3.0], [5.0]])).numpy()
    assert detection(outside, truth)["mean_average_precision"] == pytest.approx(0.5)
    with pytest.raises(DiagnosticError, match="names one"):
        detection(answers, truth[:, 1:])


def test_the_figures_are_those_of_pycocotools() -> None:
    """Random boxes in several pictures, some of them crowds, as COCO's own code measures them."""
    random = np.random.default_rng(0)

    def boxes(count: int) -> np.ndarray:
        corners = random.random((count, 2)) * 0.6
        return np.concatenate([corners, corners + 0.1 + 0.3 * random.random((count, 2))], 1)

    truth = np.zeros((6, 9, 6), np.float32)
    truth[..., 5] = -1
    answers = truth.copy()
    for rows, found in zip(truth, answers, strict=True):
        rows[:7, :4], rows[:7, 4], rows[:7, 5] = boxes(7), 1, random.integers(0, 3, 7)
        rows[6, 4] = REGION
        found[:7, :4] = rows[:7, :4] + 0.03 * random.standard_normal((7, 4))
        found[7:, :4] = boxes(2)
        found[:, 4], found[:7, 5] = np.sort(random.random(9))[::-1], rows[:7, 5]
        found[7:, 5] = random.integers(0, 3, 2)
    reference = COCO()
    reference.dataset = {
        "images": [{"id": place} for place in range(6)],
        "categories": [{"id": number} for number in range(3)],
        "annotations": [
            {"id": 1 + 9 * place + number, "image_id": place, "category_id": int(row[5])}
            | {"bbox": bbox(row), "area": float(np.prod(bbox(row)[2:]))}
            | {"iscrowd": int(row[4] == REGION)}
            for place, rows in enumerate(truth)
            for number, row in enumerate(rows[:7])
        ],
    }
    told = [
        [place, *bbox(row), row[4], row[5]] for place, rows in enumerate(answers) for row in rows
    ]
    with redirect_stdout(StringIO()):
        reference.createIndex()
        evaluated = COCOeval(reference, reference.loadRes(np.array(told)), "bbox")
        evaluated.evaluate()
        evaluated.accumulate()
        evaluated.summarize()
    found = detection(answers, truth)
    assert found["mean_average_precision"] == pytest.approx(evaluated.stats[0], abs=1e-5)
    assert found["mean_average_precision_50"] == pytest.approx(evaluated.stats[1], abs=1e-5)
    assert 0.05 < evaluated.stats[0] < 0.95


def bbox(row: np.ndarray) -> list[float]:
    """Return the left and upper edge, the width and the height of a box, in pixels."""
    left, top, right, lower = (1000 * row[:4]).tolist()
    return [left, top, right - left, lower - top]


def test_nothing_can_be_measured_where_nothing_is_right() -> None:
    nothing = decided(outputs([LEFT], [[-3.0]])).numpy()
    with pytest.raises(DiagnosticError, match="names one"):
        detection(nothing, nothing)


def test_the_distance_from_a_teacher_is_least_at_its_own_answers() -> None:
    torch.manual_seed(0)
    taught = torch.randn(2, 6, 9).requires_grad_()
    own = taught.detach().clone().requires_grad_()
    GOAL.teacher_loss(own, taught.detach(), 1.0).backward()
    assert own.grad is not None
    assert own.grad.abs().max() < 1e-6
    away = GOAL.teacher_loss(own + torch.randn_like(own), taught, 1.0)
    assert away > GOAL.teacher_loss(own, taught, 1.0)


def test_an_edge_of_a_box_that_shows_no_object_does_not_matter() -> None:
    taught = outputs([LEFT, RIGHT], [[20.0], [-20.0]])
    moved = outputs([LEFT, LEFT], [[20.0], [-20.0]])
    missed = outputs([RIGHT, RIGHT], [[20.0], [-20.0]])
    base = GOAL.teacher_loss(taught, taught, 1.0)
    assert GOAL.teacher_loss(moved, taught, 1.0) == pytest.approx(float(base), abs=1e-6)
    assert GOAL.teacher_loss(missed, taught, 1.0) > base + 0.4


def test_boxes_are_told_and_drawn_in_the_pixels_of_the_picture() -> None:
    answer = GOAL.about_picture(
        outputs([LEFT, RIGHT], [[5.0, -9.0], [-9.0, 3.0]])[0].numpy(), ("cat", "dog"), (200, 100)
    )
    assert answer.answer == "1 cat, 1 dog"
    assert answer.boxes[1].edges == pytest.approx((100, 50, 180, 90))
    picture = Image.new("RGB", (200, 100))
    painted = np.asarray(GOAL.paint(picture.copy(), answer))
    assert painted[88:90, 101:178].any((0, 2)).all(), "the lower edge of the dog's box"
    assert not painted[75, 150].any(), "inside of a box"
    assert GOAL.paint(picture.copy(), PictureAnswer(None)) == picture


SPEC = """
data shapes {
  source: manifest("pictures")
  size: 64
}
for n in ["0", "1"] {
  network net_${n} {
    model: torchvision.ssdlite320_mobilenet_v3_large(num_classes: 3)
    weights: "net_${n}.safetensors"
    labels: ["disc", "frame"]
  }
}
category shown { from: net_1, until: "backbone.features.0.2" }
task same { from: net_1, after: "backbone.features.0.2" }
task find { from: net_0, after: "backbone.features.0.2" }
adapter shown -> same
adapter shown -> find {
  data: shapes
  unlabelled: 4
  method: output_distillation(steps: 2)
}
path boxes = shown -> same
data boxed {
  source: manifest("pictures", boxes: where)
  size: 64
}
category seen { from: net_1, until: "backbone.features.0.2" }
adapter seen -> find {
  data: boxed
  unlabelled: 4
  method: output_distillation(steps: 2)
}
"""


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec of two detectors, built."""
    folder = tmp_path_factory.mktemp("detectors")
    model = LibraryModel(
        library="torchvision",
        name="ssdlite320_mobilenet_v3_large",
        arguments={"num_classes": 3},
    )
    for seed in (0, 1):
        state = instantiate(model, seed=seed).state_dict()
        for name, tensor in state.items():
            if "classification_head" in name and name.endswith("1.bias"):
                # Random networks see no objects; these see discs at some places.
                tensor[1::3] = torch.linspace(-6, 3, len(tensor[1::3]))
        save_file(state, folder / f"net_{seed}.safetensors")
    random = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    lines = ["path,category,split,where"]
    for number in range(8):
        pixels = random.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
        category = ("disc", "background")[number % 2]
        where = "8 8 40 40; 30 20 60 60" if category == "disc" else ""
        lines.append(f"{number}.png,{category},{('train', 'test')[number // 4]},{where}")
    (folder / "pictures" / "manifest.csv").write_text("\n".join(lines) + "\n")
    (folder / "spec.lego").write_text(SPEC)
    finished = legonet(folder, "build", "spec.lego", "--executor", "threads", "--jobs", "1")
    assert finished.returncode in (0, 3), finished.stderr
    return folder


@pytest.mark.xdist_group("detectors")
def test_an_edge_of_detectors_is_taught_and_measured_against_its_teacher(detectors: Path) -> None:
    found = document(legonet(detectors, "inspect", "spec.lego", "--json"))
    edges = {(edge["category"], edge["task"]): edge for edge in found["edges"]}
    assert 0 <= edges["shown", "find"]["metrics"][f"against_teacher_{FIGURE}"] <= 1


@pytest.mark.xdist_group("detectors")
def test_an_edge_of_detectors_is_measured_by_the_boxes_of_the_data(detectors: Path) -> None:
    found = document(legonet(detectors, "inspect", "spec.lego", "--json"))
    (edge,) = (edge for edge in found["edges"] if edge["category"] == "seen")
    assert not any(name.startswith("against") for name in edge["metrics"])
    network = TransplantNetwork.open(detectors / "spec.lego")
    pictures = [
        np.asarray(Image.open(detectors / "pictures" / f"{number}.png")) for number in range(4, 8)
    ]
    answers = network(to_tensor(np.stack(pictures)), category="seen", task="find")
    disc = [8, 8, 40, 40], [30, 20, 60, 60]
    expected = np.zeros((4, 2, 6), np.float32)
    expected[..., 5] = -1
    expected[::2] = [[*(side / 64 for side in box), 1, 0] for box in disc]
    figure = detection(decided(answers).numpy(), expected)
    assert edge["metrics"][FIGURE] == pytest.approx(figure[FIGURE], abs=1e-6)
    assert {f"teacher_{FIGURE}", f"donor_{FIGURE}"} <= set(edge["metrics"])
    assert "vs teacher" not in error(edge["metrics"])


@pytest.mark.xdist_group("detectors")
def test_samples_for_a_detector_are_refused(detectors: Path) -> None:
    text = SPEC.replace("unlabelled: 4", "unlabelled: 2, samples: 2").replace("shapes", "boxed_")
    (detectors / "samples.lego").write_text(text)
    finished = legonet(detectors, "check", "samples.lego", "--shapes")
    assert finished.stderr.count("error[LEGO315]") == 2, finished.stderr


@pytest.mark.xdist_group("detectors")
def test_boxes_are_predicted_and_drawn(detectors: Path) -> None:
    arguments = ("predict", "spec.lego", "pictures/0.png", "--path", "boxes")
    finished = legonet(detectors, *arguments, "--output", "drawn", "--json")
    assert finished.returncode == 0, finished.stderr
    (answer,) = document(finished)["predictions"]
    assert {box["label"] for box in answer["boxes"]} == {"disc"}
    assert all(0 <= edge <= 64 for box in answer["boxes"] for edge in box["edges"])
    assert Path(detectors / answer["overlay"]).is_file()
    assert "1 picture in drawn" in finished.stderr
