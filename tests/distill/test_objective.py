from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from toy_networks import edge, fcn_top, network

from legonet.distill.edges.calibrate import calibrate
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.examples import UNKNOWN, Examples, stratified
from legonet.distill.starts.adapters import empty_adapter
from legonet.distill.training.objective import Objective
from legonet.goals import VOID
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation


def context(made):
    return EdgeContext(made, 3, torch.device("cpu"), lambda words: None)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def test_single_category_is_binary_cross_entropy_and_leaves_void_out():
    outputs = torch.randn(2, 1, 3, 3, generator=random())
    answers = torch.tensor([0, 1, VOID] * 6).reshape(2, 3, 3)
    logits = outputs[:, 0].flatten()
    kept = answers.flatten() != VOID
    expected = functional.binary_cross_entropy_with_logits(
        logits[kept], answers.flatten()[kept].float()
    )
    assert torch.allclose(Segmentation().loss(outputs, answers), expected)
    assert float(Segmentation().loss(outputs, torch.full((2, 3, 3), VOID))) == 0
    assert torch.allclose(
        Classification().loss(outputs[:, :, 0, 0], answers[:, 0, 0]),
        functional.binary_cross_entropy_with_logits(outputs[:, 0, 0, 0], answers[:, 0, 0].float()),
    )


def test_many_labels_are_cross_entropy():
    outputs = torch.randn(2, 4, 3, 3, generator=random())
    answers = torch.tensor([0, 3, VOID] * 6).reshape(2, 3, 3)
    expected = functional.cross_entropy(outputs, answers, ignore_index=VOID)
    assert torch.allclose(Segmentation().loss(outputs, answers), expected)
    assert float(Segmentation().loss(outputs, torch.full((2, 3, 3), VOID))) == 0


def test_the_label_255_of_a_whole_picture_is_no_void():
    outputs = torch.randn(3, 300, generator=random())
    answers = torch.tensor([255, 0, 255])
    expected = functional.cross_entropy(outputs, answers)
    assert torch.allclose(Classification().loss(outputs, answers), expected)
    assert float(Classification().loss(outputs, torch.full((3,), VOID))) > 0


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_teacher_loss_is_least_at_the_teachers_own_outputs(outputs, temperature):
    taught = torch.randn(5, outputs, generator=random())
    own = taught.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(Classification().teacher_loss(own, taught, temperature), own)
    assert torch.allclose(slope, torch.zeros_like(slope), atol=1e-6)
    wider = Classification().teacher_loss(own, taught, temperature)
    soft = Classification().teacher_loss(own / temperature, taught / temperature, 1.0)
    assert wider.item() == pytest.approx(temperature**2 * soft.item())
    other = taught + torch.randn(5, outputs, generator=random(1))
    assert Classification().teacher_loss(
        other, taught, temperature
    ) > Classification().teacher_loss(taught, taught, temperature)


def test_examples_hold_features_answers_and_the_teachers_outputs():
    made = edge(network(0, fcn_top), network(1, fcn_top), labelled=3, unlabelled=4,
                goal=Segmentation())  # fmt: skip
    found = Examples.of(context(made), unlabelled=True)
    assert found.labels.tolist() == [0, 1, 0] + [UNKNOWN] * 4
    assert found.features.shape == (7, 4, 8, 8)
    assert found.answers.shape == (7, 16, 16)
    assert found.taught.shape == (7, 1, 16, 16)
    assert found.answers[1].eq(1).all()
    assert found.labelled.tolist() == [0, 1, 2]
    taught = made.teacher_top(found.features)
    assert torch.allclose(found.taught, taught, atol=1e-5)
    assert len(Examples.of(context(made), unlabelled=False)) == 3
    assert Examples.of(context(edge(network(0), network(1))), unlabelled=True) is None


def test_labels_of_unlabelled_pictures_are_not_looked_at():
    made = edge(network(0), network(1), labelled=4, unlabelled=6)
    plain = Examples.of(context(made), unlabelled=True)
    made.unlabelled.labels[:] = 1 - made.unlabelled.labels
    lied = Examples.of(context(made), unlabelled=True)
    for name in ("features", "labels", "answers", "taught"):
        assert torch.equal(getattr(plain, name), getattr(lied, name))


