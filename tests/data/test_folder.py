"""A folder is read as torchvision's ImageFolder reads it."""

from __future__ import annotations

import errno
import os

import pytest
from PIL import Image
from small_pictures import BLUE, GREY, RED, failure, save_picture
from torchvision.datasets import ImageFolder

from legonet.data import ask, open_source
from legonet.data.sources.folder import Folder
from legonet.goals.classification import Classification


@pytest.fixture
def folder(tmp_path):
    directory = tmp_path / "set"
    for split, count in (("train", 3), ("val", 2)):
        for category, colour in (("dog", BLUE), ("cat", RED), ("background", GREY)):
            for number in range(count):
                save_picture(directory / split / category / f"{number}.JPG", colour)
        save_picture(directory / split / "cat" / "deeper" / "x.webp", RED)
        (directory / split / "cat" / "notes.txt").write_text("no picture")
        (directory / split / "readme.md").write_text("no category")
    return directory


def test_the_pictures_are_those_of_image_folder(folder):
    source = open_source(Folder(directory=folder))
    for split, name in (("train", "train"), ("test", "val")):
        reference = ImageFolder(folder / name)
        expected = [(path, reference.classes[label]) for path, label in reference.samples]
        found = [(str(path), category) for category, path in source._pictures[split]]
        assert found == expected


def test_background_is_what_a_category_is_told_from(folder):
    question = ask(Folder(directory=folder), 4, "cat", Classification())
    train = question.read("train")
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert abs(train.images[-1, 0, 0].astype(int) - RED).max() < 5
    everything = ask(Folder(directory=folder), 4, None, Classification(), background=True)
    assert everything.labels == ("cat", "dog", "background")
    assert everything.read("test").labels.tolist() == [2, 2, 0, 0, 0, 1, 1]


def test_evidence_is_of_the_category_and_stays_when_the_folder_moves(folder, tmp_path):
    before = open_source(Folder(directory=folder)).fingerprint("cat")
    assert len(before.files) == 12
    assert not any("dog" in file.parts for file in before.files)
    folder.rename(tmp_path / "moved")
    after = open_source(Folder(directory=tmp_path / "moved")).fingerprint("cat")
    assert after.values == before.values
    assert [f.relative_to(tmp_path / "moved") for f in after.files] == [
        f.relative_to(folder) for f in before.files
    ]


def test_test_goes_before_val(folder):
    for category in ("cat", "dog", "background"):
        save_picture(folder / "test" / category / "only.png")
    assert len(open_source(Folder(directory=folder)).examples("test")) == 3


def test_a_missing_folder_or_split_is_an_error(folder, tmp_path):
    failure("LEGO401", lambda: open_source(Folder(directory=tmp_path / "nowhere")))
    (folder / "val").rename(folder / "evaluation")
    message = failure("LEGO406", lambda: open_source(Folder(directory=folder)))
    assert "`test` or `val`" in message


def test_splits_with_different_categories_are_an_error(folder, tmp_path):
    (folder / "val" / "dog").rename(folder / "val" / "dogs")
    message = failure("LEGO406", lambda: open_source(Folder(directory=folder)))
    assert "`dog`" in message
    for split in ("train", "test"):
        (tmp_path / "empty" / split).mkdir(parents=True)
    message = failure("LEGO406", lambda: open_source(Folder(directory=tmp_path / "empty")))
    assert "none at all" in message


def test_what_programs_keep_beside_pictures_is_left_out(folder):
    before = open_source(Folder(directory=folder))._pictures
    beside = ("train/.ipynb_checkpoints", "train/cat/.thumbnails", "train/__MACOSX", "val/@eaDir")
    for place in beside:
        save_picture(folder / place / "0.jpg", RED)
    (folder / "val" / "cat" / "Thumbs.db").write_bytes(b"Windows")
    (folder / "train" / "cat" / "._0.JPG").write_bytes(b"Mac OS X")
    found = open_source(Folder(directory=folder))
    assert found._pictures == before
    assert found.categories == ("cat", "dog")
    assert found.skipped == {".md": 2, ".txt": 2, "hidden": 6}


def test_kinds_of_pictures_are_read_or_counted(folder):
    cats = folder / "train" / "cat"
    save_picture(cats / "a.jpg", RED)
    (cats / "a.jpg").rename(cats / "a.JFIF")
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    frames[0].save(cats / "b.gif", save_all=True, append_images=frames[1:])
    (cats / "IMG_1.HEIC").write_bytes(b"ftypheic")
    source = open_source(Folder(directory=folder))
    question = ask(Folder(directory=folder), 4, "cat", Classification()).read("train")
    seen = question.images[question.labels == 1]
    assert len(seen) == 6
    assert abs(seen.astype(int) - RED).max() < 5
    assert source.skipped[".heic"] == 1


def test_a_folder_that_cannot_be_read_is_an_error(folder, monkeypatch):
    closed, scandir = folder / "train" / "cat" / "deeper", os.scandir

    def refuse(place):
        if str(place) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    message = failure("LEGO401", lambda: open_source(Folder(directory=folder)))
    assert f"cannot read `{closed}`: permission denied" in message


def test_names_that_differ_in_their_case_are_pointed_out(folder):
    (folder / "val" / "dog").rename(folder / "val" / "Dog")
    message = failure("LEGO406", lambda: open_source(Folder(directory=folder)))
    assert "`dog`" in message


def test_links_are_followed_and_each_folder_is_read_once(folder, tmp_path):
    save_picture(tmp_path / "elsewhere" / "linked.png", BLUE)
    dogs = folder / "train" / "dog"
    (dogs / "more").symlink_to(tmp_path / "elsewhere")
    (dogs / "once_more").symlink_to(tmp_path / "elsewhere")
    (dogs / "around").symlink_to(folder / "train")
    (tmp_path / "elsewhere" / "back").symlink_to(dogs)
    found = [
        path.name
        for category, path in open_source(Folder(directory=folder))._pictures["train"]
        if category == "dog"
    ]
    assert found.count("linked.png") == 1
    assert len([name for name in found if name == "0.JPG"]) == 3


def test_folders_as_archives_unpack_them_are_explained(folder, tmp_path):
    message = failure("LEGO406", lambda: open_source(Folder(directory=tmp_path)))
    assert f"`{folder}` has both splits" in message
    message = failure("LEGO406", lambda: open_source(Folder(directory=folder / "train")))
    assert f"`{folder}` has both splits" in message
    for split in ("train", "val"):
        (folder / split).rename(folder / "moved")
        (folder / split).mkdir()
        (folder / "moved").rename(folder / split / split)
    message = failure("LEGO406", lambda: open_source(Folder(directory=folder)))
    assert "move what is in `train/train` up into `train`" in message
    assert "move what is in `val/val` up into `val`" in message
