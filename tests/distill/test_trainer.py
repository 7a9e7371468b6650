from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_checkpoint import Killed, MemoryCheckpoint, killed_after
from toy_networks import edge, network, silent

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.examples import Examples
from legonet.distill.edges.gradients import Gradients
from legonet.distill.methods import BackDistillation
from legonet.distill.progress import MOST_POINTS, Point, Thinned
from legonet.distill.randomness import generator
from legonet.distill.starts.adapters import empty_adapter
from legonet.distill.training.objective import Objective
from legonet.distill.training.trainer import Schedule, train, within
from legonet.modules.digest import state_digest

RANDOM = partial(generator, 0)


def task(labelled):
    made = edge(network(0), network(1), labelled=labelled)
    context = EdgeContext(made, 3, torch.device("cpu"), lambda words: None)
    objective = Objective(made.goal, made.task_module, Examples.of(context, unlabelled=False))
    return objective, empty_adapter(context, (1,))


@pytest.mark.parametrize("labelled", [12, 60])
def test_training_lowers_the_loss_and_leaves_the_start_alone(labelled):
    objective, start = task(labelled)
    before = start.convolutions[0].weight.clone()
    found = train(start, objective, Schedule(60, 1e-2), RANDOM, silent)
    assert found.steps > 0
    assert objective.held_out(found.adapter) < objective.held_out(start)
    assert torch.equal(start.convolutions[0].weight, before)
    assert min(found.curve, key=lambda step: found.curve[step]) == found.steps


@pytest.mark.parametrize("labelled", [12, 60])
def test_start_is_kept_where_training_does_not_beat_it(labelled):
    objective, start = task(labelled)
    good = train(start, objective, Schedule(200, 1e-2), RANDOM, silent).adapter
    found = train(good, objective, Schedule(30, 10.0), RANDOM, silent)
    assert found.steps == 0
    assert found.adapter is good


@pytest.mark.parametrize("labelled", [12, 60])
def test_smaller_steps_are_tried_where_large_ones_make_a_start_worse_at_once(labelled):
    objective, start = task(labelled)
    near = train(start, objective, Schedule(20, 1e-2), RANDOM, silent).adapter
    assert train(near, objective, Schedule(30, 10.0), RANDOM, silent).steps == 0
    found = train(near, objective, Schedule(30, 10.0, retries=6), RANDOM, silent)
    assert found.steps > 0
    assert found.learning_rate in [10.0 / 4**number for number in range(1, 7)]
    assert found.curve[found.steps] < found.curve[0]
    kept = train(near, objective, Schedule(30, 10.0, retries=1), RANDOM, silent)
    assert kept.learning_rate is None
    assert "rates of 10 and 2.5" in kept.because


@pytest.mark.parametrize("labelled", [12, 60])
def test_labels_that_mislead_do_not_stop_what_gradients_ask_for(labelled):
    made = edge(network(0), network(0), labelled=labelled)
    context = EdgeContext(made, 3, torch.device("cpu"), lambda words: None)
    learned, held_out = Gradients.draw(context, (1,), BackDistillation(pairs=64))
    shown = Examples.of(context, unlabelled=False)
    opposite = (shown.taught[:, 0] < 0).long()
    examples = Objective(
        made.goal, made.task_module, replace(shown, labels=opposite, answers=opposite)
    )
    objective = examples.matched(learned.residual, held_out.residual, 100.0)
    start = empty_adapter(context, (1,))
    found = train(start, objective, Schedule(240, 2e-2), RANDOM, silent)
    assert examples.held_out(found.adapter) > examples.held_out(start), "the labels mislead"
    with torch.no_grad():
        before, after = (float(held_out.residual(one)) for one in (start, found.adapter))
    assert after < 0.05 * before, "the gradients match"


def test_a_single_example_is_trained_on_to_the_end():
    objective, start = task(1)
    found = train(start, objective, Schedule(7, 1e-3), RANDOM, silent)
    assert found.steps == 7
    assert found.curve == {}


def test_no_steps_keep_the_start():
    objective, start = task(4)
    assert train(start, objective, Schedule(0, 1e-3), RANDOM, silent).adapter is start


def test_the_scale_is_never_learned():
    objective, start = task(12)
    found = train(start, objective, Schedule(20, 1e-2), RANDOM, silent)
    assert torch.equal(found.adapter.scale, start.scale)


def test_progress_never_goes_back_and_ends_at_one():
    objective, start = task(12)
    done: list[float] = []
    train(start, objective, Schedule(20, 1e-3), RANDOM, lambda part, words: done.append(part))
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)
    assert len(done) >= 20


def test_within_fills_a_stretch():
    seen: list[tuple[float, str]] = []
    report = within(lambda done, words: seen.append((done, words)), 0.5, 0.75)
    report(0.0, "a")
    report(1.0, "b")
    assert seen == [(0.5, "a"), (0.75, "b")]


