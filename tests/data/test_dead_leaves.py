"""Dead leaves look alike at every size, and the seed alone decides about them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from legonet.data import dead_leaves


def test_shape_and_type():
    for count, size in ((0, 8), (1, 1), (2, 5), (3, 32)):
        pictures = dead_leaves(count, size, 0)
        assert pictures.shape == (count, size, size, 3)
        assert pictures.dtype == np.uint8


def test_more_pictures_begin_with_the_same_and_seeds_differ():
    few, many, others = dead_leaves(3, 16, 5), dead_leaves(6, 16, 5), dead_leaves(3, 16, 6)
    assert (many[:3] == few).all()
    assert (few != others).any(axis=(1, 2, 3)).all()
    assert len({picture.tobytes() for picture in many}) == 6


def test_every_machine_has_the_same_pictures():
    digest = hashlib.sha256(dead_leaves(50, 32, 1).tobytes()).hexdigest()
    assert digest == "7584c357ad1c0f59bf1b8e44de85cd70d7993fcbfd029ea441b7a90388a45a75"


@pytest.mark.parametrize("size", [16, 32, 64])
def test_many_leaves_of_flat_colour_lie_on_one_another(size):
    pictures = dead_leaves(20, size, 0).astype(int)
    same_right = (pictures[:, :, 1:] == pictures[:, :, :-1]).all(axis=-1).mean()
    assert 0.6 < same_right < 0.95
    colours = [len(np.unique(picture.reshape(-1, 3), axis=0)) for picture in pictures]
    leaves = 60 * size**2 / 32**2
    assert 0.3 * leaves < np.mean(colours) <= leaves + 1


def test_neighbours_are_alike_over_many_distances():
    # As in natural pictures the correlation falls slowly; in white noise it is 0 at once.
    grey = dead_leaves(300, 32, 0).mean(axis=-1)
    grey -= grey.mean()
    near, middle, far = (
        (grey[:, :, step:] * grey[:, :, :-step]).mean() / (grey**2).mean() for step in (1, 4, 12)
    )
    assert near > 0.7
    assert near > middle > far
    assert middle > 0.3
    assert far < 0.3


def test_discs_and_rectangles_of_all_colours():
    pictures = dead_leaves(100, 32, 3)
    assert abs(pictures.mean() - 127.5) < 5
    assert pictures.min() <= 2
    assert pictures.max() >= 253
