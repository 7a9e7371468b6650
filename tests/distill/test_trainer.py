from __future__ import annotations

from functools import partial

import pytest
import torch
from toy_networks import edge, network, silent

from legonet.diagnostics import DiagnosticError
from legonet.distill.examples import Examples
from legonet.distill.joint import Joint
from legonet.distill.objective import Objective
from legonet.distill.randomness import generator
from legonet.distill.starts import empty_adapter
from legonet.distill.trainer import Schedule, train, within

RANDOM = partial(generator, 0)


def task(labelled):
    made = edge(network(0), network(1), labelled=labelled)
    joint = Joint(made, 3, torch.device("cpu"), lambda words: None)
    objective = Objective(made.task_module, Examples.of(joint, unlabelled=False))
    return objective, empty_adapter(joint, (1,))


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
