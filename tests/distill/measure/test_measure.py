from __future__ import annotations

import numpy as np
import pytest
import torch
from scripted import Scripted
from sklearn.metrics import balanced_accuracy_score, jaccard_score
from torch import nn

from legonet.data.pictures import Pictures
from legonet.diagnostics import DiagnosticError
from legonet.distill.measure import measure
from legonet.goals import VOID, Goal
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation


def pictures(labels: list[int], size: int = 4, masks: bool = False) -> Pictures:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (len(labels), size, size, 3), dtype=np.uint8)
    shown = random.integers(0, 2, (len(labels), size, size), dtype=np.uint8)
    shown[:, 0] = VOID
    return Pictures(images, np.array(labels), shown if masks else None)


def black_and_white() -> Pictures:
    """A black background picture and a white one of the category."""
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    images[1] = 255
    return Pictures(images, np.array([0, 1]))


@pytest.mark.parametrize("answer", [-1.0, 1.0])
def test_the_same_answer_to_everything_scores_one_half(answer: float) -> None:
    few_of_the_category = pictures([1] * 3 + [0] * 297)
    network = Scripted(torch.full((300, 1), answer))
    assert measure(network, few_of_the_category, Classification())["error_rate"] == 0.5


def test_error_of_one_output_is_that_of_balanced_accuracy() -> None:
    random = np.random.default_rng(1)
    labels = (random.random(500) < 0.2).astype(int)
    outputs = torch.from_numpy(random.normal(labels - 0.5, 1.0))[:, None]
    found = measure(Scripted(outputs), pictures(labels.tolist()), Classification())
    expected = 1 - balanced_accuracy_score(labels, outputs[:, 0].numpy() > 0)
    assert found["error_rate"] == pytest.approx(expected, abs=1e-12)


def test_error_of_several_outputs_is_top_1() -> None:
    outputs = torch.tensor([[3.0, 1, 0], [0, 1, 2], [0, 1, 0], [5, 1, 0]])
    found = measure(Scripted(outputs), pictures([0, 2, 1, 1]), Classification())
    assert found["error_rate"] == 0.25
    assert not found.keys() & {"auc", "best_error_rate", "best_threshold"}


def test_segmentation_of_a_category_counts_its_pictures_and_no_void() -> None:
    random = np.random.default_rng(2)
    test = pictures([1, 0] * 100, masks=True)
    outputs = torch.from_numpy(random.normal(size=(200, 1, 4, 4)))
    found = measure(Scripted(outputs), test, Segmentation())
    assert test.masks is not None
    shown = test.labels == 1
    known = test.masks[shown] != VOID
    true, answered = test.masks[shown][known], (outputs[:, 0].numpy()[shown] > 0)[known]
    assert found["pixel_accuracy"] == pytest.approx((true == answered).mean(), abs=1e-12)
    assert found["iou"] == pytest.approx(jaccard_score(true, answered), abs=1e-12)


def test_segmentation_with_several_labels_is_the_mean_over_those_that_occur() -> None:
    test = pictures([0] * 20, masks=True)
    outputs = torch.randn(20, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    outputs[:, 4] = -100
    found = measure(Scripted(outputs), test, Segmentation())
    assert test.masks is not None
    known = test.masks != VOID
    true, answered = test.masks[known], outputs.argmax(1).numpy()[known]
    expected = jaccard_score(true, answered, average=None, labels=[0, 1, 2, 3], zero_division=0)
    assert found["iou"] == pytest.approx(expected.mean(), abs=1e-12)


def test_a_network_is_measured_in_evaluation_and_put_back() -> None:
    # In training this dropout leaves nothing, and the answer is always the background.
    network = nn.Sequential(nn.Flatten(), nn.Dropout(1.0), nn.Linear(48, 1))
    nn.init.ones_(network[2].weight)
    nn.init.zeros_(network[2].bias)
    network.train()
    assert measure(network, black_and_white(), Classification())["error_rate"] == 0.0
    assert network.training


def test_a_function_is_measured_too() -> None:
    found = measure(lambda inputs: inputs.mean((2, 3))[:, :1], pictures([0, 1]), Classification())
    assert 0 <= found["error_rate"] <= 1


@pytest.mark.parametrize(
    ("test", "goal", "what"),
    [
        (pictures([]), Classification(), "pictures"),
        (pictures([0, 1]), Segmentation(), "masks"),
        (pictures([0, 0], masks=True), Segmentation(), "pictures of the category"),
    ],
)
def test_nothing_to_measure_on_is_said(test: Pictures, goal: Goal, what: str) -> None:
    with pytest.raises(DiagnosticError) as raised:
        measure(Scripted(torch.zeros(2, 1, 4, 4)), test, goal)
    assert raised.value.diagnostics[0].code == "LEGO532"
    assert f"expected test {what} to" in raised.value.diagnostics[0].message
