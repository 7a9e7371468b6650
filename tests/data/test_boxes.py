"""Boxes of manifests: read, checked, and moved along with their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_pictures import GREY, RED, failure, save_manifest, save_picture

from legonet.data import TaskDataset, ask, open_source
from legonet.data.boxes import share_of_box
from legonet.data.pictures import Pictures
from legonet.data.sources.manifest import Manifest
from legonet.distill.augmentation import shifted
from legonet.goals.boxes import NO_LABEL
from legonet.goals.classification import Classification
from legonet.goals.detection import Detection

COLUMNS = "path category split where"

ROWS = [
    ("1.png", "cat", "train", "1 1 3 4"),
    ("2.png", "cat | dog", "train", "0 0 2 2; 3 1 6 4 dog; 2 2 3 3"),
    ("3.png", "background", "train", ""),
    ("4.png", "dog", "train", ""),
    ("5.png", "dog", "test", "0 0 6 4"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, *_ in ROWS:
        save_picture(tmp_path / name)
    return save_manifest(tmp_path, ROWS, COLUMNS)


def boxed(folder: Path, asked: tuple[str, ...] = ("dog", "cat"), **fields: object) -> TaskDataset:
    """Return the dataset of a detector's edge."""
    source = open_source(Manifest(directory=folder, boxes="where"))
    return TaskDataset(source, 12, None, Detection(), asked=asked, **fields)


def test_boxes_are_shares_of_the_picture_numbered_like_the_labels(folder: Path) -> None:
    pictures = boxed(folder).read("train")
    assert pictures.images.shape == (3, 12, 12, 3), "the boxes of 4.png are not known"
    first, second, third = pictures.values
    assert first[0].tolist() == pytest.approx([1 / 6, 1 / 4, 1 / 2, 1, 1, 1])
    assert second[:, 5].tolist() == [1, 0, 1]
    assert second[1, :4].tolist() == pytest.approx([1 / 2, 1 / 4, 1, 1])
    assert (first[1:, 5] == NO_LABEL).all()
    assert (third[:, 5] == NO_LABEL).all(), "background"
    assert pictures.labels.tolist() == [0, 0, 0]


def test_boxes_of_other_labels_are_left_out(folder: Path) -> None:
    pictures = boxed(folder, ("bird", "dog")).read("train")
    assert [row[row[:, 5] != NO_LABEL][:, 5].tolist() for row in pictures.values] == [[], [1], []]
    assert boxed(folder, ("bird",)).knows_answers is False
    assert boxed(folder, only=("dog",)).read("train").images.shape[0] == 1
    assert "`cat`" in failure("LEGO414", lambda: boxed(folder, ("cat",)).read("test"))


def test_a_recipe_for_boxes_is_refused(folder: Path) -> None:
    form = Manifest(directory=folder, boxes="where")
    assert "teacher" in failure("LEGO418", lambda: ask(form, None, None, Detection()))


def test_boxes_count_in_what_determines_the_pictures(folder: Path) -> None:
    plain = open_source(Manifest(directory=folder)).fingerprint(None).values
    before = open_source(Manifest(directory=folder, boxes="where")).fingerprint(None).values
    assert plain[1:] == tuple((row[0], "", row[1], row[2]) for row in ROWS)
    save_manifest(folder, [(*ROWS[0][:3], "1 1 4 4"), *ROWS[1:]], COLUMNS)
    assert open_source(Manifest(directory=folder)).fingerprint(None).values == plain
    after = open_source(Manifest(directory=folder, boxes="where")).fingerprint(None).values
    assert after != before


@pytest.mark.parametrize("cell", ["1 1 3", "a 1 3 4", "1,1,3,4", "1 1 3 nan", "1 1 3 4;", ";"])
def test_a_cell_that_holds_no_boxes_is_malformed(folder: Path, cell: str) -> None:
    save_manifest(folder, [(*ROWS[0][:3], cell), *ROWS[1:]], COLUMNS)
    assert "row 2" in failure("LEGO402", lambda: boxed(folder))


