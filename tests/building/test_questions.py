"""An edge is taught and measured on its task module's own question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.colours import COLOURS, loaded, write_colours, write_namers
from kit.specs import broken, build_of, plan_of, write_spec
from safetensors.torch import load_file, save_file

from legonet import TransplantNetwork
from legonet.building import EdgeStep, Report
from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.shapes import check_shapes
from legonet.cli.tables import error
from legonet.data import open_source, to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.graph import check_file, load
from legonet.language.sources import SOURCES
from legonet.modules.small import small_fcn

SPEC = """
data colours { source: folder("."), size: 16 }
network knows {
  model: legonet.small_vgg(classes: 3, channels: 3)
  weights: "knows.safetensors"
  labels: [blue, red, green]
}
network gives {
  model: legonet.small_vgg(classes: 3, channels: 3)
  weights: "gives.safetensors"
  labels: [blue, red, green]
}
category any { from: knows, until: "features.4" }
task which { from: gives, after: "features.4" }
adapter any -> which { data: colours, unlabelled: 4, method: stitching() }
path p = any -> which
"""
"""Outputs in another order than the categories of the data, which are blue, green and red."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with pictures and networks."""
    write_colours(tmp_path)
    write_namers(tmp_path, knows=(2, 0, 1), gives=(2, 0, 1))
    return tmp_path


def metrics_of(report: Report) -> dict[str, Any]:
    """Return the figures of the only edge."""
    assert broken(report) == []
    (edge,) = report.edges
    assert isinstance(edge.step, EdgeStep)
    return dict(report.metrics(edge))


def test_labels_are_matched_by_name_and_not_by_number(folder: Path) -> None:
    spec = write_spec(folder, SPEC)
    metrics = metrics_of(build_of(spec))
    # By number, a third of the colours would be right at most.
    for role in ("", "teacher_", "donor_"):
        assert metrics[f"{role}error_rate"] == 0
    assert metrics["error_rate_high"] == pytest.approx(0.0964, abs=1e-3)  # Wilson, 36 pictures
    network = TransplantNetwork.open(spec)
    for colour in COLOURS:
        (found,) = network.predict(folder / "test" / colour / "0.png")
        assert found.answer == colour
        assert list(found.probabilities) == ["blue", "red", "green"]


def test_an_edge_is_measured_as_the_donor_measures_itself(folder: Path) -> None:
    write_namers(folder, knows=(2, 0, 1), gives=(2, 1, 0))  # it takes red for green
    metrics = metrics_of(build_of(write_spec(folder, SPEC)))
    source = open_source(SOURCES.get("folder")(directory=folder))
    examples = source.examples("test")
    images, _ = source.read("test", examples, 16)
    truth = np.array([("blue", "red", "green").index(example.shows[0]) for example in examples])
    answers = loaded((2, 1, 0))(to_tensor(images)).argmax(1).numpy()
    assert metrics["donor_error_rate"] == pytest.approx((answers != truth).mean())
    assert metrics["donor_error_rate"] == pytest.approx(2 / 3)


def test_labels_that_the_data_do_not_know_leave_the_teachers_answers(folder: Path) -> None:
    spec = write_spec(folder, SPEC.replace("[blue, red, green]", "[sky, rose, grass]"))
    metrics = metrics_of(build_of(spec))
    assert metrics["against_teacher_error_rate"] == 0
    assert metrics["donor_against_teacher_error_rate"] == 0
    assert not any("error_rate" in name and "against" not in name for name in metrics)
    assert error(metrics).endswith("vs teacher")
    assert error(metrics, "teacher") == ""
    write_namers(folder, gives=(2, 1, 0))
    metrics = metrics_of(build_of(spec))
    assert metrics["donor_against_teacher_error_rate"] == pytest.approx(2 / 3)


def test_labelled_pictures_of_other_labels_are_refused(folder: Path) -> None:
    text = SPEC.replace("[blue, red, green]", "[sky, rose, grass]")
    with pytest.raises(DiagnosticError) as caught:
        plan_of(write_spec(folder, text.replace("unlabelled: 4", "samples: 4")))
    assert [item.code for item in caught.value.diagnostics] == ["LEGO315"]


@pytest.mark.parametrize(
    ("labels", "pictures", "shown"),
    [("", 36, None), ("labels: [red, blue]", 24, 1 / 2), ("labels: [red]", 12, None)],
)
def test_a_category_may_have_some_of_the_labels(
    folder: Path, labels: str, pictures: int, shown: float | None
) -> None:
    write_namers(folder, gives=(2, 1, 0))
    text = SPEC.replace('until: "features.4" }', f'until: "features.4", {labels} }}', 1)
    metrics = metrics_of(build_of(write_spec(folder, text)))
    assert metrics["teacher_error_rate"] == 0
    # The Wilson interval of no error tells how many pictures there were.
    square = 1.96**2
    assert metrics["teacher_error_rate_high"] == pytest.approx(
        square / (pictures + square), abs=1e-3
    )
    if shown is not None:
        assert metrics["donor_error_rate"] == pytest.approx(shown)


