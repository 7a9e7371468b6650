"""Learning an edge between task modules whose hidden layers have other shapes, or no surrogate."""

from __future__ import annotations

import pytest
from torch import nn
from toy_networks import edge, network, silent

from legonet.diagnostics import DiagnosticError
from legonet.distill.learn import learn
from legonet.distill.methods import BackDistillation, OrdinaryLearning, Transplant
from legonet.language.declarations import Learning


def wider_top(channels=4, outputs=1):
    return nn.Sequential(
        nn.Conv2d(channels, 9, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(9, 5, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(20, outputs),
    )


def smooth_top(channels=4, outputs=1):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, outputs),
    )


def learned(top, method):
    made = edge(network(0), network(1, top), labelled=8)
    return learn(made, Learning(layers=(1,), method=method, samples=8), silent)


def test_maps_by_unit_are_refused_and_maps_over_channels_work():
    with pytest.raises(DiagnosticError) as caught:
        learned(wider_top, BackDistillation(steps=1, pairs=4))
    assert caught.value.diagnostics[0].code == "LEGO610"
    assert "`channel_shared: true`" in caught.value.diagnostics[0].help[0]
    found = learned(wider_top, BackDistillation(steps=1, pairs=4, channel_shared=True))
    assert found.certificate["start"]


@pytest.mark.parametrize("method", [Transplant(steps=1), OrdinaryLearning(init="solve", steps=1)])
def test_what_names_no_maps_finds_some_that_fit(method):
    assert learned(wider_top, method).certificate["start"]


def test_transplant_does_without_pseudo_gradients_where_none_can_pass():
    found = learned(smooth_top, Transplant(steps=1)).certificate
    assert {item["start"].split(",")[0] for item in found["candidates"]} == {
        "stitching",
        "feature_matching",
    }
    with pytest.raises(DiagnosticError) as caught:
        learned(smooth_top, BackDistillation(steps=1))
    assert caught.value.diagnostics[0].code == "LEGO601"
    assert "`1`, a layer of kind Sigmoid" in caught.value.diagnostics[0].message
