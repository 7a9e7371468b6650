from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_networks import edge, fcn_top, network, silent

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges import pairs as drawing
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.gradients import Gradients
from legonet.distill.learn import learn
from legonet.distill.methods import BackDistillation
from legonet.distill.pseudo_gradients import student_pool
from legonet.distill.pseudo_gradients.student_pool import StudentPool, StudentSide
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Learning

STUDENT = network(1)
TEACHERS = [network(seed) for seed in (2, 3, 4)]


def context(teacher, pool=None, student=STUDENT, seed=3, **pictures):
    made = edge(teacher, student, **pictures)
    return EdgeContext(made, seed, torch.device("cpu"), lambda words: None, pool or StudentPool(0))


def few(**options):
    return BackDistillation(pairs=20, **options)


@pytest.fixture
def sides(monkeypatch):
    """How many student sides were drawn."""
    drawn = []
    draw = drawing._draw

    def counted(*given):
        drawn.append(given)
        return draw(*given)

    monkeypatch.setattr(drawing, "_draw", counted)
    return drawn


def tensors(gradients):
    moments, pool = gradients.moments, gradients.pool
    found = [moments.student, moments.cross, moments.teacher]
    return found if pool is None else [*found, pool.student, pool.teacher, *pool.maps]


def same(one, other):
    for left, right in zip(one, other, strict=True):
        if left.alpha_beta != right.alpha_beta:
            return False
        if not all(map(torch.equal, tensors(left), tensors(right))):
            return False
    return True


@settings(max_examples=15, deadline=None)
@given(
    kernels=st.sampled_from([(1,), (3,), (1, 1), (3, 3)]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "relu_maps": st.sampled_from(["random", "activation_rates", "teacher"]),
            "relu_places": st.sampled_from(["all", "lowest", "none"]),
            "channel_shared": st.booleans(),
            "positive_share": st.sampled_from([0.3, 0.9]),
            "output_gradient": st.sampled_from(["constant", "random"]),
            "adapter_relus": st.sampled_from(["identity", "random"]),
            "norm": st.sampled_from(["frobenius", "mean_absolute"]),
            "max_pools": st.sampled_from(["average", "teacher"]),
        },
    ),
    seed=st.integers(0, 9),
)
def test_sharing_changes_no_bit(kernels, options, seed):
    pool = StudentPool()
    for teacher in TEACHERS[:2]:
        try:
            alone = Gradients.draw(context(teacher, seed=seed), kernels, few(**options))
        except DiagnosticError:
            # So few maps of so small a network block every path now and then.
            with pytest.raises(DiagnosticError):
                Gradients.draw(context(teacher, pool, seed=seed), kernels, few(**options))
            continue
        shared = Gradients.draw(context(teacher, pool, seed=seed), kernels, few(**options))
        assert same(alone, shared)


def test_edges_onto_one_task_draw_its_side_once(sides):
    pool = StudentPool()
    for teacher in TEACHERS:
        Gradients.draw(context(teacher, pool), (3,), few(weight=2, steps=5, scale="paper"))
        Gradients.draw(context(teacher, pool), (1, 1), few(norm="mean_absolute"))
    assert len(sides) == 2  # to learn from, and held out
    Gradients.draw(context(TEACHERS[0]), (3,), few())
    assert len(sides) == 4


@pytest.mark.parametrize(
    "other",
    [
        {"options": few(positive_share=0.4)},
        {"options": few(relu_places="lowest")},
        {"options": few(channel_shared=True)},
        {"options": few(output_gradient="random")},
        {"options": BackDistillation(pairs=30)},
        {"seed": 4},
        {"student": network(9)},
    ],
)
def test_all_that_determines_a_side_keeps_it_apart(other, sides):
    pool = StudentPool()
    Gradients.draw(context(TEACHERS[0], pool), (1,), few())
    options = other.pop("options", few())
    Gradients.draw(context(TEACHERS[1], pool, **other), (1,), options)
    assert len(sides) == 4


