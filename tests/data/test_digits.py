"""Digits are scikit-learn's, and their background is the same ink in other places."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from small_pictures import failure

from legonet.data import VOID, ask, open_source
from legonet.data.sources import digits as module
from legonet.data.sources.digits import Digits
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation


@pytest.fixture(scope="module")
def question():
    return ask(Digits(), None, "3", Segmentation())


def blocks(picture):
    """The 4x4 blocks of a 16x16 picture, from the top left to the bottom right."""
    return [picture[y : y + 4, x : x + 4] for y in range(0, 16, 4) for x in range(0, 16, 4)]


def test_both_splits_together_are_scikit_learns_digits_upsampled():
    reference = load_digits()
    pixels = torch.tensor(reference.images * (255 / 16))[:, None]
    upsampled = torch.nn.functional.interpolate(pixels, (16, 16), mode="bilinear")[:, 0].numpy()
    numbers = ask(Digits(), None, None, Classification())
    assert numbers.labels == tuple("0123456789")
    found = []
    for split in ("train", "test"):
        pictures = numbers.read(split)
        for image, label in zip(pictures.images, pictures.labels, strict=True):
            places = np.flatnonzero(reference.target == label)
            distances = np.abs(upsampled[places] - image[:, :, 0]).max(axis=(1, 2))
            assert distances.min() <= 1
            found.append(places[distances.argmin()])
    assert sorted(found) == list(range(len(reference.target)))


def test_a_quarter_of_each_digit_is_for_test(question):
    numbers = ask(Digits(), None, None, Classification())
    train, test = (np.bincount(numbers.read(split).labels) for split in ("train", "test"))
    share = test / (train + test)
    assert share.min() > 0.24
    assert share.max() < 0.26


def test_pictures_are_grey_and_of_the_size_asked_for(question):
    assert question.size == 16
    for size in (16, 20):
        pictures = ask(Digits(), size, "3", Classification()).read("test")
        assert pictures.images.shape[1:] == (size, size, 3)
        assert pictures.masks is None
        assert (pictures.images == pictures.images[..., :1]).all()


def test_background_is_each_digit_of_the_same_split_with_every_block_moved(question):
    for split in ("train", "test"):
        digits = ask(Digits(), None, None, Classification()).read(split)
        pictures = question.read(split)
        shuffled = pictures.images[pictures.labels == 0]
        assert len(shuffled) == len(digits)
        for digit, other in zip(digits.images, shuffled, strict=True):
            assert (digit != other).any()
            before, after = ([block.tobytes() for block in blocks(p)] for p in (digit, other))
            assert sorted(before) == sorted(after)


def test_masks_are_the_ink_of_digits_and_of_shuffled_digits(question):
    pictures = question.read("train")
    bright = pictures.images[..., 0] >= 96
    assert (pictures.masks == bright).all()
    of_background = pictures.masks[pictures.labels == 0]
    assert 0.2 < of_background.mean() < 0.6


def test_masks_of_all_categories_number_the_digit_by_its_label():
    pictures = ask(Digits(), None, None, Segmentation(), background=True).read("test")
    for label in range(10):
        seen = set(np.unique(pictures.masks[pictures.labels == label]))
        assert seen == {label, 10}
    assert set(np.unique(pictures.masks[pictures.labels == 10])) == {10}
    void = ask(Digits(), None, None, Segmentation()).read("test")
    assert set(np.unique(void.masks)) == {*range(10), VOID}


def test_every_machine_has_the_same_pictures(question):
    digest = hashlib.sha256(question.read("test").images.tobytes()).hexdigest()
    assert digest == "e13d155e50bf3c80233d143b4a300866ee4f68528be9c56855ad3fc52737764a"


def test_evidence_is_the_bundled_file():
    fingerprint = open_source(Digits()).fingerprint("3")
    (file,) = fingerprint.files
    assert file.name == "digits.csv.gz"
    assert file.is_file()


def test_a_scikit_learn_without_digits_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "scikit-learn" in failure("LEGO401", lambda: open_source(Digits()).fingerprint(None))
