"""PASCAL-Part, on a small folder in its layout with annotations as its MATLAB files are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from PIL import Image
from small_pictures import BLUE, GREY, RED, failure

from legonet.data import ask, open_source
from legonet.data.sources import pascal_part
from legonet.data.sources.part_annotation import box_around, largest_square
from legonet.data.sources.pascal_part import PascalPart
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

WIDTH, HEIGHT = 200, 120
CAT, TABLE, DOG = 8, 11, 12
NAMES = {CAT: "cat", TABLE: "table", DOG: "dog"}
PARTS = {CAT: ("head", "leye", "torso"), TABLE: (), DOG: ("head", "muzzle")}

PICTURES = {
    "train": {
        "2008_000001": [(CAT, (20, 10, 80, 70))],
        "2008_000002": [(DOG, (0, 0, 60, 120)), (CAT, (40, 40, 90, 100))],
        "2008_000003": [(TABLE, (150, 70, 200, 120)), (DOG, (0, 0, 10, 10))],
        "2008_000004": [],
    },
    "val": {
        "2009_000001": [(CAT, (100, 20, 160, 80)), (DOG, (0, 20, 50, 90))],
        "2009_000002": [(DOG, (10, 10, 60, 110))],
    },
}
"""The objects of each picture: number of the category; left, top, right, bottom."""


def mask_of(box):
    left, top, right, bottom = box
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def struct(fields, entries):
    """Return a struct array of one row, as MATLAB writes them; an empty one is `[]`."""
    if not entries:
        return np.zeros((0, 0))
    array = np.empty((1, len(entries)), [(field, object) for field in fields])
    for place, entry in enumerate(entries):
        array[0, place] = entry
    return array


def annotation(name, objects):
    def entry(number, box):
        parts = [(part, mask_of((*box[:2], box[0] + 5, box[1] + 5))) for part in PARTS[number]]
        number_as_matlab_has_it = np.array([[number]], np.uint8)
        mask = mask_of(box)
        return (NAMES[number], number_as_matlab_has_it, mask, struct(("part_name", "mask"), parts))

    found = struct(("class", "class_ind", "mask", "parts"), [entry(*item) for item in objects])
    return {"anno": struct(("imname", "objects"), [(name, found)])}


def save_annotation(root, name, objects):
    file = root / "Annotations_Part" / f"{name}.mat"
    scipy.io.savemat(file, annotation(name, objects), do_compression=True)


def save_painted(file, objects):
    """Write a picture: cats red, all else blue, grey between them."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), GREY)
    for number, box in objects:
        picture.paste(RED if number == CAT else BLUE, box)
    picture.save(file, quality=95)