def test_labels_are_part_of_an_edges_key_and_not_of_a_networks(folder: Path) -> None:
    first = plan_of(write_spec(folder, SPEC))
    other = plan_of(write_spec(folder, SPEC.replace("[blue, red, green]", "[red, blue, green]")))
    assert [step.key for step in first.networks] == [step.key for step in other.networks]
    assert first.edges[0].key != other.edges[0].key


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("labels: [blue, red, green]\n}\ncategory", "labels: [red, blue, green]\n}\ncategory", 313),
        ("labels: [blue, red, green]\n}\ncategory", "}\ncategory", None),
        ('until: "features.4"', 'until: "features.4", labels: [pink]', 411),
        ("data: colours, unlabelled: 4", "data: colours, samples: 60", None),
    ],
)
def test_what_cannot_be_compared_is_refused(
    folder: Path, old: str, new: str, code: int | None
) -> None:
    found = check_shapes(load(write_spec(folder, SPEC.replace(old, new))))
    assert [item.code for item in found] == ([] if code is None else [f"LEGO{code}"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("classes: 3, channels: 3", "classes: 1, channels: 3"),
        ("classes: 3, channels: 3", "classes: 4, channels: 3"),
    ],
)
def test_another_number_of_outputs_is_refused_without_torch(
    tmp_path: Path, old: str, new: str
) -> None:
    text = SPEC.replace(old, new, 1).replace("  labels: [blue, red, green]\n", "")
    found = check_file(write_spec(tmp_path, text))[1]
    assert [item.code for item in found] == ["LEGO313"]


def test_several_outputs_that_the_spec_does_not_mention_are_refused(folder: Path) -> None:
    text = SPEC.replace("legonet.small_vgg(classes: 3, channels: 3)", "torchvision.resnet18()")
    text = text.replace("labels: [blue, red, green]", "labels: [a, b]").replace(
        "features.4", "layer1"
    )
    found = check_shapes(load(write_spec(folder, text)), networks=())
    assert {item.code for item in found} == {"LEGO314"}


@pytest.mark.parametrize(
    "method",
    [
        "transplant(steps: 2)",
        "output_distillation(steps: 2, init: stitching)",
        "ordinary_learning(steps: 2, init: stitching)",
        "back_distillation(steps: 2, pairs: 16)",
    ],
)
def test_every_method_teaches_several_labels(folder: Path, method: str) -> None:
    text = SPEC.replace("stitching()", method).replace("unlabelled: 4", "samples: 6, unlabelled: 3")
    report = build_of(write_spec(folder, text))
    metrics = metrics_of(report)
    assert metrics["error_rate"] < 0.1
    (edge,) = report.edges
    assert edge.artifact is not None
    # Several labels have no threshold that a scale and an offset could correct.
    assert edge.artifact.certificate["learned"]["calibration"] is None


def test_one_output_may_stand_for_several_labels(folder: Path) -> None:
    text = """
    data colours { source: folder("."), size: 16 }
    for name in ["one", "other"] {
      network ${name} {
        model: legonet.small_vgg(classes: 1, channels: 3)
        train { data: colours, category: red, epochs: 1, batch_size: 8 }
      }
    }
    category warm { from: one, until: "features.4", labels: [red, green] }
    task is_it { from: other, after: "features.4" }
    adapter warm -> is_it { samples: 6, method: stitching() }
    """
    plan = plan_of(write_spec(folder, text))
    dataset = TaskDatasets().of_edge(plan.edges[0].edge)
    assert dataset is not None
    pictures = dataset.read("test")
    shown = [example.shows[0] for example in dataset.source.examples("test")]
    assert pictures.labels.tolist() == [int(name in ("red", "green")) for name in shown]
    # The name of a category module counts for nothing where its labels are given.
    renamed = plan_of(write_spec(folder, text.replace("warm", "hot"), "renamed.lego"))
    assert [step.key for step in renamed.edges] == [step.key for step in plan.edges]


SEGMENTING = """
data digits { source: digits(), size: 16 }
for name in ["knows", "gives"] {
  network ${name} {
    model: legonet.small_fcn(classes: 3, channels: 2)
    weights: "${name}.safetensors"
    labels: ["7", background, "2"]
  }
}
category any { from: knows, until: "features.4" }
task outline { from: gives, after: "features.4" }
adapter any -> outline { data: digits, samples: 6, method: ordinary_learning(steps: 2) }
"""


def test_pixels_of_labels_that_the_task_does_not_know_are_void(tmp_path: Path) -> None:
    for seed, name in enumerate(("knows", "gives")):
        torch.manual_seed(seed)
        save_file(small_fcn(3, 2).state_dict(), tmp_path / f"{name}.safetensors")
    report = build_of(write_spec(tmp_path, SEGMENTING))
    (edge,) = report.edges
    assert isinstance(edge.step, EdgeStep)
    dataset = TaskDatasets().of_edge(edge.step.edge)
    assert dataset is not None
    pictures = dataset.read("test")
    source = dataset.source
    wanted = ((), ("2",), ("7",))
    examples = [item for item in source.examples("test") if item.shows in wanted]
    _, masks = source.read("test", examples, 16, ["2", "7"])
    assert masks is not None
    assert pictures.masks is not None
    assert np.array_equal(pictures.masks, np.array([1, 2, 0], np.uint8)[masks])
    # The donor's figures are those that any implementation finds.
    network = small_fcn(3, 2)
    torch.manual_seed(1)
    network.load_state_dict(load_file(tmp_path / "gives.safetensors"))
    with torch.no_grad():
        answered = network.eval()(to_tensor(pictures.images)).argmax(1).numpy()
    metrics = report.metrics(edge)
    assert metrics["donor_pixel_accuracy"] == pytest.approx((answered == pictures.masks).mean())
    each = [
        ((answered == label) & (pictures.masks == label)).sum()
        / ((answered == label) | (pictures.masks == label)).sum()
        for label in range(3)
    ]
    assert metrics["donor_iou"] == pytest.approx(np.mean(each))
