"""A question is refused where its source cannot answer it."""

from __future__ import annotations

from inspect import signature

import pytest
from small_pictures import failure, save_manifest, save_mask, save_picture

from legonet.data import TaskDataset, ask, open_source
from legonet.data.sources.digits import Digits
from legonet.data.sources.folder import Folder
from legonet.data.sources.manifest import Manifest
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.language.sources import SOURCES


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "test"):
        for category in ("cat", "dog"):
            save_picture(tmp_path / split / category / "1.png")
    return Folder(directory=tmp_path)


def test_an_unknown_category_is_refused_with_the_nearest_and_all_names(folder):
    message = failure("LEGO411", lambda: ask(folder, None, "dogs", Classification()))
    assert "a category with a similar name exists: `dog`" in message
    assert "`cat`, `dog`" in message
    failure("LEGO411", lambda: ask(Digits(), None, "background", Classification()))


def test_segmentation_needs_masks(folder):
    failure("LEGO412", lambda: ask(folder, None, "dog", Segmentation()))


def test_background_is_a_label_only_among_others_and_where_there_is_some(folder):
    failure("LEGO413", lambda: ask(folder, None, None, Classification(), background=True))
    failure("LEGO413", lambda: ask(Digits(), None, "3", Classification(), background=True))
    assert ask(Digits(), None, None, Classification(), background=True).outputs == 11


def test_a_question_put_together_by_hand_is_checked_too(folder):
    source = open_source(folder)
    failure("LEGO411", lambda: TaskDataset(source, 8, "bird", Classification()))


def plain(value):
    if isinstance(value, tuple):
        return all(plain(item) for item in value)
    return value is None or isinstance(value, (str, int))


def test_evidence_is_made_of_plain_values_and_files_that_are_there(folder):
    rows = [(f"{split}/cat/1.png", "cat", split) for split in ("train", "test")]
    save_manifest(folder.directory, rows, "path category split")
    for form in (Digits(), folder, Manifest(directory=folder.directory)):
        source = open_source(form)
        for category in (None, source.categories[0]):
            fingerprint = source.fingerprint(category)
            assert plain(fingerprint.values)
            assert str(folder.directory) not in repr(fingerprint.values)
            assert fingerprint.files
            assert all(file.is_file() for file in fingerprint.files)


def test_the_size_is_the_sources_own_unless_said(folder):
    assert ask(Digits(), None, "3", Classification()).size == 16
    assert ask(Digits(), 24, "3", Classification()).size == 24


@pytest.mark.parametrize(
    ("rows", "category", "goal", "word"),
    [
        ([("cat", "train"), ("background", "train")], "cat", Classification(), "`cat`"),
        ([("cat", "test"), ("background", "train")], "cat", Classification(), "background"),
        ([("cat", "test")], "cat", Classification(), "background"),
        ([("cat", "train"), ("background", "test")], None, Classification(), "labelled"),
    ],
)
def test_a_split_without_pictures_of_an_answer_is_an_error(tmp_path, rows, category, goal, word):
    save_picture(tmp_path / "x.png")
    save_manifest(tmp_path, [("x.png", *row) for row in rows], "path category split")
    question = ask(Manifest(directory=tmp_path), 8, category, goal)
    message = failure("LEGO414", lambda: question.read("test"))
    assert f"expected {word} pictures in the test split" in message


def test_for_segmentation_only_pictures_with_masks_count(tmp_path):
    save_picture(tmp_path / "x.png")
    save_mask(tmp_path / "m.png", [[255] * 6] * 4)
    rows = [
        ("x.png", "m.png", "cat", "train"),
        ("x.png", "", "cat", "test"),
        ("x.png", "", "background", "test"),
    ]
    save_manifest(tmp_path, rows)
    question = ask(Manifest(directory=tmp_path), 8, "cat", Segmentation())
    assert "with masks" in failure("LEGO414", lambda: question.read("test"))


def test_more_categories_than_a_mask_can_number_are_refused(tmp_path):
    save_picture(tmp_path / "x.png")
    save_mask(tmp_path / "m.png", [[255] * 6] * 4)
    rows = [("x.png", "m.png", f"c{number:03}", "train") for number in range(255)]
    save_manifest(tmp_path, rows)
    form = Manifest(directory=tmp_path)
    failure("LEGO416", lambda: ask(form, 8, None, Segmentation()))
    assert ask(form, 8, None, Classification()).outputs == 255
    save_manifest(tmp_path, rows[:254])
    most = ask(form, 4, None, Segmentation(), background=True).read("train")
    assert most.masks[253].min() == most.masks[253].max() == 253


@pytest.mark.parametrize("name", SOURCES.own)
def test_a_source_takes_the_arguments_of_its_form(name):
    form = SOURCES.get(name)
    assert form.call == name
    assert set(signature(form.opens).parameters) == set(form.model_fields)
