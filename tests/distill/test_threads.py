"""Several edges and networks learned at once in threads of one process: the same bits as alone."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier

import pytest
import torch
from graph_networks import Skips, resnet
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from toy_networks import bottom, edge, network, pictures, seeded, silent

from legonet.data.tensors import to_tensor
from legonet.distill.learn import learn
from legonet.distill.methods import BackDistillation, OutputDistillation, Stitching, Transplant
from legonet.distill.pseudo_gradients.student_pool import StudentPool
from legonet.distill.training.network_training import train_network
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Learning, Recipe
from legonet.modules import cut
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze
from legonet.modules.models import instantiate
from legonet.modules.seeding import seeded as drawn_by
from legonet.modules.small import SmallFcn, SmallVgg

CLASSIFICATION = Classification()

THREADS = 8

STUDENT = freeze(network(1))
RESIDUAL = freeze(network(2, resnet))
SKIPPING = freeze(seeded(lambda: nn.Sequential(bottom(), Skips(4, classes=1)), 3))


@pytest.fixture(autouse=True)
def single_threads():
    """Torch computes in one thread; Python's threads take turns as often as they can."""
    threads, interval = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(1)
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)
    torch.set_num_threads(threads)


def learned(teacher, student, method, seed):
    """An edge between modules that others use at the same time."""

    def job(pool):
        made = edge(teacher, student, labelled=6, unlabelled=4, own=6)
        learning = Learning(method=method, layers=(1, 3), seed=seed)
        return state_digest(learn(made, learning, silent, pool=pool).adapter)

    return job


def cut_and_run(whole, path):
    """The two halves of a network that others cut and run at the same time."""

    def job(pool):
        below, above = freeze(cut.bottom(whole, path)), freeze(cut.top(whole, path))
        return above(below(to_tensor(pictures(2).images))).sum().item()

    return job


def trained(make, goal=CLASSIFICATION, **options):
    """A network of its own."""

    def job(pool):
        started = make()
        seen = pictures(20, 4, masks=goal.asks_for == "mask")
        options.setdefault("batch_size", 5)
        recipe = Recipe(data="noise", category="bright", goal=str(goal), epochs=2, **options)
        train_network(started, recipe, seen, silent)
        return state_digest(started)

    return job


class Dropping(nn.Module):
    """A network whose own code drops, and whose way back through its block draws once more."""

    def __init__(self):
        super().__init__()
        self.bottom = bottom()
        self.block = nn.Sequential(nn.Dropout(0.3), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
        self.last = nn.Linear(256, 1)

    def forward(self, x):
        x = checkpoint(self.block, self.bottom(x), use_reentrant=False)
        return self.last(functional.dropout(x.flatten(1), 0.5, self.training))


PLAIN = seeded(lambda: nn.Sequential(bottom(), nn.Flatten(), nn.Linear(256, 1)), 5)
DROPPING = seeded(Dropping, 6)
FEW = {"pairs": 20, "steps": 4}
JOBS = [
    learned(network(4), STUDENT, BackDistillation(init="default", **FEW), 1),
    trained(lambda: instantiate(SmallVgg(classes=1, channels=4), seed=1), seed=1),
    learned(network(5), STUDENT, BackDistillation(reordered=True, **FEW), 1),
    trained(lambda: instantiate(SmallVgg(classes=1, channels=4), seed=2), seed=1),
    learned(network(6, resnet), RESIDUAL, BackDistillation(**FEW), 2),
    trained(
        lambda: instantiate(SmallFcn(classes=1, channels=4)), Segmentation(), frozen="features.4"
    ),
    learned(network(7, resnet), RESIDUAL, Transplant(steps=4), 2),
    learned(network(4), STUDENT, BackDistillation(relu_maps="teacher", **FEW), 3),
    learned(network(5), STUDENT, OutputDistillation(steps=4), 4),
    trained(lambda: deepcopy(PLAIN).requires_grad_(True), seed=3),
    learned(network(6, resnet), RESIDUAL, Stitching(), 5),
    trained(lambda: deepcopy(DROPPING).requires_grad_(True), seed=4),
    cut_and_run(SKIPPING, "1.lower.0"),
    cut_and_run(RESIDUAL, "1.0"),
    cut_and_run(SKIPPING, "1.lower"),
    learned(network(8), STUDENT, BackDistillation(init="default", **FEW), 1),
]


def together(jobs):
    """Results of jobs that begin at once, with one pool."""
    start, pool = Barrier(len(jobs)), StudentPool()

    def initial(job):
        start.wait()
        return job(pool)

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(initial, jobs))


def test_what_is_learned_at_once_has_the_bits_of_what_is_learned_alone():
    shared = (STUDENT, RESIDUAL, SKIPPING)
    before = [state_digest(module) for module in shared]
    alone = [job(StudentPool(0)) for job in JOBS]
    state = torch.get_rng_state()
    for first in range(0, len(JOBS), THREADS):
        # Twice the same ones, and others beside them each time.
        assert together(JOBS[first : first + THREADS]) == alone[first : first + THREADS]
    assert together(JOBS[4:12]) == alone[4:12]
    assert torch.equal(torch.get_rng_state(), state)
    assert [state_digest(module) for module in shared] == before


@pytest.mark.parametrize("path", ["1.lower.0", "1.lower"])
def test_a_network_answers_as_ever_while_others_cut_it(path):
    expected = cut_and_run(SKIPPING, path)(None)
    values = to_tensor(pictures(2).images)

    def running(pool):
        return {SKIPPING(values).sum().item() for _ in range(150)}

    def cutting(pool):
        return {cut_and_run(SKIPPING, path)(None) for _ in range(6)}

    found = together([running, cutting] * (THREADS // 2))
    assert set().union(*found) == {expected}


def test_an_edge_leaves_torchs_own_generators_to_others(monkeypatch):
    job = learned(network(4), STUDENT, BackDistillation(init="default", **FEW), 1)
    with drawn_by(7), ThreadPoolExecutor(1) as threads:
        drawing = torch.get_rng_state()
        # Not even to put back what was drawn: this thread may draw at any moment.
        for owner in (torch, torch.random):
            monkeypatch.setattr(owner, "set_rng_state", None)
        threads.submit(job, StudentPool(0)).result(60)
        assert torch.equal(torch.get_rng_state(), drawing)
        monkeypatch.undo()
