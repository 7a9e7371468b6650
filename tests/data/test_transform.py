"""Transformed pictures, against libraries that do the same, and everything that must not change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from kit.specs import plan_of, write_spec
from PIL import Image, ImageOps
from scipy.signal import convolve2d

from legonet.data import ask
from legonet.data.sources.digits import Digits
from legonet.data.transforms import Edges, Invert, LowLight
from legonet.goals.segmentation import Segmentation
from legonet.language.transforms import TRANSFORMS

FEW = settings(max_examples=50, deadline=None, derandomize=True, database=None)
IMAGES = arrays.arrays(np.uint8, st.tuples(*map(st.just, (2, 5, 7, 3))))


@pytest.mark.parametrize("name", TRANSFORMS.own)
@FEW
@given(images=IMAGES)
def test_each_picture_is_transformed_by_itself_and_none_is_overwritten(name, images):
    form = TRANSFORMS.get(name)()
    before = images.copy()
    images.flags.writeable = False
    found = form.apply(images)
    assert np.array_equal(images, before)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    assert np.array_equal(found[1:], form.apply(images[1:]))


@FEW
@given(images=IMAGES)
def test_negatives_are_those_of_pillow(images):
    expected = [np.asarray(ImageOps.invert(Image.fromarray(image))) for image in images]
    assert np.array_equal(Invert().apply(images), expected)
    assert np.array_equal(Invert().apply(~images), images)


@FEW
@given(images=IMAGES)
def test_edges_are_the_magnitude_of_two_convolutions(images):
    kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    found = Edges().apply(images)
    for image, edges in zip(images, found, strict=True):
        brightness = np.asarray(Image.fromarray(image).convert("L"), float)
        along, across = (
            convolve2d(brightness, sides, mode="same", boundary="symm")
            for sides in (kernel, kernel.T)
        )
        expected = np.minimum(np.hypot(along, across) / 4, 255)
        assert (np.abs(edges - expected[..., None]) <= 1).all()
    assert not Edges().apply(np.full((1, 4, 4, 3), 77, np.uint8)).any()


@FEW
@given(images=IMAGES, lights=st.tuples(*[st.floats(0, 1, exclude_min=True)] * 2))
def test_less_light_is_darker_and_all_of_it_changes_nothing(images, lights):
    less, more = sorted(lights)
    assert np.array_equal(LowLight(light=1.0).apply(images), images)
    dark, light = (LowLight(light=share).apply(images) for share in (less, more))
    assert (dark <= light).all()
    assert (light <= images).all()


def test_a_tenth_of_the_light_is_what_a_camera_would_see():
    """A value is light to the power of 1 / 2.2: 128 is 0.2195 of white, a tenth of it is 45."""
    grey = np.full((1, 1, 1, 3), 128, np.uint8)
    assert LowLight(light=0.1).apply(grey).tolist() == [[[[45, 45, 45]]]]


@pytest.mark.parametrize("name", TRANSFORMS.own)
def test_both_splits_are_transformed_and_labels_and_masks_are_not(name):
    form = TRANSFORMS.get(name)()
    for split in ("train", "test"):
        plain = ask(Digits(), None, "3", Segmentation()).read(split)
        found = ask(Digits(), None, "3", Segmentation(), transform=form).read(split)
        assert np.array_equal(found.images, form.apply(plain.images))
        assert np.array_equal(found.labels, plain.labels)
        assert np.array_equal(found.masks, plain.masks)


SPEC = """
data plain { source: digits() }
data other { source: digits()TRANSFORM }
network dog { model: legonet.small_vgg(classes: 1), train { data: plain, category: "3" } }
network cat { model: legonet.small_vgg(classes: 1), train { data: other, category: "5" } }
category dog { from: dog, until: "features.4" }
category cat { from: cat, until: "features.4" }
task classify { from: dog, after: "features.4" }
adapter dog -> classify { samples: 2 }
adapter cat -> classify { samples: 2 }
"""


def keys(folder: Path, transform: str) -> dict[str, str]:
    plan = plan_of(write_spec(folder, SPEC.replace("TRANSFORM", transform)))
    return {step.name: step.key for step in (*plan.networks, *plan.edges)}


def test_keys_change_with_a_transform_for_what_uses_it_alone(tmp_path):
    plain = keys(tmp_path, "")
    assert plain == keys(tmp_path, "")
    for transform in (", transform: invert()", ", transform: low_light(light: 0.5)"):
        found = keys(tmp_path, transform)
        assert {name for name in plain if plain[name] != found[name]} == {"cat", "cat -> classify"}
