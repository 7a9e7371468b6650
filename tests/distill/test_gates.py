from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn
from toy_networks import fcn_top, seeded, vgg_top

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.gates import (
    activation_rates,
    check_partners,
    implied_options,
    random_gates,
    teacher_gates,
)
from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
from legonet.distill.pseudo_gradients.surrogate import Surrogate

HALF = [torch.tensor(0.5)] * 3


def surrogate(seed=0, channels=4, top=vgg_top, size=8):
    return Surrogate.of(seeded(lambda: top(channels), seed), (channels, size, size))


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def test_partners_share_maps_drawn_for_each_unit():
    student, teacher = random_gates(surrogate(0), surrogate(1), 64, HALF, random())
    assert len(student.relus) == len(teacher.relus) == 3
    for own, other, shape in zip(
        student.relus, teacher.relus, surrogate().shapes.relus, strict=True
    ):
        assert own is other
        assert own.shape == (64, *shape)
        assert set(own.unique().tolist()) == {0.0, 1.0}
        assert float(own.mean()) == pytest.approx(0.5, abs=0.06)
    assert student.pools == teacher.pools == (None,)


def test_positive_share_and_rates_are_kept():
    rates = [torch.linspace(0, 1, 6), torch.tensor(0.2), torch.tensor(0.9)]
    student, _ = random_gates(surrogate(0), surrogate(1), 200, rates, random())
    found = student.relus[0].mean(dim=(0, 2, 3))
    assert torch.allclose(found, rates[0], atol=0.03)
    assert float(student.relus[1].mean()) == pytest.approx(0.2, abs=0.03)
    assert float(student.relus[2].mean()) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize(("places", "mapped"), [("all", 3), ("lowest", 1), ("none", 0)])
def test_places(places, mapped):
    student, teacher = random_gates(surrogate(0), surrogate(1), 2, HALF, random(), places=places)
    for gates in (student, teacher):
        assert [gate is not None for gate in gates.relus] == [place < mapped for place in range(3)]


def test_channel_shared_maps_are_the_same_for_all_channels():
    student, teacher = random_gates(
        surrogate(0), surrogate(1), 5, HALF, random(), channel_shared=True
    )
    assert [tuple(gate.shape) for gate in student.relus] == [(5, 1, 8, 8), (5, 1, 4, 4), (5, 1)]
    assert student.relus[0] is teacher.relus[0]


def test_partners_of_other_shapes_share_resized_maps_over_channels():
    smaller = Surrogate.of(seeded(vgg_top, 1), (4, 4, 4))
    student, teacher = random_gates(surrogate(0), smaller, 5, HALF, random(), channel_shared=True)
    own, other = student.relus[0], teacher.relus[0]
    assert own.shape == (5, 1, 8, 8)
    assert other.shape == (5, 1, 4, 4)
    assert torch.equal(own[:, :, ::2, ::2], other)
    assert student.relus[2] is teacher.relus[2]


def wider_top(channels=4):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(channels, 9, 3, padding=1),
            act=nn.ReLU(),
            last=nn.Conv2d(9, 5, 3, stride=2, padding=1),
            after=nn.ReLU(),
        )
    )


def test_units_of_other_shapes_cannot_be_shared_and_both_layers_are_named():
    own, other = surrogate(0), surrogate(1, top=wider_top)
    for places in ("all", "lowest"):
        with pytest.raises(DiagnosticError) as caught:
            random_gates(own, other, 2, HALF, random(), places=places)
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "LEGO610"
        assert "`1` of the task module (6x8x8)" in diagnostic.message
        assert "`act` of the teacher (9x8x8)" in diagnostic.message
        assert "`channel_shared: true`" in diagnostic.help[0]
    check_partners(own, other, places="none")
    check_partners(own, other, channel_shared=True)
    with pytest.raises(DiagnosticError, match="cannot share"):
        teacher_gates(own, other, torch.randn(2, 4, 8, 8))


def flat_top(channels=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * channels, 6), nn.ReLU(), nn.Linear(6, 1))


def test_a_map_and_a_vector_share_nothing():
    own, other = surrogate(0), surrogate(1, top=flat_top)
    with pytest.raises(DiagnosticError) as caught:
        check_partners(own, other, channel_shared=True)
    assert "`relu_places: lowest`, or `none`" in caught.value.diagnostics[0].help[0]


def test_options_that_no_spec_names_fit_both_networks():
    alike, resized, wider, flat = (
        implied_options(surrogate(0), other)
        for other in (
            surrogate(1),
            surrogate(1, size=16),
            surrogate(1, top=wider_top),
            surrogate(1, top=flat_top),
        )
    )
    assert alike == PseudoGradientOptions()
    assert resized == wider == PseudoGradientOptions(channel_shared=True)
    assert flat == PseudoGradientOptions(relu_places="none")


def test_relus_without_a_partner_let_everything_through():
    fewer = surrogate(1, top=fcn_top)
    for own, other in ((surrogate(0), fewer), (fewer, surrogate(0))):
        student, teacher = random_gates(own, other, 5, HALF, random(), channel_shared=True)
        assert sorted((len(student.relus), len(teacher.relus))) == [1, 3]
        for gates in (student, teacher):
            assert [gate is None for gate in gates.relus] == [False, True, True][: len(gates.relus)]


def test_teacher_gates_are_the_teachers_own_for_both():
    own, other = surrogate(0), surrogate(1)
    features = torch.randn(3, 4, 8, 8, generator=random())
    student, teacher = teacher_gates(own, other, features)
    real = other.real_gates(features)
    for gates in (student, teacher):
        for found, expected in zip(gates.relus + gates.pools, real.relus + real.pools, strict=True):
            assert torch.equal(found, expected)


def test_only_the_lowest_map_may_be_the_teachers_own():
    own, other = surrogate(0), surrogate(1)
    features = torch.randn(3, 4, 8, 8, generator=random())
    student, teacher = teacher_gates(own, other, features, places="lowest")
    assert [gate is None for gate in student.relus] == [False, True, True]
    assert torch.equal(teacher.relus[0], other.real_gates(features).relus[0])


def pooled_top(kernel):
    return lambda channels: nn.Sequential(
        nn.Conv2d(channels, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(kernel)
    )


def test_pools_of_other_shapes_are_average_pools():
    own, other = surrogate(0, top=pooled_top(2)), surrogate(1, top=pooled_top(4))
    student, teacher = teacher_gates(own, other, torch.randn(3, 4, 8, 8))
    assert student.pools == teacher.pools == (None,)
    assert student.relus[0] is not None


def test_activation_rates_are_shares_of_positive_values():
    own = surrogate(0)
    features = [torch.randn(n, 4, 8, 8, generator=random(n)) for n in (2, 3)]
    found = activation_rates(own, features)
    with torch.no_grad():
        first = torch.relu(own.module[0](torch.cat(features)))
    assert torch.allclose(found[0], (first > 0).double().mean(dim=(0, 2, 3)))
    assert [len(rates) for rates in found] == [6, 5, 7]