@pytest.fixture
def root(tmp_path):
    for folder in ("Annotations_Part", "JPEGImages", "ImageSets/Main", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    for split, pictures in PICTURES.items():
        for name, objects in pictures.items():
            save_annotation(tmp_path, name, objects)
            save_painted(tmp_path / "JPEGImages" / f"{name}.jpg", objects)
        lists = {"Main": [*pictures, "2011_000001"], "Segmentation": list(pictures)[:2]}
        for folder, names in lists.items():
            file = tmp_path / "ImageSets" / folder / f"{split}.txt"
            file.write_text("".join(f"{name}\n" for name in names))
    return tmp_path


@pytest.fixture
def form(root):
    return PascalPart(directory=root)


def test_an_object_with_a_margin_fills_each_picture(form):
    cats = ask(form, 40, "cat", Classification()).read("train")
    assert cats.labels.tolist() == [1, 1, 0, 0]
    first = open_source(form)._crops["train"][0]
    assert first.box == (14, 4, 86, 76)
    for picture in cats.images[:2]:
        assert np.abs(picture[20, 20].astype(int) - RED).max() < 12
        assert np.abs(picture[0, 20].astype(int) - GREY).max() < 60
    for picture in cats.images[2:]:
        assert np.abs(picture.astype(int) - GREY).max() < 40


def test_masks_are_the_pixels_of_the_categorys_objects(form):
    cats = ask(form, 72, "cat", Segmentation()).read("train")
    expected = np.zeros((72, 72), np.uint8)
    expected[6:66, 6:66] = 1
    assert (cats.masks[0] == expected).all()
    assert not cats.masks[2:].any()
    share_of_red = (cats.images[1].astype(int) @ [1, -1, -1] > 100).mean()
    assert abs((cats.masks[1] == 1).mean() - share_of_red) < 0.05


def test_every_category_in_a_crop_is_numbered_when_all_are_asked_for(form):
    question = ask(form, 50, None, Segmentation(), background=True)
    train = question.read("train")
    shown = [question.labels[label] for label in train.labels]
    assert shown == ["cat", "dog", "cat", "diningtable", "background", "background"]
    dog = train.masks[1]
    assert [question.labels[number] for number in np.unique(dog)] == ["cat", "dog", "background"]


def test_objects_too_small_to_be_recognised_are_left_out(form):
    dogs = ask(form, 20, "dog", Classification()).read("train")
    assert dogs.labels.tolist() == [1, 0, 0]


def test_background_touches_no_object_and_is_as_frequent_as_a_category(form):
    source = open_source(form)
    for split, own in (("train", "train"), ("test", "val")):
        crops = source._crops[split]
        backgrounds = [crop for crop in crops if crop.category is None]
        categories = {crop.category for crop in crops} - {None}
        objects = len(crops) - len(backgrounds)
        assert len(backgrounds) == -(-objects // len(categories))
        for crop in backgrounds:
            left, top, right, bottom = crop.box
            assert right - left == bottom - top >= 32
            # The small dog, which has no picture of its own, is no background either.
            for _, box in PICTURES[own][crop.name]:
                assert not mask_of(box)[top:bottom, left:right].any()


def test_pictures_that_are_not_annotated_are_left_out(form, root):
    source = open_source(form)
    names = {file.stem for file in source.fingerprint(None).files}
    assert "2011_000001" not in names
    assert names == {name for pictures in PICTURES.values() for name in pictures}


def test_the_lists_of_segmented_pictures_are_a_choice(root):
    source = open_source(PascalPart(directory=root, lists="Segmentation"))
    assert {crop.name for crop in source._crops["train"]} == {"2008_000001", "2008_000002"}
    assert len(source.fingerprint("cat").files) == 8


def test_evidence_stays_when_the_folder_moves_and_changes_with_its_lists(root, tmp_path):
    before = open_source(PascalPart(directory=root)).fingerprint("cat")
    for folder in ("Annotations_Part", "JPEGImages", "ImageSets"):
        (tmp_path / "moved").mkdir(exist_ok=True)
        (root / folder).rename(tmp_path / "moved" / folder)
    moved = open_source(PascalPart(directory=tmp_path / "moved"))
    assert moved.fingerprint("cat").values == before.values
    assert str(tmp_path) not in repr(before.values)
    assert [f.name for f in moved.fingerprint("cat").files] == [f.name for f in before.files]
    (tmp_path / "moved/Annotations_Part/2008_000001.mat").unlink()
    changed = open_source(PascalPart(directory=tmp_path / "moved")).fingerprint("cat")
    assert changed.values != before.values


def test_annotations_are_read_once_until_they_change(form, root, monkeypatch):
    read = []
    monkeypatch.setattr(
        pascal_part,
        "read_annotation",
        lambda file, real=pascal_part.read_annotation: read.append(file.stem) or real(file),
    )
    for _ in range(2):
        ask(form, 20, "cat", Segmentation()).read("train")
    assert sorted(read) == sorted(name for pictures in PICTURES.values() for name in pictures)
    save_annotation(root, "2008_000001", [(CAT, (0, 0, 100, 100))])
    ask(form, 20, "cat", Segmentation()).read("train")
    assert read[6:] == ["2008_000001"]
    assert open_source(form)._crops["train"][0].box == (0, 0, 110, 110)


@pytest.mark.parametrize("folder", ["Annotations_Part", "JPEGImages", "ImageSets/Main"])
def test_a_missing_folder_is_an_error(form, root, folder):
    (root / folder).rename(root / "away")
    message = failure("LEGO401", lambda: open_source(form))
    assert folder in message
    assert "beside `JPEGImages`" in message


def test_missing_lists_and_lists_of_other_pictures_are_errors(form, root):
    file = root / "ImageSets/Main/val.txt"
    file.write_text("2012_000001\n")
    assert "test split" in failure("LEGO406", lambda: open_source(form))
    file.unlink()
    assert "val.txt" in failure("LEGO406", lambda: open_source(form))


def test_a_missing_picture_is_an_error_already_for_the_plan(form, root):
    (root / "JPEGImages/2008_000002.jpg").unlink()
    source = open_source(form)
    assert "2008_000002.jpg" in failure("LEGO403", lambda: source.fingerprint("cat"))
    failure("LEGO403", lambda: ask(form, 20, "cat", Classification()).read("train"))


def test_a_category_without_pictures_is_an_error(form):
    question = ask(form, 20, "horse", Classification())
    assert "`horse`" in failure("LEGO414", lambda: question.read("train"))
    assert "diningtable" in failure("LEGO411", lambda: ask(form, 20, "table", Classification()))


def test_a_picture_of_another_size_than_its_masks_is_an_error(form, root):
    Image.new("RGB", (100, 60)).save(root / "JPEGImages/2008_000001.jpg")
    question = ask(form, 20, "cat", Classification())
    message = failure("LEGO405", lambda: question.read("train"))
    assert "100x60" in message
    assert "2008_000001" in message


def broken_annotations():
    good = annotation("2008_000001", PICTURES["train"]["2008_000001"])
    yield "no struct", {"anno": np.zeros((3, 3))}, "the reason is"
    yield "another struct", {"GTcls": good["anno"]}, "the reason is"
    yield "another picture", annotation("2008_000009", []), "`2008_000009`"
    without_mask = annotation("2008_000001", [(CAT, (0, 0, 50, 50))])
    without_mask["anno"]["objects"][0, 0]["mask"][0, 0] = np.zeros((0, 0))
    yield "no mask", without_mask, "no mask"
    stranger = annotation("2008_000001", [(CAT, (0, 0, 50, 50))])
    stranger["anno"]["objects"][0, 0]["class_ind"][0, 0] = np.array([[21]])
    yield "no category", stranger, "21"
    uneven = annotation("2008_000001", [(CAT, (0, 0, 50, 50)), (DOG, (0, 0, 50, 50))])
    uneven["anno"]["objects"][0, 0]["mask"][0, 1] = np.ones((50, 50), np.uint8)
    yield "two sizes", uneven, "differ in size"


@pytest.mark.parametrize(
    ("content", "reason"),
    [pytest.param(content, reason, id=name) for name, content, reason in broken_annotations()],
)
def test_an_annotation_of_something_else_is_named(form, root, content, reason):
    scipy.io.savemat(root / "Annotations_Part/2008_000001.mat", content)
    question = ask(form, 20, "cat", Classification())
    message = failure("LEGO404", lambda: question.read("train"))
    assert "2008_000001.mat" in message
    assert reason in message


@pytest.mark.parametrize("content", [b"", b"no matrix", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_damaged_annotation_is_named(form, root, content):
    (root / "Annotations_Part/2008_000001.mat").write_bytes(content)
    question = ask(form, 20, "cat", Classification())
    assert "2008_000001.mat" in failure("LEGO404", lambda: question.read("train"))


def test_an_object_without_pixels_has_no_box():
    assert box_around(np.zeros((50, 50), bool)) is None


def test_the_largest_square_is_found_wherever_it_is():
    random = np.random.default_rng(0)
    for _ in range(20):
        free = random.random((90, 70)) < 0.9995
        sides = np.zeros((91, 71), int)
        for row in range(90):
            for column in range(70):
                if free[row, column]:
                    around = sides[row, column], sides[row + 1, column], sides[row, column + 1]
                    sides[row + 1, column + 1] = 1 + min(around)
        left, top, right, bottom = largest_square(free)
        assert right - left == bottom - top == sides.max()
        assert free[top:bottom, left:right].all()
    assert largest_square(np.ones((31, 200), bool)) is None
    assert largest_square(np.ones((32, 200), bool)) == (0, 0, 32, 32)
    assert largest_square(np.zeros((100, 100), bool)) is None
