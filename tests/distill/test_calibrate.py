from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from legonet.distill.edges.calibrate import calibrate


def logits(count=400, seed=0):
    return 3 * torch.randn(count, 1, generator=torch.Generator().manual_seed(seed))


@given(scale=st.floats(0.2, 5), offset=st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_an_affine_change_of_the_answer_is_undone(scale, offset):
    trusted = logits()
    changed = (trusted - offset) / scale
    found = calibrate(changed, trusted)
    assert found is not None
    # The pull towards changing nothing is small beside what the answers say.
    assert torch.allclose(found(changed), trusted, rtol=0.1, atol=0.2)


def test_it_is_the_logistic_regression_of_hard_answers():
    generator = np.random.default_rng(0)
    answers = torch.tensor(generator.normal(size=(3000, 1)))
    labels = torch.tensor(generator.random((3000, 1)) < 1 / (1 + np.exp(-2 * answers.numpy() + 1)))
    found = calibrate(answers, torch.where(labels, 40.0, -40.0))
    expected = LogisticRegression(C=1e9).fit(answers.numpy(), labels.numpy().ravel())
    assert found is not None
    assert float(found.scale) == pytest.approx(expected.coef_[0, 0], rel=0.02)
    assert float(found.offset) == pytest.approx(expected.intercept_[0], rel=0.03)


def test_the_order_of_answers_never_changes():
    trusted = logits()
    found = calibrate(-trusted, trusted)
    assert found is not None
    assert float(found.scale) > 0


def test_answers_that_are_all_alike_are_not_calibrated():
    assert calibrate(torch.full((5, 1), 2.0), logits(5)) is None
    assert calibrate(torch.empty(0, 1), torch.empty(0, 1)) is None
