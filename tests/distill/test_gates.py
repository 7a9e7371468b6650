from __future__ import annotations

import pytest
import torch
from toy_networks import fcn_top, seeded, vgg_top

from legonet.distill.gates import activation_rates, random_gates, teacher_gates
from legonet.distill.surrogate import Surrogate

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
    student, teacher = random_gates(surrogate(0), smaller, 5, HALF, random())
    own, other = student.relus[0], teacher.relus[0]
    assert own.shape == (5, 1, 8, 8)
    assert other.shape == (5, 1, 4, 4)
    assert torch.equal(own[:, :, ::2, ::2], other)
    assert student.relus[2] is teacher.relus[2], "fully connected ReLUs still have one shape"


def test_relus_without_a_partner_let_everything_through():
    fewer = surrogate(1, top=fcn_top)
    student, teacher = random_gates(surrogate(0), fewer, 5, HALF, random())
    assert len(teacher.relus) == 1
    assert teacher.relus[0].shape == (5, 1, 4, 4)
    assert [gate is None for gate in student.relus] == [False, True, True]
    student, teacher = random_gates(fewer, surrogate(0), 5, HALF, random())
    assert [gate is None for gate in teacher.relus] == [False, True, True]


def test_teacher_gates_are_the_teachers_own_for_both():
    own, other = surrogate(0), surrogate(1)
    features = torch.randn(3, 4, 8, 8, generator=random())
    student, teacher = teacher_gates(own, other, features)
    real = other.real_gates(features)
    for gates in (student, teacher):
        for found, expected in zip(gates.relus + gates.pools, real.relus + real.pools, strict=True):
            assert torch.equal(found, expected)


def test_teacher_gates_of_other_shapes_are_left_open():
    wide = surrogate(1, channels=4, size=16)
    student, teacher = teacher_gates(surrogate(0), wide, torch.randn(3, 4, 16, 16))
    for gates in (student, teacher):
        assert gates.relus[0] is None
        assert gates.relus[2] is not None
        assert gates.pools == (None,)


def test_activation_rates_are_shares_of_positive_values():
    own = surrogate(0)
    features = [torch.randn(n, 4, 8, 8, generator=random(n)) for n in (2, 3)]
    found = activation_rates(own, features)
    with torch.no_grad():
        first = torch.relu(own.layers[0](torch.cat(features)))
    assert torch.allclose(found[0], (first > 0).double().mean(dim=(0, 2, 3)))
    assert [len(rates) for rates in found] == [6, 5, 7]
