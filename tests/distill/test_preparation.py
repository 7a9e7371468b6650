from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_networks import edge, fcn_top, network, pictures, silent

from legonet.data.tensors import to_tensor
from legonet.diagnostics import CODES, DiagnosticError
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.learn import learn
from legonet.distill.methods import (
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Learning


def learned(made, method, **options):
    return learn(made, Learning(method=method, **options), silent)


def refused(made, method, **options):
    with pytest.raises(DiagnosticError) as caught:
        learned(made, method, **options)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.help
    assert diagnostic.code in CODES
    return diagnostic


@pytest.mark.parametrize("method", [OrdinaryLearning(), BackDistillation(pairs=8, steps=2)])
def test_labels_of_one_kind_alone_are_refused(method):
    one = edge(network(0), network(1), labelled=1)
    assert refused(one, method, samples=1).code == "LEGO631"
    none = method.model_copy(update={"steps": 0})
    assert learned(one, none, samples=1).certificate["steps"] == 0


def test_a_segmentation_may_have_a_single_picture():
    made = edge(network(0, fcn_top), network(1, fcn_top), labelled=1, goal=Segmentation())
    assert learned(made, OrdinaryLearning(steps=2), samples=1).certificate["steps"] == 2


@pytest.mark.parametrize("method", [OutputDistillation(steps=2), Transplant(steps=2)])
def test_the_teacher_can_be_asked_about_pictures_of_one_kind(method):
    found = learned(edge(network(0), network(1), labelled=1), method, samples=1)
    assert found.certificate["taught"] == 1


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (BackDistillation(pairs=8, weight=0, init="default"), {}),
        (OutputDistillation(weight=0), {"unlabelled": 6}),
    ],
)
def test_steps_without_anything_to_learn_from_are_refused(method, given):
    made = edge(network(0), network(1), **given)
    assert refused(made, method).code == "LEGO632"
    kept = method.model_copy(update={"steps": 0})
    assert learned(made, kept).certificate["steps_because"] == "no steps were asked for"


@pytest.mark.parametrize("field", ["samples", "unlabelled"])
def test_fewer_pictures_than_asked_for_are_refused(field):
    made = edge(network(0), network(1), labelled=6, unlabelled=6)
    named = replace(made, name="cat -> classify")
    diagnostic = refused(named, Transplant(steps=1), **{field: 8})
    assert diagnostic.code == "LEGO633"
    for word in ("cat -> classify", field, "8", "6"):
        assert word in diagnostic.message


@pytest.mark.parametrize(
    ("method", "given", "steps", "rate"),
    [
        (OrdinaryLearning(), {"labelled": 10}, 300, 2e-3),
        (OrdinaryLearning(init="stitching"), {"labelled": 10}, 150, 5e-4),
        (OrdinaryLearning(init="stitching"), {"labelled": 12}, 150, 2e-3),
        (OutputDistillation(init="stitching"), {"labelled": 2, "unlabelled": 4}, 150, 2e-3),
        (BackDistillation(pairs=8), {}, 0, 5e-4),
        (BackDistillation(pairs=8, init="default"), {}, 300, 2e-3),
        (OrdinaryLearning(steps=7, learning_rate=0.1), {"labelled": 10}, 7, 0.1),
    ],
)
def test_schedules_follow_start_and_pictures_and_say_why(method, given, steps, rate):
    context = EdgeContext(
        edge(network(0), network(1), **given), 0, torch.device("cpu"), lambda words: None
    )
    found = method.setup(context, Learning())
    assert (found.schedule.steps, found.schedule.learning_rate) == (steps, rate)
    assert set(found.because) == {"most_steps_because", "learning_rate_because"}
    said = method.steps is not None
    assert (found.because["most_steps_because"] == "the spec says so") == said


@pytest.mark.parametrize("adapter_relus", ["identity", "random"])
@pytest.mark.parametrize("layers", [(1,), (1, 1), (3, 3)])
def test_the_adapters_own_relus_may_be_of_the_second_kind(adapter_relus, layers):
    made = edge(network(0), network(1))
    method = BackDistillation(
        pairs=48, init="default", steps=60, learning_rate=1e-2, adapter_relus=adapter_relus
    )
    found = learned(made, method, layers=layers).certificate
    assert found["held_out_residual"] < found["held_out_residual_of_start"]
    assert set(found["loss_curve"][0]) == {"step", "gradients"}
    again = learned(made, method, layers=layers).certificate
    assert again == found


@pytest.mark.parametrize("layers", [(1,), (1, 1), (3, 3)])
def test_maps_in_the_adapter_keep_gradients_back(layers):
    same = network(0)
    method = BackDistillation(pairs=64, init="identity", steps=0, positive_share=0.5)
    first, second = (
        learned(edge(same, same), method.model_copy(update={"adapter_relus": kind}), layers=layers)
        for kind in ("identity", "random")
    )
    assert first.certificate["residual"] < 1e-6
    # Half of the energy is lost after one map, three quarters after two.
    lost = 1 - 0.5 ** len(layers)
    assert abs(second.certificate["residual"] - lost) < 0.1


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (Transplant(steps=2), 0),
        (Transplant(steps=2), 8),
        (Stitching(), 0),
        (Stitching(), 8),
        (OrdinaryLearning(steps=2), 8),
        (OutputDistillation(steps=2), 8),
        (BackDistillation(steps=2, pairs=8), 0),
        (BackDistillation(steps=2, pairs=8), 8),
    ],
)
def test_the_certificate_says_what_was_chosen_and_why(method, given):
    made = edge(network(0), network(1), labelled=given, unlabelled=given)
    found = learned(made, method).certificate
    for name in ("start", "start_because", "trained_because"):
        assert found[name], name
    trained = found["trained_by"] is not None
    for name in ("steps_because", "most_steps_because", "learning_rate_because", "loss_curve"):
        assert (name in found) == trained, name
    if isinstance(method, Transplant) and not given:
        # Without a picture the teacher is asked about dead leaves, if there is no ancestor.
        assert trained == (found["start"] == "real_gradients")
    else:
        assert trained != isinstance(method, Stitching)


@pytest.mark.parametrize("labelled", [0, 12])
@pytest.mark.parametrize("biases", ["learned", "zero"])
def test_biases_that_are_zero_stay_so_and_pseudo_gradients_leave_others_alone(biases, labelled):
    same = network(0)
    made = edge(same, same, labelled=labelled)
    method = BackDistillation(
        init="default", weight=100, steps=300, learning_rate=2e-2, pairs=64, biases=biases
    )
    found = learned(made, method, samples=labelled)
    assert found.certificate["held_out_residual"] < 1e-2, "one network is its own teacher"
    (conv,) = found.adapter.convolutions
    assert bool((conv.bias == 0).all()) == (biases == "zero")
    assert not bool((conv.weight == 0).any())
    if biases == "zero":
        answers = [
            module(to_tensor(pictures(40, seed=7).images))
            for module in (same, nn.Sequential(same[0], found.adapter, same[1]))
        ]
        assert torch.allclose(*answers, atol=0.1), "so that it answers as its teacher does"
    if (biases, labelled) == ("learned", 0):
        start = learned(made, method.model_copy(update={"steps": 0})).adapter
        assert torch.equal(conv.bias, start.convolutions[0].bias)


def test_keys_say_that_smaller_rates_are_tried_only_where_they_are():
    method = OutputDistillation
    plain = method(learning_rate=1e-3).versions
    assert method(steps=0).versions == method(learning_rate=1e-3, steps=9).versions == plain
    assert method().versions == method(steps=9).versions == {**plain, "rates_version": 1}
