from __future__ import annotations

import pytest
import torch
from torch import nn
from toy_networks import SIZE, begin, bottom, edge, network, pictures, reordered, seeded

from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.distill.edges import real_gradients
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.methods import BackDistillation
from legonet.distill.starts.real_gradients import ROUNDS

OPTIONS = BackDistillation(pairs=64)
ORDER = torch.tensor([2, 0, 3, 1])


def context(made):
    return EdgeContext(made, 3, torch.device("cpu"), lambda words: None)


def same_answers(made, adapter):
    values = to_tensor(pictures(40, seed=9).images)
    with torch.no_grad():
        student = made.task_module(adapter(made.category_module(values)))
        return torch.allclose(student, made.teacher(values), atol=2e-2)


def test_gradient_is_what_a_small_change_of_a_feature_changes():
    module = network(0)[1].double()
    features = torch.rand(2, 4, SIZE // 2, SIZE // 2, dtype=torch.float64)
    gradient = real_gradients.input_gradient(module, features)
    for place in ((0, 1, 2, 3), (1, 3, 0, 7)):
        ends = []
        for step in (1e-6, -1e-6):
            changed = features.clone()
            changed[place] += step
            ends.append(module(changed).sum())
        assert float((ends[0] - ends[1]) / 2e-6) == pytest.approx(float(gradient[place]), rel=1e-5)


def test_least_squares_is_that_of_the_rows_written_out_with_the_features_size():
    made = edge(network(4), network(0), unlabelled=10)
    found, _ = real_gradients.least_squares(context(made), context(made).best)
    values = to_tensor(made.unlabelled.images)
    with torch.no_grad():
        own, features = made.own_category_module(values), made.category_module(values)
    rows = []
    for module, inputs in ((made.task_module, own), (made.teacher_top, features)):
        leaf = inputs.clone().requires_grad_()
        module(leaf.clone()).sum().backward()
        rows.append(leaf.grad.double().permute(0, 2, 3, 1).flatten(0, 2))
    expected = torch.linalg.lstsq(*rows).solution
    direction = found[:, :, 0, 0] / found.norm()
    assert torch.allclose(direction, expected / expected.norm(), atol=1e-3)
    reached = torch.einsum("oc,nchw->nohw", found[:, :, 0, 0], features.double()).relu()
    norms = [float(part.flatten(1).norm(dim=1).mean()) for part in (reached, own.double())]
    assert norms[0] == pytest.approx(norms[1], rel=1e-6)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("start", ["real_gradients", "iterated_assignment"])
def test_reordering_is_undone_without_a_picture(start, kernel):
    made = edge(reordered(network(0), ORDER), network(0))
    initial = begin(context(made), (kernel,), start, OPTIONS)
    assert initial.notes["start"] == start
    assert same_answers(made, initial.adapter)


def test_arrangement_of_hidden_units_does_not_matter_to_real_gradients():
    teacher = reordered(network(0), ORDER)
    first, second = teacher[1][0], teacher[1][3]
    hidden = torch.tensor([3, 0, 5, 1, 4, 2])
    with torch.no_grad():
        for part in (first.weight, first.bias):
            part.copy_(part[hidden].clone())
        second.weight.copy_(second.weight[:, hidden].clone())
    made = edge(teacher, network(0))
    assert same_answers(made, begin(context(made), (1,), "real_gradients", OPTIONS).adapter)


def test_gradients_after_an_adapter_are_those_at_its_answers():
    made = edge(network(4), network(0), unlabelled=6)
    adapter = begin(context(made), (3,), "default", OPTIONS).adapter
    (pairs,) = real_gradients.real_pairs(context(made), context(made).best, adapter)
    with torch.no_grad():
        answers = adapter(made.category_module(to_tensor(made.unlabelled.images)))
    expected = real_gradients.input_gradient(made.task_module, answers)
    assert torch.allclose(pairs.student, expected, atol=1e-6)
    (direct,) = real_gradients.real_pairs(context(made), context(made).best)
    assert not torch.allclose(direct.student, expected, atol=1e-3 * float(expected.abs().max()))
    assert torch.equal(direct.teacher, pairs.teacher)


def test_wrong_matches_are_mended_by_the_gradients_after_them():
    made = edge(network(0), network(0))
    wrong = begin(context(made), (1,), "identity", OPTIONS).adapter
    with torch.no_grad():
        # Two of the four channels are exchanged.
        weight = wrong.convolutions[0].weight
        weight.copy_(weight[torch.tensor([1, 0, 2, 3])].clone())
    kernel, _ = real_gradients.assignment(context(made), context(made).best, wrong)
    assert torch.equal((kernel[:, :, 0, 0] != 0).double(), torch.eye(4, dtype=torch.float64))


def test_matches_made_again_are_told():
    initial = begin(context(edge(network(1), network(0))), (1,), "iterated_assignment", OPTIONS)
    changed = initial.notes["channels_assigned_anew"]
    assert len(changed) == ROUNDS
    assert all(0 <= count <= 4 for count in changed)
    matched = (initial.adapter.convolutions[0].weight != 0).sum(0)
    assert int(matched.max()) <= 1


@pytest.mark.parametrize("start", ["real_gradients", "iterated_assignment"])
def test_gradients_that_vanish_are_an_error(start):
    student = nn.Sequential(seeded(bottom, 0), network(0)[1])
    made = edge(network(1), student)
    blocked = [layer for layer in made.task_module if isinstance(layer, nn.Conv2d)][-1]
    with torch.no_grad():
        # Nothing passes the ReLU after a conv of such a bias, but pseudo-gradients do.
        blocked.bias.fill_(-1e6)
    with pytest.raises(DiagnosticError) as caught:
        begin(context(made), (1,), start, OPTIONS)
    assert caught.value.diagnostics[0].code == "LEGO640"
