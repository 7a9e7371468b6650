from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_networks import edge, fcn_top, network, reordered, seeded, silent

from legonet.data.tensors import to_tensor
from legonet.distill.learn import learn
from legonet.distill.methods import Transplant
from legonet.distill.methods.transplant import Candidate
from legonet.distill.starts import InitialAdapter
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Learning

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
    ("made", "trained", "why_start", "why_trained"),
    [
        (related(), None, "as much as with a common ancestor", "no pictures of"),
        (related(own=8), None, "the donor's answers on 8 own pictures", "no pictures of"),
        (related(unlabelled=8), DISTILLED, "teacher's answers on 8 target", "pictures of"),
        (unrelated(own=8), None, "the donor's answers on 8 own pictures", "no pictures of"),
        (unrelated(labelled=8), DISTILLED, "less than with a common ancestor", "pictures of"),
        (unrelated(), None, "donor's answers on 192 other synthetic pictures", "no pictures of"),
        (related(own=330), None, "answers on 74 other own pictures", "no pictures of"),
    ],
)
def test_choice_goes_by_what_can_be_measured_on_the_pictures_that_there_are(
    made, trained, why_start, why_trained
):
    found = certificate(made)
    assert found["trained_by"] == trained
    assert why_start in found["start_because"]
    assert f"explains {found['ancestor_r2']:.2f}" in found["start_because"]
    assert why_trained in found["trained_because"]


def test_the_certificate_shows_every_candidate_with_its_figures():
    found = certificate(related(unlabelled=8, own=8))
    names = [item["start"] for item in found["candidates"]]
    assert names == [
        "stitching, variance-matched",
        "stitching, least squares",
        "feature_matching",
        "least_squares",
        "assignment",
    ]
    figures = {"features_r2", "hidden_loss", "donor_loss", "teacher_loss", "agreement"}
    figures |= {"deciding_loss"}
    assert all(item.keys() == {"start", *figures} for item in found["candidates"])
    without = certificate(unrelated(own=8))
    assert len(without["candidates"]) == 3
    assert all("teacher_loss" not in item for item in without["candidates"])


def test_the_start_is_never_worse_by_the_teacher_s_answers_than_variance_matched_stitching():
    for made in (related(unlabelled=40, own=40), unrelated(unlabelled=40)):
        found = certificate(made, steps=0)
        first, *_ = found["candidates"]
        chosen = [item for item in found["candidates"] if item["start"].startswith(found["start"])]
        assert min(item["teacher_loss"] for item in chosen) <= first["teacher_loss"]
        assert f"of {len(found['candidates'])} starts" in found["start_because"]


def test_the_first_start_is_kept_where_no_other_is_better_than_it_by_more_than_the_noise():
    def candidate(losses):
        return Candidate("", InitialAdapter(None), torch.tensor(losses, dtype=torch.float64), {})

    base = candidate([1.0, 2.0, 3.0, 4.0])
    assert candidate([0.9, 1.9, 2.9, 3.9]).beats(base)
    assert not candidate([0.0, 3.0, 1.9, 5.0]).beats(base)
    assert not base.beats(base)
    assert not candidate([1.1, 2.1, 3.1, 4.1]).beats(base)


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("own", [0, 8])
def test_segmentation_asks_nothing_about_leaves(common, own):
    bottom = reordered(network(0, fcn_top), ORDER) if common else network(4, fcn_top)
    made = edge(bottom, network(0, fcn_top), goal=Segmentation(), own=own)
    assert certificate(made)["trained_by"] is None


class Curved(nn.Module):
    """A layer that no linear surrogate has."""

    def forward(self, values):
        return values.tanh()


def test_gradients_are_of_no_use_where_they_cannot_pass():
    made = related(own=8, unlabelled=8)
    curved = seeded(lambda: nn.Sequential(Curved(), *made.task_module), 0)
    found = certificate(replace(made, task_module=curved))
    assert all("assignment" not in item["start"] for item in found["candidates"])


def test_a_start_that_gives_the_teacher_s_answers_is_neither_trained_nor_compared():
    found = certificate(related(unlabelled=100))
    assert found["trained_by"] is None
    assert "like the teacher about 100 of 100 target pictures" in found["trained_because"]
    assert len(found["candidates"]) == 1


def test_few_pictures_do_not_show_that_a_start_needs_no_training():
    found = certificate(related(unlabelled=99))
    assert found["trained_by"] == DISTILLED
    assert len(found["candidates"]) == 5


@pytest.mark.parametrize(("wrong", "trained"), [(4, None), (5, DISTILLED)])
def test_a_start_is_trained_where_more_answers_differ_than_chance_explains(wrong, trained):
    made = related(unlabelled=100)
    made = replace(made, teacher=Contrary(made.teacher, made.unlabelled.images[:wrong]))
    assert certificate(made)["trained_by"] == trained


class Contrary(nn.Module):
    """A teacher that says the opposite about some pictures."""

    def __init__(self, teacher, images):
        super().__init__()
        self.teacher = teacher
        self.images = to_tensor(images)

    def forward(self, pictures):
        answers = self.teacher(pictures)
        known = (pictures[:, None] == self.images[None]).flatten(2).all(2).any(1)
        return torch.where(known[:, None], -answers, answers)
