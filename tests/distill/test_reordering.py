from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_networks import edge, network, pictures, silent, vgg_top

from legonet.data.tensors import to_tensor
from legonet.distill.edges.reordering import random_order, reordered, undone
from legonet.distill.learn import learn
from legonet.distill.methods import (
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.distill.starts.solved import CORRESPONDING
from legonet.language.declarations import Learning
from legonet.modules.adapter import Adapter
from legonet.modules.digest import state_digest

CPU = torch.device("cpu")


def learned(made, method, **options):
    return learn(made, Learning(method=method, **options), silent)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)))
def test_both_sides_of_the_cut_are_reordered_and_the_teacher_stays_what_it_is(order):
    teacher = network(0)
    digest = state_digest(teacher)
    places = torch.tensor(order)
    made = reordered(edge(teacher, network(1)), places, CPU)
    values = to_tensor(pictures(6, seed=4).images)
    features = teacher[0](values)
    assert torch.equal(made.category_module(values), features[:, places])
    assert torch.equal(made.teacher_top(made.category_module(values)), teacher(values))
    assert state_digest(teacher) == digest
    parts = (made.category_module, made.teacher_top)
    assert not any(part.training for part in parts)
    assert not any(p.requires_grad for part in parts for p in part.parameters())


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)), kernels=st.sampled_from([(1,), (3,), (3, 1)]))
def test_what_was_learned_with_reordered_channels_fits_the_module_itself(order, kernels):
    places = torch.tensor(order)
    adapter = Adapter(4, 3, kernels, 0.5)
    features = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        adapted = adapter(features[:, places])
        assert torch.allclose(undone(adapter, places)(features), adapted, atol=1e-6)


def test_the_order_comes_from_the_seed_and_is_one():
    orders = [random_order(32, seed) for seed in (0, 0, 1)]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert orders[0].sort().values.tolist() == list(range(32))


@pytest.mark.parametrize(
    "method",
    [
        Stitching,
        Transplant,
        lambda **given: BackDistillation(init="assignment", pairs=32, **given),
        lambda **given: BackDistillation(init="least_squares", pairs=32, **given),
        lambda **given: BackDistillation(init="solve", pairs=32, relu_maps="teacher", **given),
    ],
)
def test_solved_adapters_do_not_depend_on_the_order(method):
    made = edge(network(0), network(1), own=20)
    plain, other = (learned(made, method(reordered=given)) for given in (False, True))
    assert other.certificate["reordered"]
    assert not plain.certificate["reordered"]
    values = to_tensor(pictures(20, seed=9).images)
    answers = [
        made.task_module(found.adapter(made.category_module(values))) for found in (plain, other)
    ]
    assert torch.allclose(*answers, atol=1e-3)


@pytest.mark.parametrize("method", [OrdinaryLearning, OutputDistillation])
def test_an_identity_is_no_longer_right_by_accident(method):
    same = network(0)
    made = edge(same, same, labelled=20)
    values = to_tensor(pictures(40, seed=9).images)

    def wrong(reorder: bool) -> float:
        found = learned(made, method(init="identity", steps=0, reordered=reorder), seed=1)
        student = made.task_module(found.adapter(made.category_module(values)))
        return float((student - made.teacher(values)).abs().max())

    assert wrong(False) < 1e-5
    assert wrong(True) > 1e-2


@pytest.mark.parametrize("preset", ["experiment1", "experiment2"])
@pytest.mark.parametrize("layers", [(1,), (3,), (1, 1, 1), (3, 3, 3)])
def test_experiment_one_without_samples_returns_the_teachers_decisions(preset, layers):
    same = network(0)
    assert len(vgg_top()) == 11
    made = edge(same, same)
    method = BackDistillation(preset=preset, reordered=True)
    values = to_tensor(pictures(200, seed=8).images)
    for seed in range(3):
        found = learned(made, method, layers=layers, seed=seed)
        student = made.task_module(found.adapter(made.category_module(values)))
        expected = made.teacher(values)
        assert torch.equal(student > 0, expected > 0)
        assert found.certificate["held_out_residual"] < 1e-6
        assert found.certificate["matched_correlation"] > CORRESPONDING
        assert f"{CORRESPONDING}" in found.certificate["start_because"]