def test_large_sets_are_drawn_half_and_half():
    made = edge(network(0), network(1), labelled=40)
    examples = Examples.of(context(made), unlabelled=False)
    uneven = examples.take(torch.cat([torch.arange(0, 40, 2), torch.tensor([1, 3])]))
    drawn = Objective(made.goal, made.task_module, uneven, batch_size=16)._balanced(random())
    assert len(drawn) == 16
    batches = [
        Objective(made.goal, made.task_module, uneven, batch_size=16)._balanced(random(seed))
        for seed in range(40)
    ]
    share = uneven.labels[torch.cat(batches)].double().mean()
    assert float(share) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize(("count", "folds"), [(1, 0), (2, 2), (6, 3), (40, 3), (41, 1)])
def test_folds_share_no_example(count, folds):
    made = edge(network(0), network(1), labelled=count)
    objective = Objective(made.goal, made.task_module, Examples.of(context(made), unlabelled=False))
    found = objective.folds(random())
    assert len(found) == folds
    for seen, held_out in found:
        rows = [part.examples.features.flatten(1) for part in (seen, held_out)]
        assert len(rows[0]) + len(rows[1]) == count
        assert torch.cdist(*rows).min() > 0
    if 4 <= count <= 40:
        assert sum(len(held_out.examples) for _, held_out in found) == count


def test_parts_are_alike():
    labels = torch.tensor([0] * 8 + [1] * 8 + [UNKNOWN] * 4)
    for part in stratified(labels, 4, random()):
        assert sorted(labels[part].tolist()) == [UNKNOWN, 0, 0, 1, 1]


def matched(objective, weight=5.0):
    return objective.matched(
        lambda adapter, drawn: adapter.scale * 2, lambda adapter, drawn: adapter.scale * 3, weight
    )


def test_without_examples_the_residual_alone_decides():
    made = edge(network(0), network(1))
    objective = matched(Objective(made.goal, made.task_module, None))
    adapter = empty_adapter(context(made), (1,))
    scale = float(adapter.scale)
    found = objective.losses(adapter, random())
    assert {term: float(loss) for term, loss in found.items()} == {
        "gradients": pytest.approx(10 * scale)
    }
    assert objective.held_out(adapter) == pytest.approx(15 * scale)


def test_examples_and_held_out_gradients_decide_together():
    made = edge(network(0), network(1), labelled=12)
    plain = Objective(made.goal, made.task_module, Examples.of(context(made), unlabelled=False))
    adapter = empty_adapter(context(made), (1,))
    alone, both = plain.held_out(adapter), matched(plain).held_out(adapter)
    assert alone > 0
    assert both == pytest.approx(alone + 15 * float(adapter.scale))
    assert matched(plain, weight=0.0).held_out(adapter) == alone


def test_answers_are_compared_as_the_start_s_calibration_gives_them():
    made = edge(network(0), network(4), labelled=8, unlabelled=24)
    start = empty_adapter(context(made), (1,)).dirac_()
    plain = Objective(
        made.goal, made.task_module, Examples.of(context(made), unlabelled=True)
    ).taught(1, 2)
    objective = plain.calibrated(start)
    features, taught = plain.examples.features, plain.examples.taught
    raw = plain.answer(start, features)
    expected = calibrate(raw, taught)
    assert expected is not None
    torch.testing.assert_close(objective.answer(start, features), expected(raw))
    assert not torch.allclose(expected(raw), raw)
    assert objective.held_out(start) != plain.held_out(start)
    # It stays as it is while the adapter changes, and an answer of several labels has none.
    assert objective.calibration.state_dict().keys() == {"scale", "offset"}
    several = edge(network(0, outputs=3), network(1, outputs=3), unlabelled=8)
    many = Objective(
        several.goal, several.task_module, Examples.of(context(several), unlabelled=True)
    )
    assert many.calibrated(start).calibration is None
