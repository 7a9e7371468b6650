from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from toy_networks import begin, bottom, edge, network, pictures, reordered, seeded

from legonet.data.tensors import to_tensor
from legonet.data.transforms import Invert
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.methods import BackDistillation

OPTIONS = BackDistillation(pairs=64)


def context(made, seed=3):
    return EdgeContext(made, seed, torch.device("cpu"), lambda words: None)


def outputs(made, adapter, seen=None):
    values = to_tensor((seen or pictures(40, seed=9)).images)
    with torch.no_grad():
        student = made.task_module(adapter(made.category_module(values)))
        return student, made.teacher(values)


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(4)), kernel=st.sampled_from([1, 3]))
@pytest.mark.parametrize("start", ["solve", "least_squares", "assignment", "blend"])
def test_adapter_undoes_a_reordering_without_a_picture(start, order, kernel):
    teacher = reordered(network(0), torch.tensor(order))
    made = edge(teacher, network(0))
    adapter = begin(context(made), (kernel,), start, OPTIONS).adapter
    student, expected = outputs(made, adapter)
    assert torch.equal(student > 0, expected > 0)
    assert torch.allclose(student, expected, atol=2e-2)
    whole = torch.zeros(4, 4)
    whole[torch.tensor(order), range(4)] = 1
    middle = adapter.scale * adapter.convolutions[0].weight[:, :, kernel // 2, kernel // 2]
    assert torch.allclose(middle, whole, atol=1e-2)


@pytest.mark.parametrize("start", ["least_squares", "blend", "stitching"])
def test_scales_of_either_network_are_undone(start):
    teacher, student = network(0), network(0)
    teacher[0][2].weight.mul_(5)
    teacher[0][2].bias.mul_(5)
    teacher[1][0].weight.div_(5)
    made = edge(teacher, student)
    found, expected = outputs(made, begin(context(made), (1,), start, OPTIONS).adapter)
    assert torch.allclose(found, expected, atol=1e-2)


def test_solve_assigns_where_channels_correspond_and_mixes_where_they_do_not():
    related = begin(context(edge(network(0), network(0))), (1,), "solve", OPTIONS)
    assert related.notes["start"] == "assignment"
    unrelated = begin(context(edge(network(0), network(1))), (1,), "solve", OPTIONS)
    assert unrelated.notes["start"] == "least_squares"


@pytest.mark.parametrize("kernels", [(1,), (3,), (1, 1, 1), (3, 3, 3), (1, 3)])
@pytest.mark.parametrize("start", ["solve", "blend", "stitching", "identity"])
def test_deeper_adapters_begin_as_the_first_conv_alone(start, kernels):
    made = edge(network(0), network(1))
    first = begin(context(made), kernels[:1], start, OPTIONS).adapter
    deeper = begin(context(made), kernels, start, OPTIONS).adapter
    assert deeper.kernels == kernels
    one, other = outputs(made, first)[0], outputs(made, deeper)[0]
    assert torch.allclose(one, other, atol=1e-5)


def test_default_start_comes_from_the_seed_alone():
    made = edge(network(0), network(1))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = begin(context(made, 1), (3,), "default", OPTIONS).adapter
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = begin(context(made, 1), (3,), "default", OPTIONS).adapter
    other = begin(context(made, 2), (3,), "default", OPTIONS).adapter
    weights = [adapter.convolutions[0].weight for adapter in (one, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_linear_task_modules_agree_where_nothing_is_left_of_the_residual():
    # A linear g answers with its gradient: a perfect match is the teacher itself.
    mixing = torch.randn(4, 4, generator=torch.Generator().manual_seed(0)) + 2 * torch.eye(4)
    lower = seeded(bottom, 0)
    top = seeded(lambda: nn.Sequential(nn.Conv2d(4, 1, 8, bias=False), nn.Flatten()), 1)
    other = seeded(lambda: nn.Sequential(nn.Conv2d(4, 1, 8, bias=False), nn.Flatten()), 1)
    # The teacher's features are mixed, non-negative ones: so are the adapter's answers.
    other[0].weight.copy_(torch.einsum("oi,zihw->zohw", mixing.abs(), top[0].weight))
    made = edge(nn.Sequential(lower, other), nn.Sequential(lower, top))
    initial = begin(context(made), (1,), "least_squares", OPTIONS)
    assert initial.notes["start_residuals"]["least_squares"] < 1e-4
    found, expected = outputs(made, initial.adapter)
    ratio = found / expected
    assert torch.allclose(ratio, ratio[0].expand_as(ratio), rtol=1e-2)
    assert float(ratio[0]) > 0


def test_beta_is_the_ratio_of_mean_norms():
    made = edge(network(0), network(1), unlabelled=6, own=8)
    with torch.no_grad():
        own = made.own_category_module(to_tensor(made.own.images))
        target = made.category_module(to_tensor(made.unlabelled.images))
    norms = [float(part.flatten(1).norm(dim=1).mean()) for part in (own, target)]
    assert context(made).beta == pytest.approx(norms[0] / norms[1], rel=1e-5)
    assert context(made).beta_pictures == "8 own and 6 target"
    assert context(edge(network(0), network(0))).beta == pytest.approx(1)


class OwnNoise(nn.Module):
    """Features that have nothing to do with those of any other network, picture by picture."""

    def forward(self, pictures):
        seeds = (pictures.double().flatten(1).abs().sum(1) * 1000).long().tolist()
        drawn = [torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(s)) for s in seeds]
        return torch.stack(drawn)


def test_ancestor_is_seen():
    # Features of which the donor's are a linear map are explained whole, and noise not at all.
    assert context(edge(network(0), network(0))).ancestor_r2 > 0.999
    reorder = reordered(network(0), torch.tensor([2, 0, 3, 1]))
    assert context(edge(reorder, network(0))).ancestor_r2 > 0.999
    stranger = nn.Sequential(OwnNoise(), network(0)[1])
    assert context(edge(stranger, network(0))).ancestor_r2 < 0.05


class Negative(nn.Module):
    """Undoes what `invert` does to a picture, after the normalisation."""

    def forward(self, values):
        white, black = (to_tensor(np.full((1, 1, 1, 3), level, np.uint8)) for level in (255, 0))
        return white + black - values


@pytest.mark.parametrize("own", [0, 8])
def test_each_side_sees_the_pictures_as_its_own_data_show_them(own):
    donor = network(0)
    # A category module that reads negatives as the donor reads photographs.
    reader = nn.Sequential(Negative(), network(0)[0])
    made = edge(nn.Sequential(reader, network(0)[1]), donor, own=own, unlabelled=6)
    inverted = replace(made, transform=Invert())
    found = begin(context(inverted), (1,), "stitching")
    assert found.notes["stitching_r2"] > 0.999
    assert context(inverted).ancestor_r2 > 0.999
    assert context(inverted).beta == pytest.approx(1, rel=0.3)
    plain = begin(context(made), (1,), "stitching")
    assert plain.notes["stitching_r2"] < 0.9
