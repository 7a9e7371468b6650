from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from toy_networks import edge, fcn_top, network

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.gradients import Gradients
from legonet.distill.edges.pairs import draw_pairs
from legonet.distill.methods import BackDistillation
from legonet.distill.pseudo_gradients.moments import Pairs
from legonet.distill.starts.adapters import empty_adapter
from legonet.goals.segmentation import Segmentation


def context(teacher=None, student=None, **pictures):
    made = edge(teacher or network(0), student or network(1), **pictures)
    return EdgeContext(made, 3, torch.device("cpu"), lambda words: None)


def few(**options):
    return BackDistillation(pairs=40, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"relu_maps": "activation_rates"},
        {"relu_maps": "teacher"},
        {"relu_maps": "teacher", "relu_places": "lowest"},
        {"relu_places": "none"},
        {"channel_shared": True, "positive_share": 0.2, "relu_places": "lowest"},
        {"output_gradient": "random"},
        {"output_grid": 3, "output_gradient": "random"},
    ],
)
def test_networks_that_are_one_have_the_same_pseudo_gradients(options):
    same = network(0)
    pairs = list(draw_pairs(context(same, same), few(**options), "pairs"))
    assert sum(len(part) for part in pairs) == 40
    for part in pairs:
        assert torch.allclose(part.student, part.teacher, atol=1e-6)
        assert float(part.student.abs().sum()) > 0
    varied = torch.cat([part.student for part in pairs]).flatten(1).std(0).max()
    constant = options == {"relu_places": "none"}
    assert bool(varied < 1e-6) == constant


def test_grid_enlarges_the_gradient_map():
    (pairs,) = draw_pairs(context(), BackDistillation(pairs=2, output_grid=7), "pairs")
    assert pairs.student.shape == (2, 4, 8 + 6 * 4, 8 + 6 * 4)


def test_segmentation_has_output_gradients_of_the_output_shape():
    own, other = network(0, fcn_top), network(1, fcn_top)
    options = BackDistillation(pairs=3, output_gradient="random")
    (pairs,) = draw_pairs(context(own, other, goal=Segmentation()), options, "pairs")
    assert pairs.student.shape == (3, 4, 8, 8)


def test_held_out_pairs_are_others():
    learned, held_out = Gradients.draw(context(), (1,), few())
    assert learned.moments.samples == 40
    assert held_out.moments.samples == 10
    assert learned.alpha_beta == held_out.alpha_beta
    assert not torch.equal(learned.moments.student / 4, held_out.moments.student)


def test_pool_and_moments_agree_where_both_can_be_had():
    made = context()
    moments, _ = Gradients.draw(made, (1, 3, 1), few())
    pooled, _ = Gradients.draw(made, (3, 3), few())
    assert moments.pool is None
    for kernels in ((1, 3), (1, 3, 1), (3, 1)):
        adapter = empty_adapter(made, kernels)
        found, expected = pooled.residual(adapter), moments.residual(adapter)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)
        slopes = [
            torch.autograd.grad(value, [conv.weight for conv in adapter.convolutions])
            for value in (found, expected)
        ]
        for one, other in zip(*slopes, strict=True):
            assert torch.allclose(one, other.to(one), atol=1e-5)


def test_stack_of_large_kernels_matches_double_backward():
    made = context()
    gradients, _ = Gradients.draw(made, (3, 3, 3), few())
    adapter = empty_adapter(made, (3, 3, 3))
    start = torch.zeros(40, 4, 8, 8, requires_grad=True)
    values = start
    for conv in adapter.convolutions:
        values = functional.conv2d(values, conv.weight, padding=1)
    (through,) = torch.autograd.grad(values, start, gradients.pool.student, create_graph=True)
    target = gradients.pool.teacher
    expected = (gradients.alpha_beta * through - target).square().sum() / target.square().sum()
    found = gradients.residual(adapter)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    weights = [conv.weight for conv in adapter.convolutions]
    for one, other in zip(
        torch.autograd.grad(found, weights), torch.autograd.grad(expected, weights), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-6)


