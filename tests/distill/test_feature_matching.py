from __future__ import annotations

import pytest
import torch
from torch import nn
from toy_networks import begin, edge, fcn_top, network, vgg_top

from legonet.distill.edges.criteria import Criteria
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.hidden_features import hidden_features, with_hidden_features
from legonet.distill.training.objective import FeatureMatch


def context(made):
    return EdgeContext(made, 3, torch.device("cpu"), lambda words: None)


def unrelated():
    return context(edge(network(4), network(0), own=40))


class Averaging(nn.Module):
    """A module without a layer of weights."""

    def forward(self, values):
        return values.mean((1, 2, 3))


@torch.no_grad()
@pytest.mark.parametrize(("top", "last"), [(vgg_top, -1), (fcn_top, 4)])
def test_the_last_layer_of_weights_answers_from_the_hidden_features(top, last):
    whole = network(0, top)[1]
    features = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    answer = hidden_features(whole)(features)
    for layer in list(whole)[last:]:
        answer = layer(answer)
    torch.testing.assert_close(answer, whole(features), rtol=0, atol=0)


@torch.no_grad()
@pytest.mark.parametrize("top", [vgg_top, fcn_top])
def test_one_pass_gives_the_hidden_features_and_the_answer_bit_for_bit(top):
    whole = network(0, top)[1]
    features = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    hidden, answer = with_hidden_features(whole)(features)
    assert torch.equal(hidden, hidden_features(whole)(features))
    assert torch.equal(answer, whole(features))


class WorkingInPlace(nn.Module):
    """A module that changes its hidden features after its last layer of weights has read them."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)

    def forward(self, features):
        hidden = features.mean((2, 3))
        answer = self.last(hidden)
        return answer + hidden.mul_(2).sum(1, keepdim=True)


@torch.no_grad()
def test_hidden_features_are_those_that_the_last_layer_read():
    module = WorkingInPlace().eval()
    features = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    hidden, answer = with_hidden_features(module)(features)
    assert torch.equal(hidden, features.mean((2, 3)))
    assert torch.equal(answer, module(features))


@torch.no_grad()
def test_a_module_without_weights_is_its_own_hidden_features():
    module = Averaging()
    assert hidden_features(module) is module
    hidden, answer = with_hidden_features(module)(torch.ones(2, 3, 4, 4))
    assert torch.equal(hidden, answer)


@torch.no_grad()
def test_the_loss_is_the_distance_of_hidden_features_over_their_energy():
    made = unrelated()
    objective = FeatureMatch.of(made.once(Criteria))
    adapter = begin(made, (1,), "stitching").adapter
    donor, lower = made.edge.task_module, list(made.edge.task_module)[:-1]
    x, y = (torch.cat(side) for side in zip(*made.paired(made.familiar), strict=True))
    assert len(x) == 40
    phi = nn.Sequential(*lower)
    wanted, found = phi(y).double(), phi(adapter(x)).double()
    expected = float((found - wanted).square().sum() / wanted.square().sum())
    assert objective.held_out(adapter) == pytest.approx(expected, rel=1e-5)
    assert made.once(Criteria).figures(adapter)["hidden_loss"] == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(made.once(Criteria).familiar.donor, donor(y))


def test_parts_to_train_on_and_to_stop_by_share_no_picture():
    objective = FeatureMatch.of(unrelated().once(Criteria))
    ((seen, held_out),) = objective.folds(torch.Generator().manual_seed(1))
    assert (len(seen.features), len(held_out.features)) == (30, 10)
    rows = torch.cat([seen.features, held_out.features]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 40


def test_training_brings_hidden_features_nearer_than_stitching_does():
    made = unrelated()
    initial = begin(made, (1,), "feature_matching")
    losses = [loss for _, loss in initial.notes["matching_loss"]]
    assert initial.notes["matching_steps"] > 0
    assert min(losses) < losses[0]
    stitched = begin(made, (1,), "stitching").adapter
    nearer, farther = (
        made.once(Criteria).figures(adapter)["hidden_loss"]
        for adapter in (initial.adapter, stitched)
    )
    assert nearer < farther
