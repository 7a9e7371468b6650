"""The figures of the goals, compared with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from legonet.data.pictures import Pictures
from legonet.distill.measure import as_taught, measured
from legonet.goals import GOALS, Goal, goal_named, goal_of
from legonet.goals.depth import Depth
from legonet.goals.keypoints import Keypoints
from legonet.goals.multilabel import Multilabel
from legonet.goals.regression import Regression

COUNT = 60


def pictures(values: np.ndarray | None = None) -> Pictures:
    """Return different pictures with these right answers."""
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 4, 3), dtype=np.uint8)
    return Pictures(images, np.zeros(COUNT, np.int64), values=values)


class Scripted(torch.nn.Module):
    """Gives prepared outputs."""

    def __init__(self, outputs: np.ndarray) -> None:
        super().__init__()
        self.outputs = torch.from_numpy(outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        assert len(inputs) == len(self.outputs)
        return self.outputs


def test_several_labels_are_several_questions() -> None:
    random = np.random.default_rng(1)
    truth = (random.random((COUNT, 3)) < (0.2, 0.5, 0.8)).astype(np.uint8)
    logits = (2 * truth - 1 + random.normal(0, 1.5, truth.shape)).astype(np.float32)
    found = measured(Scripted(logits), pictures(truth), Multilabel())
    wrong = [
        1 - reference.balanced_accuracy_score(truth[:, label], logits[:, label] > 0)
        for label in range(3)
    ]
    assert found.metrics["label_error_rate"] == pytest.approx(np.mean(wrong))
    assert found.metrics["mean_average_precision"] == pytest.approx(
        reference.average_precision_score(truth, logits)
    )
    assert found.metrics["mean_auc"] == pytest.approx(reference.roc_auc_score(truth, logits))
    assert not found.single
    assert found.chance is not None
    assert found.chance.constant == 0.5


@pytest.mark.parametrize("outputs", [1, 3])
def test_always_the_same_labels_are_no_better_than_chance(outputs: int) -> None:
    truth = (np.random.default_rng(1).random((COUNT, outputs)) < 0.1).astype(np.uint8)
    for answer in (-1.0, 1.0):
        constant = np.full((COUNT, outputs), answer, np.float32)
        found = measured(Scripted(constant), pictures(truth), Multilabel())
        assert found.metrics["label_error_rate"] == pytest.approx(0.5)
        assert found.chance is not None
        assert found.chance.is_reached


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_are_measured_by_their_distance(outputs: int) -> None:
    random = np.random.default_rng(2)
    truth = random.normal(50, 10, (COUNT, outputs)).astype(np.float32)
    answers = (truth + random.normal(0, 3, truth.shape)).astype(np.float32)
    found = measured(Scripted(answers), pictures(truth), Regression())
    assert found.metrics["mean_absolute_error"] == pytest.approx(
        reference.mean_absolute_error(truth, answers), rel=1e-5
    )
    assert found.metrics["r2"] == pytest.approx(reference.r2_score(truth, answers), rel=1e-4)
    low, high = (found.metrics[f"mean_absolute_error_{limit}"] for limit in ("low", "high"))
    assert low < found.metrics["mean_absolute_error"] < high
    assert found.chance is not None
    assert not found.chance.is_reached
    mean = np.broadcast_to(truth.mean(0), truth.shape).copy()
    same = measured(Scripted(mean), pictures(truth), Regression())
    assert same.metrics["r2"] == pytest.approx(0, abs=1e-5)
    assert same.chance is not None
    assert same.chance.is_reached


def test_a_teachers_numbers_per_pixel_stand_for_the_right_ones() -> None:
    random = np.random.default_rng(3)
    teacher = random.normal(2, 1, (COUNT, 1, 4, 4)).astype(np.float32)
    student = teacher + random.normal(0, 0.1, teacher.shape).astype(np.float32)
    taught = as_taught(pictures(), Scripted(teacher), Depth())
    found = measured(Scripted(student), taught, Depth())
    assert found.metrics["depth_error"] == pytest.approx(np.abs(student - teacher).mean(), rel=1e-4)
    assert found.metrics["r2"] == pytest.approx(
        reference.r2_score(teacher.ravel(), student.ravel()), rel=1e-4
    )


def test_points_are_off_where_they_are_far_away() -> None:
    def maps(rows: np.ndarray) -> np.ndarray:
        """Return maps of two points, at these rows of column 4."""
        heat = np.zeros((COUNT, 2, 20, 10), np.float32)
        for number, pair in enumerate(rows):
            for point, row in enumerate(pair):
                heat[number, point, row, 4] = 1
        return heat

    rows = np.random.default_rng(4).integers(0, 15, (COUNT, 2))
    taught = as_taught(pictures(), Scripted(maps(rows)), Keypoints())
    assert taught.values is not None
    assert np.allclose(taught.values[:, :, 0], (rows + 0.5) / 20)
    assert np.allclose(taught.values[:, :, 1], 4.5 / 10)
    moved = rows.copy()
    moved[:15, 0] += 3  # 3 of 20 rows are more than a tenth
    moved[15:, 1] += 1  # and 1 is less
    found = measured(Scripted(maps(moved)), taught, Keypoints())
    assert found.metrics["point_error"] == pytest.approx(15 / 120)
    expected = (15 * 3 + 45 * 1) / 20 / 120
    assert found.metrics["mean_distance"] == pytest.approx(expected, rel=1e-5)


def test_depths_that_are_not_known_do_not_count() -> None:
    random = np.random.default_rng(5)
    truth = random.normal(2, 1, (COUNT, 4, 4)).astype(np.float32)
    answers = (truth + random.normal(0, 0.3, truth.shape))[:, None].astype(np.float32)
    truth[random.random(truth.shape) < 0.4] = np.nan
    truth[:, 0, 0] = 1.0
    known = np.isfinite(truth)
    found = measured(Scripted(answers), pictures(truth), Depth())
    expected, told = truth[known], answers[:, 0][known]
    assert found.metrics["depth_error"] == pytest.approx(np.abs(told - expected).mean(), rel=1e-4)
    assert found.metrics["r2"] == pytest.approx(reference.r2_score(expected, told), rel=1e-4)
    assert found.chance is not None
    away = np.abs(expected - expected.mean()).mean()
    assert found.chance.constant == pytest.approx(away, rel=1e-4)
    outputs = torch.from_numpy(answers).requires_grad_()
    loss = Depth().loss(outputs, torch.from_numpy(truth))
    assert loss.item() == pytest.approx(np.square(told - expected).mean(), rel=1e-4)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert np.array_equal(gradient[:, 0].numpy() != 0, known & (answers[:, 0] != truth))


def test_points_that_are_not_known_do_not_count() -> None:
    random = np.random.default_rng(6)
    heat = random.random((COUNT, 3, 10, 10)).astype(np.float32)
    truth = Keypoints().decide(torch.from_numpy(heat)).numpy()
    wrong = random.random((COUNT, 3)) < 0.3
    truth[wrong, 0] = (truth[wrong, 0] + 0.5) % 1
    unknown = random.random((COUNT, 3)) < 0.4
    truth[unknown] = np.nan
    found = measured(Scripted(heat), pictures(truth), Keypoints())
    share = wrong[~unknown].mean()
    assert found.metrics["point_error"] == pytest.approx(share)
    assert found.metrics["mean_distance"] == pytest.approx(share / 2, rel=1e-5)
    outputs = torch.from_numpy(heat).requires_grad_()
    loss = Keypoints().loss(outputs, torch.from_numpy(truth))
    known = ~unknown
    places = torch.from_numpy((truth[known] * 10).astype(np.int64))
    alone = torch.nn.functional.cross_entropy(
        outputs.flatten(2)[torch.from_numpy(known)], places[:, 0] * 10 + places[:, 1]
    )
    assert loss.item() == pytest.approx(alone.item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient.isfinite().all()
    assert not gradient[torch.from_numpy(unknown)].any()


@pytest.mark.parametrize("goal", [Depth(), Keypoints()], ids=str)
def test_a_loss_of_nothing_known_is_zero(goal: Goal) -> None:
    outputs = torch.randn(2, 3, 4, 4, requires_grad=True)
    shape = (2, 4, 4) if isinstance(goal, Depth) else (2, 3, 2)
    loss = goal.loss(outputs, torch.full(shape, torch.nan))
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", GOALS.names)
def test_a_loss_is_least_where_the_student_is_the_teacher(name: str) -> None:
    goal = goal_named(name)
    torch.manual_seed(0)
    shape = (4, *goal.answer_shape(3, 6))
    taught = torch.randn(shape)
    student = torch.randn(shape, requires_grad=True)
    best = goal.teacher_loss(taught, taught, 2.0)
    loss = goal.teacher_loss(student, taught, 2.0)
    assert float(best) < float(loss.detach())
    (gradient,) = torch.autograd.grad(loss, student)
    assert float(goal.teacher_loss(student - 1e-2 * gradient, taught, 2.0).detach()) < float(
        loss.detach()
    )
    answered = goal.decide(taught)
    assert len(answered) == 4
    assert goal.agreement(answered.numpy(), answered.numpy()) == 1


def test_each_goal_is_known_by_its_own_figure() -> None:
    for name in GOALS.names:
        goal = goal_named(name)
        for figure in (goal.figure, goal.against_teacher):
            found = goal_of({figure: 0.25})
            assert found is not None
            assert found.name == name
