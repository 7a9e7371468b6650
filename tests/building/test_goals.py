"""Networks and edges of every goal: trained, joined, measured, shown and drawn."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.colours import write_colours
from kit.specs import broken, build_of, plan_of, write_spec
from PIL import Image
from safetensors.torch import save_file

from legonet import TransplantNetwork
from legonet.building import Report
from legonet.cli.tables import error
from legonet.diagnostics import DiagnosticError
from legonet.graph import check_file
from legonet.modules.small import small_fcn
from legonet.network.prediction import MaskFiles

CUTS = """
category any { from: knows, until: "features.4" }
task answer { from: gives, after: "features.4" }
adapter any -> answer { data: pictures, unlabelled: 4, method: output_distillation(steps: 2) }
path p = any -> answer
"""

TRAINED = """
data pictures { source: manifest("."%s), size: 16 }
for name in ["knows", "gives"] {
  network ${name} {
    model: legonet.small_vgg(classes: %d, channels: 4)
    train { data: pictures, goal: %s, epochs: 1, batch_size: 8 }
  }
}
"""

READY = """
data pictures { source: folder("."), size: 16 }
for name in ["knows", "gives"] {
  network ${name} {
    model: legonet.small_fcn(classes: %d, channels: 4)
    weights: "${name}.safetensors"
    goal: %s
  }
}
"""


def write_manifest(folder: Path) -> None:
    """Write pictures of colours, what each shows, and how bright it is."""
    write_colours(folder, train=8, test=10)
    with (folder / "manifest.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "category", "split", "red", "bright"])
        for file in sorted(folder.rglob("*.png")):
            split, colour, _ = file.relative_to(folder).parts
            pixels = np.asarray(Image.open(file)) / 255
            shown = "background" if colour == "blue" else f"{colour} | shade" * (colour == "red")
            shown = shown or colour
            red, bright = pixels[..., 0].mean(), pixels.mean()
            table.writerow([file.relative_to(folder).as_posix(), shown, split, red, bright])


def write_ready(folder: Path, outputs: int) -> None:
    """Write pictures of colours, and two networks with random weights."""
    write_colours(folder)
    for seed, name in enumerate(("knows", "gives")):
        torch.manual_seed(seed)
        save_file(small_fcn(outputs, 4).state_dict(), folder / f"{name}.safetensors")


def certificate_of(report: Report) -> dict[str, Any]:
    """Return the certificate of the only edge, which may be no better than chance."""
    (edge,) = report.edges
    assert edge.artifact is not None, broken(report)
    return dict(edge.artifact.certificate)


def test_several_labels_at_once(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    spec = write_spec(tmp_path, TRAINED % ("", 3, "multilabel") + CUTS)
    metrics = certificate_of(build_of(spec))["metrics"]
    for role in ("", "teacher_", "donor_"):
        assert 0 <= metrics[f"{role}label_error_rate"] <= 1
        assert metrics[f"{role}mean_average_precision"] > 0
    assert error(metrics).endswith("% by label")
    network = TransplantNetwork.open(spec)
    assert network.labels("any", "answer") == ("green", "red", "shade")
    (found,) = network.predict(tmp_path / "test" / "red" / "0.png")
    logits = network.run(_tensor(tmp_path / "test" / "red" / "0.png"))["any", "answer"][0]
    assert list(found.probabilities.values()) == pytest.approx(logits.sigmoid().tolist(), abs=1e-5)
    yes = [name for name, logit in zip(found.probabilities, logits, strict=True) if logit > 0]
    assert found.answer == (", ".join(yes) or "nothing")


def test_numbers(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    text = TRAINED % (", targets: [bright, red]", 2, "regression") + CUTS
    report = build_of(write_spec(tmp_path, text.replace("unlabelled: 4", "samples: 4")))
    metrics = certificate_of(report)["metrics"]
    for role in ("", "teacher_", "donor_"):
        assert metrics[f"{role}mean_absolute_error"] > 0
        assert metrics[f"{role}r2"] <= 1
    assert " ± " in error(metrics)
    assert error(metrics).endswith(" MAE")
    network = TransplantNetwork.open(tmp_path / "small.lego")
    (found,) = network.predict(tmp_path / "test" / "red" / "0.png")
    logits = network.run(_tensor(tmp_path / "test" / "red" / "0.png"))["any", "answer"][0]
    assert dict(found.values) == pytest.approx(
        dict(zip(("bright", "red"), logits.tolist(), strict=True)), abs=1e-5
    )
    assert found.to_json()["values"] == dict(found.values)


@pytest.mark.parametrize(
    ("targets", "goal", "code"),
    [
        ("", "regression", "LEGO418"),
        (", targets: [age]", "regression", "LEGO402"),
        (', targets: ["category"]', "regression", "LEGO402"),
        (", targets: [red, bright]", "regression, category: red", "LEGO417"),
        ("", "multilabel, background: true", "LEGO417"),
    ],
)
def test_what_the_data_do_not_know_is_told(
    tmp_path: Path, targets: str, goal: str, code: str
) -> None:
    write_manifest(tmp_path)
    text = TRAINED % (targets, 2, goal)
    with pytest.raises(DiagnosticError) as caught:
        plan_of(
            write_spec(tmp_path, text.replace("classes: 2", "classes: 1") if "," in goal else text)
        )
    assert {item.code for item in caught.value.diagnostics} == {code}


def test_a_number_for_each_pixel(tmp_path: Path) -> None:
    write_ready(tmp_path, 1)
    spec = write_spec(tmp_path, READY % (1, "depth") + CUTS)
    metrics = certificate_of(build_of(spec))["metrics"]
    assert metrics["against_teacher_depth_error"] > 0
    assert "teacher_depth_error" not in metrics
    assert error(metrics).endswith(" MAE px vs teacher")
    (found,) = TransplantNetwork.open(spec).predict(tmp_path / "test" / "red" / "0.png")
    assert found.mask is not None
    assert found.mask.shape == (16, 16)
    assert found.mask.dtype == np.float32
    assert found.values["from"] <= found.values["mean"] <= found.values["to"]
    grey = np.asarray(found.mask_image())
    assert (grey.min(), grey.max()) == (0, 255)
    assert np.argmax(grey) == np.argmax(found.mask)
    written = MaskFiles(tmp_path / "out").write(found)
    assert sorted(written) == ["mask", "overlay"]


def test_points(tmp_path: Path) -> None:
    write_ready(tmp_path, 2)
    text = (READY % (2, "keypoints")).replace("goal:", "labels: [nose, tail]\n    goal:")
    spec = write_spec(tmp_path, text + CUTS)
    metrics = certificate_of(build_of(spec))["metrics"]
    assert 0 <= metrics["against_teacher_point_error"] <= 1
    network = TransplantNetwork.open(spec)
    (found,) = network.predict(tmp_path / "test" / "red" / "0.png")
    maps = network.run(_tensor(tmp_path / "test" / "red" / "0.png"))["any", "answer"][0]
    for name, heat in zip(("nose", "tail"), maps, strict=True):
        row, column = divmod(int(heat.argmax()), 16)
        assert found.points[name] == pytest.approx((column + 0.5, row + 0.5))
    assert sorted(MaskFiles(tmp_path / "out").write(found)) == ["overlay"]


KNOWN = """
data pictures { source: manifest(".", %s), size: 16 }
for name in ["knows", "gives"] {
  network ${name} {
    model: legonet.small_fcn(classes: %d, channels: 4)
    train { data: pictures, goal: %s, epochs: 2, batch_size: 8, learning_rate: 0.01 }
  }
}
"""


def write_answers(folder: Path) -> None:
    """Write pictures with a bright spot: where it is, and how bright each pixel is."""
    random = np.random.default_rng(0)
    with (folder / "manifest.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "split", "spot", "other", "bright"])
        for number in range(24):
            pixels = random.integers(0, 60, (16, 16, 3), np.uint8)
            row, column = random.integers(1, 14, 2).tolist()
            pixels[row : row + 3, column : column + 3] = 255
            Image.fromarray(pixels).save(folder / f"{number}.png")
            depths = pixels[..., 0].astype(np.uint16) * 100
            Image.fromarray(depths).save(folder / f"{number}_depth.png")
            split = ("train", "test")[number % 2]
            spot, other = f"{column + 1.5} {row + 1.5}", "" if number % 3 else "3 4"
            table.writerow([f"{number}.png", split, spot, other, f"{number}_depth.png"])


@pytest.mark.parametrize(
    ("source", "outputs", "goal", "figure"),
    [
        ("points: [spot, other]", 2, "keypoints", "point_error"),
        ("depth: bright, depth_unit: 0.0001", 1, "depth", "depth_error"),
    ],
)
def test_points_and_depths_of_the_data_are_learned_and_measured(
    tmp_path: Path, source: str, outputs: int, goal: str, figure: str
) -> None:
    write_answers(tmp_path)
    text = KNOWN % (source, outputs, goal) + CUTS.replace("unlabelled: 4", "samples: 4")
    report = build_of(write_spec(tmp_path, text))
    metrics = certificate_of(report)["metrics"]
    for role in ("", "teacher_", "donor_"):
        assert metrics[f"{role}{figure}"] >= 0
    assert not any(name.startswith("against") for name in metrics)
    for network in report.networks:
        assert network.artifact is not None
        curve = network.artifact.certificate["learned"]["loss_curve"]
        assert curve[-1] != curve[0]


def test_a_teacher_of_another_goal_is_refused(tmp_path: Path) -> None:
    text = READY.replace("goal: %s", "goal: depth").replace("%d", "1") + CUTS
    text = text.replace('for name in ["knows", "gives"]', 'for name in ["knows"]')
    text += 'network gives { model: legonet.small_fcn(classes: 1), weights: "g.safetensors" }'
    found = check_file(write_spec(tmp_path, text))[1]
    assert [item.code for item in found] == ["LEGO308", "LEGO313"]


def _tensor(file: Path) -> torch.Tensor:
    from legonet.data import to_tensor

    return to_tensor(np.asarray(Image.open(file))[None])
