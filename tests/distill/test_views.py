from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_networks import edge, fcn_top, network, vgg_top

from legonet.data.pictures import Pictures
from legonet.distill.augmentation import shifted
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.examples import Examples
from legonet.distill.training.objective import Objective
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

CLASSIFICATION = Classification()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def numbered(count=200, masked=True):
    picture = (np.arange(16 * 24) % 251).astype(np.uint8).reshape(16, 24)
    images = np.repeat(picture[None, :, :, None], count, axis=0).repeat(3, axis=3)
    masks = images[..., 0] + 1 if masked else None
    return Pictures(images, np.arange(count) % 2, masks)


def moved(picture, down, across):
    padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="reflect")
    height, width = picture.shape[:2]
    return padded[3 + down : 3 + down + height, 3 + across : 3 + across + width]


def test_each_picture_is_shifted_by_itself_and_its_mask_alike():
    pictures = numbered()
    seen = shifted(pictures, seeded(0))
    assert seen.images.dtype == seen.masks.dtype == np.uint8
    assert np.array_equal(seen.labels, pictures.labels)
    assert np.array_equal(seen.masks, seen.images[..., 0] + 1)
    found = [
        [
            (down, across)
            for down in range(-2, 3)
            for across in range(-3, 4)
            if np.array_equal(one, moved(pictures.images[0], down, across))
        ]
        for one in seen.images
    ]
    assert all(len(shifts) == 1 for shifts in found)
    assert len({shifts[0] for shifts in found}) == 5 * 7


def test_shifts_come_from_the_generator_alone():
    pictures = numbered(9, masked=False)
    before = torch.get_rng_state()
    one, again, other = (shifted(pictures, seeded(seed)).images for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert shifted(pictures, seeded(1)).masks is None


def test_pictures_that_are_too_small_stay():
    images = np.arange(5 * 7 * 7 * 3, dtype=np.uint8).reshape(5, 7, 7, 3)
    assert np.array_equal(shifted(Pictures(images, np.zeros(5)), seeded(0)).images, images)


def examples(views, labelled=6, unlabelled=8, goal=CLASSIFICATION):
    top = fcn_top if goal.asks_for == "mask" else vgg_top
    made = edge(
        network(0, top), network(1, top), labelled=labelled, unlabelled=unlabelled, goal=goal
    )
    context = EdgeContext(made, 3, torch.device("cpu"), lambda words: None)
    return made, Examples.of(context, unlabelled=True, views=views)


@pytest.mark.parametrize("goal", [Classification(), Segmentation()], ids=str)
def test_views_of_a_picture_have_the_teachers_answer_to_each(goal):
    _, once = examples(1, goal=goal)
    made, seen = examples(3, goal=goal)
    assert len(once) == 14
    assert len(seen) == 42
    assert seen.pictures.tolist() == list(range(14)) * 3
    assert torch.equal(seen.first_views, torch.arange(14))
    assert torch.equal(seen.take(seen.first_views).features, once.features)
    assert torch.equal(seen.labels, once.labels.repeat(3))
    with torch.no_grad():
        assert torch.allclose(made.teacher_top(seen.features), seen.taught, atol=1e-5)
    assert len({part.sum().item() for part in seen.features}) > 30


@pytest.mark.parametrize(("labelled", "unlabelled"), [(6, 8), (0, 60), (50, 10), (0, 2)])
def test_pictures_that_are_held_out_are_not_seen_in_another_view(labelled, unlabelled):
    made, seen = examples(4, labelled, unlabelled)
    objective = Objective(made.goal, made.task_module, seen).taught(1.0, 1.0)
    folds = objective.folds(torch.Generator().manual_seed(0))
    assert folds
    for learned, held_out in folds:
        pictures = [set(part.examples.pictures.tolist()) for part in (learned, held_out)]
        assert pictures[0].isdisjoint(pictures[1])
        assert pictures[0] | pictures[1] == set(range(labelled + unlabelled))
        assert len(held_out.examples) == len(pictures[1])
        assert len(learned.examples) == 4 * len(pictures[0])
        originals = seen.take(held_out.examples.pictures)
        assert torch.equal(originals.features, held_out.examples.features)


def test_views_are_fewer_where_their_features_would_fill_the_memory(monkeypatch):
    _, once = examples(1)
    monkeypatch.setattr(
        "legonet.distill.edges.examples.LARGEST_FEATURES", 2 * once.features.numel() + 5
    )
    assert len(examples(4)[1]) == 2 * len(once)
    monkeypatch.setattr("legonet.distill.edges.examples.LARGEST_FEATURES", 5)
    assert len(examples(4)[1]) == len(once)
