"""A draw is half category and half background, and only ever grows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_pictures import failure

from legonet.data import Pictures, draw


def numbered(labels):
    """Pictures whose pixels are their own numbers."""
    count = len(labels)
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    return Pictures(images, np.array(labels, np.int64), images[..., 0])


def numbers(pictures):
    return pictures.images[:, 0, 0, 0].tolist()


POOL = numbered([1, 0, 0, 1, 1] * 40)
counts = st.integers(0, 60)
seeds = st.integers(0, 2**70)


@given(counts, counts, seeds)
def test_a_draw_is_balanced_and_its_parts_are_disjoint(samples, unlabelled, seed):
    drawn = draw(POOL, samples, unlabelled, seed)
    for part, count in ((drawn.labelled, samples), (drawn.unlabelled, unlabelled)):
        assert len(part) == count
        assert part.labels.sum() == -(-count // 2)
        assert part.labels.tolist() == POOL.labels[numbers(part)].tolist()
        assert (part.masks == part.images[..., 0]).all()
    both = numbers(drawn.labelled) + numbers(drawn.unlabelled)
    assert len(set(both)) == samples + unlabelled


@given(counts, counts, counts, counts, seeds)
def test_a_larger_draw_begins_with_the_smaller_one(a, b, c, d, seed):
    small = draw(POOL, min(a, b), min(c, d), seed)
    large = draw(POOL, max(a, b), max(c, d), seed)
    assert numbers(large.labelled)[: min(a, b)] == numbers(small.labelled)
    assert numbers(large.unlabelled)[: min(c, d)] == numbers(small.unlabelled)


def test_the_seed_decides_and_the_choice_is_the_same_on_every_machine():
    assert numbers(draw(POOL, 6, 0, 7).labelled) == [114, 37, 120, 6, 98, 32]
    draws = {tuple(numbers(draw(POOL, 6, 0, seed).labelled)) for seed in range(20)}
    assert len(draws) == 20


def test_every_picture_is_drawn_as_often():
    hits = np.zeros(len(POOL))
    for seed in range(600):
        hits[numbers(draw(POOL, 20, 0, seed).labelled)] += 1
    category, background = hits[POOL.labels == 1], hits[POOL.labels == 0]
    # 6,000 draws from 120 and from 80 pictures: mean 50 and 75, six standard deviations.
    assert np.abs(category - 50).max() < 6 * 7
    assert np.abs(background - 75).max() < 6 * 8.2


def test_asking_for_more_than_there_are_says_how_many_there_are():
    pool = numbered([1, 1, 1, 0, 0, 0, 0])
    assert len(draw(pool, 6, 0, 0).labelled) == 6
    message = failure("LEGO415", lambda: draw(pool, 7, 0, 0))
    assert "expected 4 pictures of the category" in message
    assert "found 3" in message
    assert "found 3" in failure("LEGO415", lambda: draw(pool, 4, 4, 0))
    background = failure("LEGO415", lambda: draw(numbered([1, 1, 1, 0]), 2, 2, 0))
    assert "expected 2 pictures of the background" in background


def test_no_pictures_can_be_drawn():
    drawn = draw(POOL, 0, 0, 0)
    assert len(drawn.labelled) == len(drawn.unlabelled) == 0
    assert drawn.labelled.images.shape == (0, 2, 2, 3)
