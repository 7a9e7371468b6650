from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_networks import edge, fcn_top, network, reordered, seeded, silent

from legonet.distill.learn import learn
from legonet.spec.base import Goal
from legonet.spec.declarations import Learning
from legonet.spec.methods import Transplant

DISTILLED = "output_distillation"
ORDER = torch.tensor([2, 0, 3, 1])


def related(**pictures):
    return edge(reordered(network(0), ORDER), network(0), **pictures)


def unrelated(**pictures):
    return edge(network(4), network(0), **pictures)


def certificate(made, steps=2):
    learning = Learning(method=Transplant(steps=steps), seed=3)
    return learn(made, learning, silent).certificate


@pytest.mark.parametrize(
    ("made", "start", "trained", "why_start", "why_trained"),
    [
        (related(), "least_squares", None, "still correlate by 1.00", "no pictures of"),
        (related(own=8), "least_squares", None, "still correlate by 1.00", "no pictures of"),
        (related(unlabelled=8), "least_squares", DISTILLED, "a common ancestor", "pictures of"),
        (unrelated(own=8), "stitching", None, "no common ancestor", "no pictures of"),
        (unrelated(labelled=8), "stitching", DISTILLED, "no common ancestor", "pictures of"),
        (unrelated(), "real_gradients", DISTILLED, "there are no pictures", "dead leaves"),
    ],
)
def test_choice_goes_by_ancestor_and_pictures(made, start, trained, why_start, why_trained):
    found = certificate(made)
    assert found["start"] == start
    assert found["trained_by"] == trained
    assert why_start in found["start_because"]
    assert f"explains {found['ancestor_r2']:.2f}" in found["start_because"]
    assert why_trained in found["trained_because"]


@pytest.mark.parametrize(("own", "start"), [(8, "stitching"), (0, "assignment")])
def test_channels_that_no_longer_correspond_are_not_matched_unit_by_unit(own, start, monkeypatch):
    monkeypatch.setattr("legonet.distill.transplant.UNCHANGED", 1.1)
    found = certificate(related(own=own))
    assert (found["start"], found["trained_by"]) == (start, None)
    assert "correlate by 1.00 only" in found["start_because"]


@pytest.mark.parametrize(
    ("common", "own", "start"),
    [
        (True, 8, "stitching"),
        (True, 0, "assignment"),
        (False, 8, "stitching"),
        (False, 0, "real_gradients"),
    ],
)
def test_segmentation_begins_with_real_pictures_and_asks_nothing_about_leaves(common, own, start):
    bottom = reordered(network(0, fcn_top), ORDER) if common else network(4, fcn_top)
    made = edge(bottom, network(0, fcn_top), goal=Goal.SEGMENTATION, own=own)
    found = certificate(made)
    assert (found["start"], found["trained_by"]) == (start, None)


class Curved(nn.Module):
    """A layer that no linear surrogate has."""

    def forward(self, values):
        return values.tanh()


def test_ancestor_is_of_no_use_where_pseudo_gradients_cannot_pass():
    made = related(own=8)
    curved = seeded(lambda: nn.Sequential(Curved(), *made.task_module), 0)
    found = certificate(replace(made, task_module=curved))
    assert found["start"] == "stitching"
    assert "cannot share maps" in found["start_because"]


def test_leaves_stand_in_for_pictures_and_are_seen_in_several_views():
    found = certificate(unrelated(), steps=6)
    assert found["taught"] == 300
    assert found["labelled"] == 0
    assert found["steps"] <= 6