def test_batches_of_the_pool_are_drawn_by_the_generator():
    gradients, _ = Gradients.draw(context(), (3, 3), few())
    adapter = empty_adapter(context(), (3, 3))
    one, again, other = (
        gradients.residual(adapter, torch.Generator().manual_seed(seed)).item()
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_alpha_is_free_of_the_scales_of_both_networks():
    made = context()
    plain, _ = Gradients.draw(made, (1,), few())
    louder = network(0)
    louder[1][-1].weight.mul_(8)
    scaled, _ = Gradients.draw(context(louder), (1,), few())
    assert scaled.alpha_beta == pytest.approx(8 * plain.alpha_beta, rel=1e-5)
    assert plain.alpha(made.beta) * made.beta == pytest.approx(plain.alpha_beta)


@pytest.mark.parametrize("norm", ["frobenius", "mean_absolute"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_paper_weight_is_lambda_times_the_squared_difference(norm, reduction):
    made = context()
    options = few(scale="paper", weight=10, norm=norm, reduction=reduction)
    gradients, _ = Gradients.draw(made, (3, 3), options)
    adapter = empty_adapter(made, (3, 3))
    pool = gradients.pool
    pushed = pool.student
    for conv in reversed(adapter.convolutions):
        pushed = functional.conv_transpose2d(pushed, conv.weight, padding=1)
    difference = (gradients.alpha_beta * pushed - pool.teacher).flatten(1)
    absolute = norm == "mean_absolute"
    size = pool.teacher.abs().mean() if absolute else pool.teacher.flatten(1).norm(dim=1).mean()
    squares = difference.square().mean(1) if reduction == "mean" else difference.square().sum(1)
    expected = 10 / size * squares.mean()
    found = options.residual_weight(gradients) * gradients.residual(adapter)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert few(weight=3, reduction=reduction).residual_weight(gradients) == 3


def test_silent_teacher_is_an_error():
    dead = network(0)
    dead[1][-1].weight.zero_()
    with pytest.raises(DiagnosticError, match="teacher") as caught:
        Gradients.draw(context(dead), (1,), few())
    assert caught.value.diagnostics[0].code == "LEGO620"


def test_options_that_do_not_go_together_are_an_error():
    with pytest.raises(DiagnosticError) as caught:
        list(draw_pairs(context(), few(output_grid=3, relu_maps="teacher"), "pairs"))
    assert caught.value.diagnostics[0].code == "LEGO603"
    other = context(network(0), network(1, outputs=2))
    with pytest.raises(DiagnosticError) as caught:
        list(draw_pairs(other, few(output_gradient="random"), "pairs"))
    assert caught.value.diagnostics[0].code == "LEGO602"


def test_gradients_that_no_path_lets_through_are_an_error():
    broken = network(0)
    broken[1][-1].weight[0, 0] = torch.inf
    with pytest.raises(DiagnosticError, match="task module") as caught:
        Gradients.draw(context(student=broken), (1,), few())
    assert caught.value.diagnostics[0].code == "LEGO621"
    with pytest.raises(DiagnosticError, match="block every path") as caught:
        Gradients.draw(context(), (1,), few(positive_share=1e-9))
    assert caught.value.diagnostics[0].code == "LEGO620"


@pytest.mark.parametrize("kernels", [(1,), (3,), (1, 1), (3, 3)])
def test_maps_of_the_adapter_s_own_relus_come_after_every_conv(kernels):
    made = context()
    gradients, _ = Gradients.draw(made, kernels, few(adapter_relus="random"))
    plain, _ = Gradients.draw(made, kernels, few())
    assert gradients.alpha_beta == plain.alpha_beta
    adapter = empty_adapter(made, kernels)
    pairs = Pairs.together(
        draw_pairs(made, few(adapter_relus="random"), "pairs", relus=len(kernels))
    )
    pushed = pairs.student
    for conv, passed in zip(reversed(adapter.convolutions), reversed(pairs.maps), strict=True):
        assert float(passed.double().mean()) == pytest.approx(0.5, abs=0.05)
        padding = conv.kernel_size[0] // 2
        pushed = functional.conv_transpose2d(pushed * passed, conv.weight, padding=padding)
    target = pairs.teacher
    expected = (gradients.alpha_beta * pushed - target).square().sum() / target.square().sum()
    assert gradients.residual(adapter).item() == pytest.approx(expected.item(), rel=1e-5)
    assert gradients.residual(adapter).item() != pytest.approx(plain.residual(adapter).item())


@pytest.mark.parametrize("pools", ["average", "teacher"])
@pytest.mark.parametrize("maps", ["random", "teacher"])
def test_maps_and_pools_are_chosen_apart(maps, pools):
    made = context()
    options = few(relu_maps=maps, max_pools=pools)
    student = torch.cat([pairs.student for pairs in draw_pairs(made, options, "pairs")])
    others = [
        few(relu_maps=one, max_pools=two)
        for one in ("random", "teacher")
        for two in ("average", "teacher")
        if (one, two) != (maps, pools)
    ]
    for other in others:
        drawn = torch.cat([pairs.student for pairs in draw_pairs(made, other, "pairs")])
        assert not torch.allclose(student, drawn)
