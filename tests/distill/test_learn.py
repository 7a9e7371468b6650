from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_networks import edge, fcn_top, network, pictures, reordered, silent, vgg_top

from legonet.data.tensors import to_tensor
from legonet.diagnostics import CODES, DiagnosticError
from legonet.distill.learn import learn
from legonet.distill.methods import (
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Learning
from legonet.modules.digest import state_digest

METHODS = {
    "transplant": Transplant(steps=12),
    "back_distillation": BackDistillation(pairs=32, steps=12),
    "paper": BackDistillation(
        pairs=32, steps=12, init="default", weight=10, scale="paper", norm="mean_absolute"
    ),
    "ordinary_learning": OrdinaryLearning(steps=12, init="identity"),
    "output_distillation": OutputDistillation(steps=12),
    "stitching": Stitching(),
}


def both():
    return network(0), network(1)


def learned(made, method=None, **options):
    return learn(made, Learning(method=method or Transplant(steps=12), **options), silent)


@pytest.mark.parametrize("name", METHODS)
def test_same_arguments_give_the_same_bits_and_touch_nothing(name):
    made = edge(*both(), labelled=8, unlabelled=10, own=12)
    parts = (made.teacher, made.task_module, made.own_category_module)
    digests = [state_digest(part) for part in parts]
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = learned(made, METHODS[name], layers=(1, 1), seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = learned(made, METHODS[name], layers=(1, 1), seed=4)
    assert state_digest(one.adapter) == state_digest(again.adapter)
    assert one.certificate == again.certificate
    assert [state_digest(part) for part in parts] == digests
    assert not any(p.requires_grad for part in parts for p in part.parameters())
    assert not one.adapter.training
    assert not any(p.requires_grad for p in one.adapter.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_certificate_is_json_and_says_what_was_done(name):
    made = edge(*both(), labelled=8, unlabelled=10, own=12)
    certificate = learned(made, METHODS[name]).certificate
    assert json.loads(json.dumps(certificate, allow_nan=False)) == certificate
    assert certificate["method"] == METHODS[name].call
    assert certificate["beta"] > 0
    assert certificate["ancestor_r2"] <= 1
    assert certificate["start"]
    assert 0 <= certificate["agreement"] <= 1


@pytest.mark.parametrize("layers", [(1,), (3,), (1, 1, 1), (3, 3)])
@pytest.mark.parametrize("goal", [Classification(), Segmentation()], ids=str)
@pytest.mark.parametrize("given", [(0, 0), (2, 0), (8, 0), (0, 6), (8, 6)])
def test_transplant_copes_with_whatever_there_is(layers, goal, given):
    top = fcn_top if goal.asks_for == "mask" else vgg_top
    made = edge(network(0, top), network(1, top), labelled=given[0], unlabelled=given[1], goal=goal)
    found = learned(made, Transplant(steps=2), layers=layers)
    assert found.adapter.kernels == layers
    assert found.certificate["trained_because"]
    trained = found.certificate["trained_by"]
    assert (trained is None) == (given == (0, 0))


def test_experiment_one_without_samples_gives_the_teachers_decisions():
    teacher = reordered(network(0), torch.tensor([2, 0, 3, 1]))
    made = edge(teacher, network(0))
    values = to_tensor(pictures(60, seed=8).images)
    expected = teacher(values)
    for method in (Transplant(), BackDistillation(), BackDistillation(steps=0)):
        found = learned(made, method)
        student = made.task_module(found.adapter(made.category_module(values)))
        assert torch.equal(student > 0, expected > 0)
        assert torch.allclose(student, expected, atol=1e-2)


def test_many_outputs_are_joined_too():
    made = edge(network(0, outputs=3), network(1, outputs=3), labelled=12, unlabelled=8)
    for method in METHODS.values():
        found = learned(made, method)
        assert found.adapter(torch.zeros(1, 4, 8, 8)).shape == (1, 4, 8, 8)
    same = edge(network(0, outputs=3), network(0, outputs=3), unlabelled=30)
    assert learned(same).certificate["agreement"] == 1


def test_channels_may_differ():
    made = edge(network(0, channels=5), network(1, channels=3), labelled=8)
    for method in METHODS.values():
        adapter = learned(made, method).adapter
        assert (adapter.channels_in, adapter.channels_out) == (5, 3)


def test_labels_are_learned():
    made = edge(*both(), labelled=60)
    found = learned(made, OrdinaryLearning(steps=200, learning_rate=1e-2, init="default"))
    test = pictures(40, seed=77)
    outputs = made.task_module(found.adapter(made.category_module(to_tensor(test.images))))
    right = (outputs[:, 0] > 0) == torch.tensor(test.labels == 1)
    assert float(right.double().mean()) > 0.9
    assert found.certificate["steps"] > 0
    assert found.certificate["labelled"] == 60


def test_residual_falls_and_is_recorded():
    made = edge(*both())
    certificate = learned(
        made, BackDistillation(init="default", pairs=64, steps=100, learning_rate=1e-2)
    ).certificate
    assert certificate["held_out_residual"] < certificate["held_out_residual_of_start"]
    assert certificate["alpha"] > 0


def test_task_that_asks_another_question_is_warned_of():
    contrary = network(0)
    contrary[1][-1].weight.neg_()
    contrary[1][-1].bias.neg_()
    made = edge(network(0), contrary, unlabelled=30)
    teacher = made.teacher(to_tensor(made.unlabelled.images))
    assert (teacher > 0).double().mean() not in (0, 1), "the toy teacher always answers the same"
    assert learned(made, Stitching()).certificate["warnings"]
    assert not learned(edge(network(0), network(0), unlabelled=30)).certificate["warnings"]


def test_progress_is_told_and_may_interrupt():
    told: list[float] = []
    made = edge(*both(), labelled=8)
    learn(made, Learning(method=Transplant(steps=3)), lambda done, words: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1

    def interrupted(done: float, words: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(made, Learning(), interrupted)


@pytest.mark.parametrize("method", [OrdinaryLearning(), OutputDistillation()])
def test_methods_without_pictures_are_refused(method):
    with pytest.raises(DiagnosticError) as caught:
        learned(edge(*both()), method)
    assert caught.value.diagnostics[0].code == "LEGO604"


def test_ordinary_learning_does_not_use_unlabelled_pictures():
    made = edge(*both(), labelled=6, unlabelled=8)
    without = replace(made, unlabelled=pictures(0))
    found = [learned(part, METHODS["ordinary_learning"]) for part in (made, without)]
    assert [part.certificate["labelled"] for part in found] == [6, 6]
    assert found[0].certificate["taught"] == 0


def dead() -> nn.Module:
    module = network(0)[0]
    module[2].weight.zero_()
    module[2].bias.zero_()
    return module


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("LEGO606", {"category_module": dead()}),
        ("LEGO602", {"task_module": network(1, outputs=2)[1]}),
    ],
)
def test_edges_that_cannot_be_learned_are_explained(code, changes):
    made = replace(edge(*both()), **changes)
    with pytest.raises(DiagnosticError) as caught:
        learned(made)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert diagnostic.help
    assert code in CODES
    assert diagnostic.message[0].islower()
    assert not diagnostic.message.endswith(".")


def test_layer_without_surrogate_still_transplants_by_other_ways():
    made = edge(*both(), labelled=8)
    odd = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sigmoid(), made.task_module)
    with_odd = replace(made, task_module=odd.eval().requires_grad_(False))
    assert learned(with_odd, Transplant(steps=2)).certificate["start"] == "stitching"
    with pytest.raises(DiagnosticError) as caught:
        learned(with_odd, BackDistillation())
    assert caught.value.diagnostics[0].code == "LEGO601"
