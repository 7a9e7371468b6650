"""Textured leaves look like photographs to a network, and the seed alone decides about them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from legonet.data import textured_leaves


def test_shape_and_type():
    for count, size in ((0, 8), (1, 1), (2, 5), (3, 32)):
        pictures = textured_leaves(count, size, 0)
        assert pictures.shape == (count, size, size, 3)
        assert pictures.dtype == np.uint8


def test_more_pictures_begin_with_the_same_and_seeds_differ():
    few, many = textured_leaves(3, 16, 5), textured_leaves(6, 16, 5)
    others = textured_leaves(3, 16, 6)
    assert (many[:3] == few).all()
    assert (few != others).any(axis=(1, 2, 3)).all()
    assert len({picture.tobytes() for picture in many}) == 6


def test_every_machine_has_the_same_pictures():
    digest = hashlib.sha256(textured_leaves(50, 32, 1).tobytes()).hexdigest()
    assert digest == "e53b4d84c211e8bc3d00664beff5ac173c917d3e15c63af17c3ed0319d30e1bb"


@pytest.mark.parametrize("size", [16, 32, 96])
def test_leaves_have_edges_and_textures_at_every_size(size):
    pictures = textured_leaves(40, size, 0).astype(int)
    steps = np.abs(np.diff(pictures, axis=2)).max(axis=-1)
    flat, edges = (steps == 0).mean(), (steps > 40).mean()
    # Flat leaves alone are flat at most positions; white noise has steps nearly everywhere.
    assert flat < 0.5
    assert 0.03 < edges < 0.5


def test_neighbours_are_alike_over_many_distances():
    # As in natural pictures the correlation falls slowly; in white noise it is 0 at once.
    grey = textured_leaves(300, 32, 0).mean(axis=-1)
    grey -= grey.mean()
    near, middle, far = (
        (grey[:, :, step:] * grey[:, :, :-step]).mean() / (grey**2).mean() for step in (1, 4, 12)
    )
    assert near > 0.7
    assert near > middle > far
    assert middle > 0.4
    assert far < 0.5


def test_pictures_are_of_all_colours_and_brightnesses():
    pictures = textured_leaves(100, 32, 3)
    assert abs(pictures.mean() - 127.5) < 15
    assert pictures.min() == 0
    assert pictures.max() == 255
    assert pictures.mean(axis=(1, 2)).std(axis=0).min() > 30
