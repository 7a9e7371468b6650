"""The figures beside scikit-learn, and beside formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scripted import Scripted, answered, pictures
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from legonet.distill.measure import measure
from legonet.goals import VOID
from legonet.goals.classification import Classification
from legonet.goals.figures.agreement import agreement
from legonet.goals.figures.calibration import calibration_error

with_ties = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-4, 4).map(lambda step: step / 2)),
    min_size=2,
    max_size=60,
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)


@given(with_ties)
def test_area_under_the_curve_is_that_of_scikit_learn_also_with_ties(
    pairs: list[tuple[int, float]],
) -> None:
    labels, logits = map(np.array, zip(*pairs, strict=True))
    found = answered(logits, pictures(labels)).metrics
    assert found["auc"] == pytest.approx(roc_auc_score(labels, logits), abs=1e-12)


@given(with_ties)
def test_no_threshold_errs_less_than_the_best(pairs: list[tuple[int, float]]) -> None:
    labels, logits = map(np.array, zip(*pairs, strict=True))
    found = answered(logits, pictures(labels)).metrics

    def error(threshold: float) -> float:
        return float(1 - balanced_accuracy_score(labels, logits > threshold))

    assert found["best_error_rate"] == pytest.approx(error(found["best_threshold"]), abs=1e-12)
    every = [error(threshold) for threshold in (-9.0, *np.unique(logits), 0.0)]
    assert found["best_error_rate"] == pytest.approx(min(every), abs=1e-12)
    if found["error_rate"] <= found["best_error_rate"] + 1e-9:
        assert found["best_threshold"] == 0


def test_a_threshold_that_is_off_is_found_between_the_two_kinds() -> None:
    found = answered([3.0, 4.0, 5.0, 1.0, 2.0], pictures([1, 1, 1, 0, 0])).metrics
    assert found["error_rate"] == 0.5
    assert (found["auc"], found["best_error_rate"], found["best_threshold"]) == (1.0, 0.0, 2.5)


def test_calibration_error_is_that_of_its_formula() -> None:
    random = np.random.default_rng(3)
    logits, labels = random.normal(0, 3, 400), random.integers(0, 2, 400)
    found = answered(logits, pictures(labels)).metrics["calibration_error"]
    probability = np.maximum(1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits)))
    right = (logits > 0) == labels
    expected = 0.0
    for number in range(15):
        inside = (probability > number / 15) & (probability <= (number + 1) / 15)
        if inside.any():
            distance = abs(probability[inside].mean() - right[inside].mean())
            expected += inside.mean() * distance
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_network_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    # Of 100 answers with a probability of 0.9 there are 90 right, of 50 with 0.6 there are 30.
    confidence = np.repeat([0.9, 0.6], [100, 50])
    right = np.concatenate([np.arange(100) < 90, np.arange(50) < 30])
    assert calibration_error(confidence, right) == pytest.approx(0, abs=1e-12)
    assert calibration_error(np.ones(10), np.arange(10) < 4) == pytest.approx(0.6)


def test_several_outputs_have_the_calibration_of_the_most_probable_label() -> None:
    outputs = torch.log(torch.tensor([[0.7, 0.2, 0.1]] * 10))
    test = pictures([0] * 7 + [1] * 3)
    found = measure(Scripted(outputs), test, Classification())
    assert found["calibration_error"] == pytest.approx(0, abs=1e-6)
    assert found["error_rate"] == pytest.approx(0.3)


def test_figures_of_a_categorys_pixels_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(5)
    masks = random.integers(0, 2, (40, 6, 6)).astype(np.uint8)
    masks[:, 0] = VOID
    logits = random.normal(masks == 1, 1.5)
    test = pictures([1, 0] * 20, masks)
    found = answered(logits, test).metrics
    shown = test.labels == 1
    known = masks[shown] != VOID
    true, scores = masks[shown][known], logits[shown][known]
    # Maps are kept in single precision, in which no two of these are equal.
    assert len(np.unique(scores.astype(np.float32))) == len(scores)
    assert found["precision"] == pytest.approx(precision_score(true, scores > 0), abs=1e-12)
    assert found["recall"] == pytest.approx(recall_score(true, scores > 0), abs=1e-12)
    assert found["auc"] == pytest.approx(roc_auc_score(true, scores), abs=1e-12)
    balanced = balanced_accuracy_score(true, scores > 0)
    assert found["balanced_pixel_accuracy"] == pytest.approx(balanced, abs=1e-12)
    best = max(accuracy_score(true, scores > threshold) for threshold in scores)
    assert found["best_pixel_accuracy"] == pytest.approx(best, abs=1e-12)
    for name in ("pixel_accuracy", "iou", "balanced_pixel_accuracy"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


@pytest.mark.parametrize("answer", [-1.0, 1.0])
def test_the_same_answer_to_every_pixel_has_a_balanced_accuracy_of_one_half(answer: float) -> None:
    masks = np.zeros((9, 4, 4), np.uint8)
    for number, mask in enumerate(masks):
        mask.flat[: number + 1] = 1
    found = answered(np.full(masks.shape, answer), pictures([1] * 9, masks)).metrics
    limits = [found[f"balanced_pixel_accuracy{limit}"] for limit in ("_low", "", "_high")]
    assert limits == [0.5, 0.5, 0.5]
    assert found["auc"] == 0.5


def test_every_n_th_of_many_pixels_is_put_into_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legonet.goals.figures.segmentation.MOST_PIXELS", 1000)
    random = np.random.default_rng(6)
    masks = random.integers(0, 2, (30, 20, 20)).astype(np.uint8)
    logits = random.normal(masks == 1, 1.0)
    found = answered(logits, pictures([1] * 30, masks)).metrics
    assert found["auc"] == pytest.approx(roc_auc_score(masks.ravel(), logits.ravel()), abs=0.05)
    assert found["best_pixel_accuracy"] >= 0.5


def test_agreement_is_balanced_over_the_teachers_answers() -> None:
    teacher = np.array([1] * 10 + [0] * 90)
    assert agreement(teacher, teacher) == 1.0
    assert agreement(np.zeros(100), teacher) == 0.5
    student = teacher.copy()
    student[:5] = 0
    assert agreement(student, teacher) == pytest.approx(balanced_accuracy_score(teacher, student))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_figures_that_need_finite_outputs_are_left_out(broken: float) -> None:
    found = answered([1.0, broken, -1.0, -2.0], pictures([1, 1, 0, 0]))
    assert found.not_finite == 0.25
    assert found.metrics.keys() == {"error_rate", "error_rate_low", "error_rate_high"}
