"""VOC and SBD, on small folders in their layouts, against torchvision's own classes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from small_pictures import failure, save_mask, save_picture
from torchvision.datasets import SBDataset, VOCSegmentation

from legonet.data import VOID, ask, open_source
from legonet.data.sources.voc import CATEGORIES, Sbd, Voc
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

CAT, DOG = 8, 12

MASKS = {
    "train": {
        "a": [[0, 0, 255, CAT, CAT, CAT]] * 4,
        "b": [[DOG, DOG, DOG, CAT, 0, 0]] * 4,
        "c": [[20, 20, 0, 0, 0, 0]] * 4,
    },
    "val": {"d": [[CAT] * 6] * 4, "e": [[1] * 6] * 4},
}


@pytest.fixture(params=["2012", "2011"])
def voc(tmp_path, request):
    above = "TrainVal" if request.param == "2011" else ""
    root = tmp_path / above / "VOCdevkit" / f"VOC{request.param}"
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for split, masks in MASKS.items():
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in masks))
        for level, (name, mask) in enumerate(masks.items()):
            save_picture(root / "JPEGImages" / f"{name}.jpg", (level * 50, 0, 0))
            save_mask(root / "SegmentationClass" / f"{name}.png", mask, palette=True)
    return Voc(directory=tmp_path, year=request.param)


@pytest.fixture
def sbd(tmp_path):
    (tmp_path / "cls").mkdir()
    for split, masks in MASKS.items():
        (tmp_path / f"{split}.txt").write_text("".join(f"{name}\n" for name in masks))
        for name, mask in masks.items():
            save_picture(tmp_path / "img" / f"{name}.jpg")
            numbers = np.where(np.array(mask) == VOID, 0, mask).astype(np.uint8)
            content = np.array([(numbers,)], dtype=[("Segmentation", object)])
            scipy.io.savemat(tmp_path / "cls" / f"{name}.mat", {"GTcls": content})
    return Sbd(directory=tmp_path)


def test_a_category_is_told_from_pictures_that_do_not_show_it(voc):
    train = ask(voc, 6, "cat", Segmentation()).read("train")
    assert train.labels.tolist() == [1, 1, 0]
    assert [mask[0].tolist() for mask in train.masks] == [
        [0, 0, VOID, 1, 1, 1],
        [0, 0, 0, 1, 0, 0],
        [0] * 6,
    ]
    dog = ask(voc, 6, "dog", Classification()).read("train")
    assert dog.labels.tolist() == [0, 1, 0]


def test_the_most_prominent_category_is_a_pictures_label(voc):
    question = ask(voc, 6, None, Segmentation(), background=True)
    train = question.read("train")
    assert [question.labels[label] for label in train.labels] == ["cat", "dog", "tvmonitor"]
    assert train.masks[1][0].tolist() == [DOG - 1, DOG - 1, DOG - 1, CAT - 1, 20, 20]
    void = ask(voc, 6, None, Segmentation()).read("train")
    assert void.masks[1][0].tolist() == [DOG - 1, DOG - 1, DOG - 1, CAT - 1, VOID, VOID]


def test_voc_is_read_as_torchvision_reads_it(voc):
    source = open_source(voc)
    for split, image_set in (("train", "train"), ("test", "val")):
        reference = VOCSegmentation(voc.directory, voc.year, image_set)
        examples = source.examples(split)
        images, masks = source.read(split, examples, 6, CATEGORIES)
        assert len(examples) == len(reference)
        for index, (picture, mask) in enumerate(reference):
            assert (images[index] == np.asarray(picture.resize((6, 6), 2))).all()
            assert (masks[index][::6] == np.asarray(mask)[::4]).all()


def test_sbd_is_read_as_torchvision_reads_it(sbd):
    source = open_source(sbd)
    reference = SBDataset(sbd.directory, "train", "segmentation")
    examples = source.examples("train")
    _, masks = source.read("train", examples, 6, CATEGORIES)
    assert len(examples) == len(reference) == 3
    for index, (_, mask) in enumerate(reference):
        assert (masks[index][0] == np.asarray(mask)[0]).all()
    assert ask(sbd, 6, "cat", Segmentation()).read("test").labels.tolist() == [1, 0]


def test_evidence_is_all_pictures_and_masks_of_both_splits(voc, sbd):
    for form in (voc, sbd):
        fingerprint = open_source(form).fingerprint("cat")
        assert len(fingerprint.files) == 10
        assert str(form.directory) not in repr(fingerprint.values)


def test_a_missing_picture_is_an_error_already_for_the_plan(voc):
    file = next(voc.directory.glob("**/JPEGImages/b.jpg"))
    file.unlink()
    source = open_source(voc)
    assert "b.jpg" in failure("LEGO403", lambda: source.fingerprint("cat"))
    failure("LEGO403", lambda: ask(voc, 6, "cat", Classification()).read("train"))


def test_a_missing_list_is_an_error(voc):
    next(voc.directory.glob("**/Segmentation/val.txt")).unlink()
    failure("LEGO406", lambda: open_source(voc).fingerprint(None))


def test_a_missing_data_set_is_an_error(tmp_path):
    assert "VOC 2007" in failure(
        "LEGO401", lambda: open_source(Voc(directory=tmp_path, year="2007"))
    )
    failure("LEGO401", lambda: open_source(Sbd(directory=tmp_path)))


def test_unknown_numbers_in_a_mask_are_an_error(voc):
    file = next(voc.directory.glob("**/SegmentationClass/b.png"))
    save_mask(file, [[21] * 6] * 4, palette=True)
    question = ask(voc, 6, None, Segmentation(), background=True)
    assert "found 21" in failure("LEGO405", lambda: question.read("train"))


def test_a_damaged_mask_is_named(sbd):
    (sbd.directory / "cls" / "b.mat").write_bytes(b"no matrix")
    question = ask(sbd, 6, "cat", Segmentation())
    assert "b.mat" in failure("LEGO404", lambda: question.read("train"))