def test_broken_task_module_is_an_error():
    objective, start = task(8)
    objective.task_module[0].weight.fill_(float("nan"))
    with pytest.raises(DiagnosticError) as caught:
        train(start, objective, Schedule(5, 1e-3), RANDOM, silent)
    assert caught.value.diagnostics[0].code == "LEGO606"


@settings(max_examples=12, deadline=None)
@given(
    labelled=st.sampled_from([1, 9, 60]),
    steps=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    schedule=st.sampled_from([Schedule(20, 1e-2), Schedule(8, 10.0, retries=2)]),
)
def test_a_killed_training_goes_on_and_ends_with_the_same_bits(labelled, steps, schedule):
    objective, start = task(labelled)
    whole = train(start, objective, schedule, RANDOM, silent)
    checkpoint, taken = MemoryCheckpoint(), []
    for count in steps:
        watch = killed_after(count)
        # It may be finished before it is killed.
        with suppress(Killed):
            train(start, objective, schedule, RANDOM, silent, watch=watch, checkpoint=checkpoint)
    found = train(
        start, objective, schedule, RANDOM, silent, watch=taken.append, checkpoint=checkpoint
    )
    assert state_digest(found.adapter) == state_digest(whole.adapter)
    assert (found.steps, found.curve, found.losses) == (whole.steps, whole.curve, whole.losses)
    every = []
    train(start, objective, schedule, RANDOM, silent, watch=every.append)
    assert len(taken) == max(0, len(every) - sum(steps))


@pytest.mark.parametrize(
    "other",
    [
        {"schedule": Schedule(20, 1e-3)},
        {"schedule": Schedule(21, 1e-2)},
        {"start": task(9)[1].dirac_()},
    ],
)
def test_the_checkpoint_of_another_training_is_not_taken_up(other):
    objective, start = task(9)
    checkpoint = MemoryCheckpoint()
    given = {"start": start, "objective": objective, "schedule": Schedule(20, 1e-2)}
    rest = {"random": RANDOM, "progress": silent}
    with pytest.raises(Killed):
        train(**given, **rest, watch=killed_after(10), checkpoint=checkpoint)
    given |= other
    plain = train(**given, **rest)
    found = train(**given, **rest, checkpoint=checkpoint)
    assert state_digest(found.adapter) == state_digest(plain.adapter)


@pytest.mark.parametrize("labelled", [1, 12, 60])
def test_every_step_is_a_point_of_a_loss_curve(labelled):
    objective, start = task(labelled)
    points: list[Point] = []
    found = train(start, objective, Schedule(24, 1e-3), RANDOM, silent, watch=points.append)
    runs = sorted({point.run for point in points})
    assert runs == {1: ["1/1"], 12: ["1/4", "2/4", "3/4", "4/4"], 60: ["1/1"]}[labelled]
    for run in runs:
        steps = [point.step for point in points if point.run == run]
        assert steps == list(range(1, len(steps) + 1))
    assert all(set(point.losses) == {"task"} for point in points)
    held_out = [point.held_out for point in points if point.held_out is not None]
    assert bool(held_out) == (labelled > 1)
    if labelled == 60:
        assert held_out == list(found.curve.values())[1:]
    last = [point for point in points if point.run == runs[-1]]
    assert found.losses == [{"step": point.step, **point.losses} for point in last]
    assert found.because


@settings(deadline=None)
@given(steps=st.integers(1, 3000), cut=st.integers(0, 3000))
def test_thinned_curves_stay_short_and_even_and_can_be_taken_up_again(steps, cut):
    thinned = Thinned()
    for step in range(1, steps + 1):
        if step == cut:
            thinned = Thinned.of(thinned.state())
        thinned.add(Point("1/1", step, steps, {"task": 1 / step}))
    found = [row["step"] for row in thinned.rows]
    assert len(found) <= MOST_POINTS
    assert len(found) >= min(steps, MOST_POINTS // 2)
    assert len({after - before for before, after in pairwise(found)}) <= 1


@pytest.mark.parametrize(("term", "value"), [("loss", "nan"), ("loss", "inf"), ("slope", "nan")])
@pytest.mark.parametrize("step", [1, 5])
def test_numbers_that_are_not_finite_stop_the_edge_and_say_where(term, value, step):
    objective, start = task(8)
    seen = []

    def residual(adapter, drawn):
        weight = adapter.convolutions[0].weight
        if drawn is None:
            return weight.sum() * 0
        seen.append(0)
        if len(seen) < step:
            return weight.square().sum()
        if term == "loss":
            return weight.sum() * 0 + float(value)
        # The root is 0, its slope no number.
        return (weight * 0).sum().sqrt()

    broken = objective.matched(residual, residual, 1.0)
    with pytest.raises(DiagnosticError) as caught:
        train(start, broken, Schedule(20, 1e-3), RANDOM, silent, name="cat -> classify")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO630"
    assert "cat -> classify" in diagnostic.message
    assert f"step {step} of 20" in diagnostic.message
    assert ("gradients loss" if term == "loss" else "gradient") in diagnostic.message
    assert value in diagnostic.message
    assert any("learning_rate" in item for item in diagnostic.help)
