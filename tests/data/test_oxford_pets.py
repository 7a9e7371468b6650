"""The pets, on a small folder in their layout, against torchvision's own class."""

from __future__ import annotations

import numpy as np
import pytest
from small_pictures import failure, save_mask, save_picture
from torchvision.datasets import OxfordIIITPet

from legonet.data import VOID, ask, open_source
from legonet.data.sources.oxford_pets import OxfordPets
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

TRIMAP = [[1, 1, 1, 3, 2, 2]] * 4
LISTS = {
    "trainval": ["Abyssinian_1 1 1 1", "american_bulldog_2 2 2 1", "Bengal_3 3 1 2"],
    "test": ["Abyssinian_4 1 1 1", "american_bulldog_5 2 2 1"],
}


@pytest.fixture
def pets(tmp_path):
    root = tmp_path / "oxford-iiit-pet"
    (root / "annotations").mkdir(parents=True)
    for split, lines in LISTS.items():
        (root / "annotations" / f"{split}.txt").write_text("\n".join(lines) + "\n")
        for line in lines:
            name = line.split()[0]
            save_picture(root / "images" / f"{name}.jpg")
            save_mask(root / "annotations" / "trimaps" / f"{name}.png", TRIMAP)
    return OxfordPets(directory=tmp_path)


def test_cats_are_told_from_dogs_with_the_pets_pixels(pets):
    train = ask(pets, 6, "cat", Segmentation()).read("train")
    assert train.labels.tolist() == [1, 0, 1]
    assert train.masks[0][0].tolist() == [1, 1, 1, VOID, 0, 0]
    assert not train.masks[1].any()


def test_both_species_have_a_label(pets):
    train = ask(pets, 6, None, Segmentation(), background=True).read("train")
    assert train.labels.tolist() == [0, 1, 0]
    assert train.masks[1][0].tolist() == [1, 1, 1, VOID, 2, 2]


def test_labels_are_torchvisions(pets):
    for split, own in (("train", "trainval"), ("test", "test")):
        reference = OxfordIIITPet(pets.directory, own, "binary-category")
        labels = ask(pets, 6, None, Classification()).read(split).labels
        assert labels.tolist() == [label for _, label in reference]


def test_evidence_and_missing_files(pets, tmp_path):
    source = open_source(pets)
    assert len(source.fingerprint("cat").files) == 10
    (tmp_path / "oxford-iiit-pet/annotations/trimaps/Bengal_3.png").unlink()
    assert "Bengal_3.png" in failure("LEGO403", lambda: source.fingerprint("cat"))
    failure("LEGO401", lambda: open_source(OxfordPets(directory=tmp_path / "nowhere")))


def test_a_list_of_something_else_is_an_error(pets, tmp_path):
    (tmp_path / "oxford-iiit-pet/annotations/test.txt").write_text("Abyssinian_4 1 3 1\n")
    question = ask(pets, 6, "cat", Classification())
    assert "Abyssinian_4 1 3 1" in failure("LEGO406", lambda: question.read("test"))


def test_a_trimap_with_other_numbers_is_an_error(pets, tmp_path):
    save_mask(tmp_path / "oxford-iiit-pet/annotations/trimaps/Bengal_3.png", np.full((4, 6), 4))
    question = ask(pets, 6, "cat", Segmentation())
    failure("LEGO405", lambda: question.read("train"))