def test_a_box_without_a_category_is_malformed(folder: Path) -> None:
    save_manifest(folder, [*ROWS[:2], ("3.png", "background", "train", "1 1 2 2")], COLUMNS)
    assert "row 4" in failure("LEGO402", lambda: boxed(folder))


@pytest.mark.parametrize("cell", ["3 1 3 4", "3 1 1 4", "1 1 9 4", "-3 1 2 4", "1 1 3 7"])
def test_a_box_that_does_not_fit_its_picture_is_told(folder: Path, cell: str) -> None:
    save_manifest(folder, [(*ROWS[0][:3], cell), *ROWS[1:]], COLUMNS)
    assert "`1.png`" in failure("LEGO410", lambda: boxed(folder).read("train"))


def test_categories_may_stand_at_the_boxes_alone(folder: Path) -> None:
    rows = [(row[0], row[2], row[3] if len(row[3].split()) > 8 else "") for row in ROWS]
    rows[1] = ("2.png", "train", "0 0 2 2 cat; 3 1 6 4 dog")
    save_manifest(folder, rows, "path split where")
    source = open_source(Manifest(directory=folder, boxes="where"))
    assert source.categories == ("cat", "dog")
    assert [example.shows for example in source.examples("train")][1] == ("cat", "dog")
    plain = ask(Manifest(directory=folder, boxes="where"), 4, None, Classification())
    assert plain.read("train").labels.tolist() == [0]


def test_a_rounded_edge_is_moved_into_the_picture() -> None:
    assert share_of_box((-0.4, 0.0, 10.6, 5.0), (10, 10), "it") == (0.0, 0.0, 1.0, 0.5)


def test_boxes_surround_their_objects_after_resizing(tmp_path: Path) -> None:
    picture = Image.new("RGB", (60, 40), GREY)
    picture.paste(RED, (12, 8, 36, 24))
    picture.save(tmp_path / "1.png")
    row = ("1.png", "cat", "train", "12 8 36 24")
    save_manifest(tmp_path, [row, (*row[:2], "test", row[3])], COLUMNS)
    source = open_source(Manifest(directory=tmp_path, boxes="where"))
    found = TaskDataset(source, 20, None, Detection(), asked=("cat",)).read("test")
    red = found.images[0, ..., 1] < GREY[1] / 2  # the border is smoothed
    rows, columns = np.nonzero(red)
    expected = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 20
    assert found.values is not None
    assert found.values[0, 0, :4] == pytest.approx(expected)


@given(
    st.integers(0, 2**31),
    st.tuples(st.integers(0, 31), st.integers(0, 31), st.integers(1, 32), st.integers(1, 32)),
)
def test_boxes_are_shifted_along_with_their_objects(
    seed: int, box: tuple[int, int, int, int]
) -> None:
    """What a shift leaves of an object is inside of its box, which leaves with the object."""
    size, (left, top, right, lower) = 32, box
    if not (left < right and top < lower):
        return
    images = np.zeros((1, size, size, 3), np.uint8)
    # Each pixel says where it was, so that what the border reflects can be told apart.
    images[..., 0], images[..., 1] = np.meshgrid(np.arange(size), np.arange(size))
    images[0, top:lower, left:right, 2] = 255
    boxes = np.array([[[*(edge / size for edge in box), 1, 0]]], np.float32)
    pictures = Pictures(images, np.zeros(1, np.int64), values=boxes)
    moved = shifted(pictures, torch.Generator().manual_seed(seed), Detection())
    assert moved.values is not None
    (row,) = moved.values[0]
    across, down = (moved.images[0, 16, 16, axis].astype(int) - 16 for axis in (0, 1))
    expected = np.clip(np.array(box) - [across, down, across, down], 0, size)
    visible = expected[0] < expected[2] and expected[1] < expected[3]
    assert (row[5] != NO_LABEL) == visible
    if visible:
        assert row[:4] * size == pytest.approx(expected, abs=1e-4)
        first, above, last, below = expected
        assert (moved.images[0, above:below, first:last, 2] == 255).all()