def test_changed_weights_are_noticed(sides):
    student, pool = network(5), StudentPool()
    before, _ = Gradients.draw(context(TEACHERS[0], pool, student), (1,), few())
    with torch.no_grad():
        student[1][0].weight.mul_(2)
    after, _ = Gradients.draw(context(TEACHERS[0], pool, student), (1,), few())
    assert len(sides) == 4
    assert torch.allclose(after.moments.student, 4 * before.moments.student)


def test_teachers_of_other_shapes_share_no_maps():
    other = network(6, fcn_top)
    own, pool = network(7, fcn_top), StudentPool()
    wide = network(8, fcn_top, channels=5)
    for teacher in (other, wide):
        options = few(output_gradient="random")
        alone = context(teacher, None, own, goal=Segmentation())
        assert same(
            Gradients.draw(alone, (3,), options),
            Gradients.draw(replace(alone, pool=pool), (3,), options),
        )


def test_threads_wait_for_the_side_that_another_makes(sides):
    joints = [context(teacher) for teacher in TEACHERS]
    # Surrogates find their shapes in the modules themselves, so that this comes before threads.
    alone = [Gradients.draw(made, (3,), few()) for made in joints]
    sides.clear()
    pool, together = StudentPool(), Barrier(len(joints))

    def drawn(made):
        made.pool = pool
        together.wait()
        return Gradients.draw(made, (3,), few())

    with ThreadPoolExecutor(len(joints)) as threads:
        shared = list(threads.map(drawn, joints))
    assert len(sides) == 2
    assert all(map(same, alone, shared))


def test_memory_is_bounded(sides):
    pool = StudentPool()
    side = drawing.shared_side(context(TEACHERS[0], pool), few(), "pairs")
    assert isinstance(side, StudentSide)
    small = StudentPool(side.bytes * 2)
    for purpose in ("one", "two", "three"):
        drawing.shared_side(context(TEACHERS[0], small), few(), purpose)
    sides.clear()
    drawing.shared_side(context(TEACHERS[0], small), few(), "three")
    assert not sides
    drawing.shared_side(context(TEACHERS[0], small), few(), "one")
    assert len(sides) == 1
    assert drawing.shared_side(context(TEACHERS[0], StudentPool(99)), few(), "pairs") is None


def test_maps_are_kept_as_bits():
    side = drawing.shared_side(context(TEACHERS[0], StudentPool()), few(), "pairs")
    drawn = list(drawing._draw(context(TEACHERS[0]), few(), "pairs"))
    for kept, expected in zip(side, drawn, strict=True):
        assert torch.equal(kept.gradient, expected.gradient)
        for one, other in zip(kept.gates.relus, expected.gates.relus, strict=True):
            assert torch.equal(one.to(other), other)
    maps = sum(gate.numel() for part in drawn for gate in part.gates.relus)
    plain = side.gradients.nbytes + sum(part.given.nbytes for part in drawn)
    assert side.bytes - plain < maps / 8 + 100


def test_failed_side_is_made_anew(sides, monkeypatch):
    pool = StudentPool()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student_pool.torch, "cat", lambda parts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Gradients.draw(context(TEACHERS[0], pool), (1,), few())
    shared = Gradients.draw(context(TEACHERS[0], pool), (1,), few())
    assert same(shared, Gradients.draw(context(TEACHERS[0]), (1,), few()))


def test_learned_adapters_are_the_same_with_a_pool():
    learning = Learning(layers=(3,), method=few(steps=3), samples=0)
    pool = StudentPool()
    for teacher in TEACHERS[:2]:
        made = edge(teacher, STUDENT)
        alone = learn(made, learning, silent).adapter.state_dict()
        shared = learn(made, learning, silent, pool=pool).adapter.state_dict()
        assert all(torch.equal(alone[name], shared[name]) for name in alone)
