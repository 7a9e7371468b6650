from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from toy_networks import edge, fcn_top, network

from legonet.data.pictures import VOID
from legonet.distill.examples import UNKNOWN, Examples, stratified
from legonet.distill.joint import Joint
from legonet.distill.objective import Objective, task_loss, teacher_loss
from legonet.distill.starts import empty_adapter
from legonet.spec.base import Goal


def joint(made):
    return Joint(made, 3, torch.device("cpu"), lambda words: None)


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
    assert torch.allclose(task_loss(outputs, answers), expected)
    assert float(task_loss(outputs, torch.full((2, 3, 3), VOID))) == 0
    assert torch.allclose(
        task_loss(outputs[:, :, 0, 0], answers[:, 0, 0]),
        functional.binary_cross_entropy_with_logits(outputs[:, 0, 0, 0], answers[:, 0, 0].float()),
    )


def test_many_labels_are_cross_entropy():
    outputs = torch.randn(2, 4, 3, 3, generator=random())
    answers = torch.tensor([0, 3, VOID] * 6).reshape(2, 3, 3)
    expected = functional.cross_entropy(outputs, answers, ignore_index=VOID)
    assert torch.allclose(task_loss(outputs, answers), expected)
    assert float(task_loss(outputs, torch.full((2, 3, 3), VOID))) == 0


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_teacher_loss_is_least_at_the_teachers_own_outputs(outputs, temperature):
    taught = torch.randn(5, outputs, generator=random())
    own = taught.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(teacher_loss(own, taught, temperature), own)
    assert torch.allclose(slope, torch.zeros_like(slope), atol=1e-6)
    wider = teacher_loss(own, taught, temperature)
    soft = teacher_loss(own / temperature, taught / temperature, 1.0)
    assert wider.item() == pytest.approx(temperature**2 * soft.item())
    other = taught + torch.randn(5, outputs, generator=random(1))
    assert teacher_loss(other, taught, temperature) > teacher_loss(taught, taught, temperature)


def test_examples_hold_features_answers_and_the_teachers_outputs():
    made = edge(network(0, fcn_top), network(1, fcn_top), labelled=3, unlabelled=4,
                goal=Goal.SEGMENTATION)  # fmt: skip
    found = Examples.of(joint(made), unlabelled=True)
    assert found.labels.tolist() == [0, 1, 0] + [UNKNOWN] * 4
    assert found.features.shape == (7, 4, 8, 8)
    assert found.answers.shape == (7, 16, 16)
    assert found.taught.shape == (7, 1, 16, 16)
    assert found.answers[1].eq(1).all()
    assert found.labelled.tolist() == [0, 1, 2]
    taught = made.teacher_top(found.features)
    assert torch.allclose(found.taught, taught, atol=1e-5)
    assert len(Examples.of(joint(made), unlabelled=False)) == 3
    assert Examples.of(joint(edge(network(0), network(1))), unlabelled=True) is None


def test_labels_of_unlabelled_pictures_are_not_looked_at():
    made = edge(network(0), network(1), labelled=4, unlabelled=6)
    plain = Examples.of(joint(made), unlabelled=True)
    made.unlabelled.labels[:] = 1 - made.unlabelled.labels
    lied = Examples.of(joint(made), unlabelled=True)
    for name in ("features", "labels", "answers", "taught"):
        assert torch.equal(getattr(plain, name), getattr(lied, name))


def test_large_sets_are_drawn_half_and_half():
    made = edge(network(0), network(1), labelled=40)
    examples = Examples.of(joint(made), unlabelled=False)
    uneven = examples.take(torch.cat([torch.arange(0, 40, 2), torch.tensor([1, 3])]))
    drawn = Objective(made.task_module, uneven, batch_size=16)._balanced(random())
    assert len(drawn) == 16
    batches = [
        Objective(made.task_module, uneven, batch_size=16)._balanced(random(seed))
        for seed in range(40)
    ]
    share = uneven.labels[torch.cat(batches)].double().mean()
    assert float(share) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize(("count", "folds"), [(1, 0), (2, 2), (6, 3), (40, 3), (41, 1)])
def test_folds_share_no_example(count, folds):
    made = edge(network(0), network(1), labelled=count)
    objective = Objective(made.task_module, Examples.of(joint(made), unlabelled=False))
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


def test_without_examples_the_residual_alone_decides():
    made = edge(network(0), network(1))
    objective = Objective(made.task_module, None).matched(
        lambda adapter, drawn: adapter.scale * 2, lambda adapter, drawn: adapter.scale * 3, 5.0
    )
    adapter = empty_adapter(joint(made), (1,))
    scale = float(adapter.scale)
    found = objective.losses(adapter, random())
    assert {term: float(loss) for term, loss in found.items()} == {
        "gradients": pytest.approx(10 * scale)
    }
    assert objective.held_out(adapter) == pytest.approx(3 * scale)
