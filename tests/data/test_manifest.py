"""A manifest's rows become pictures with labels and masks, and its mistakes errors."""

from __future__ import annotations

import numpy as np
import pytest
from small_pictures import BLUE, GREEN, GREY, RED, failure, save_manifest, save_mask, save_picture

from legonet.data import VOID, ask, open_source
from legonet.data.sources.manifest import Manifest
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

CLASSIFICATION = Classification()

MASK = [[0, 0, 128, 255, 255, 255]] * 4

ROWS = [
    ("images/b.png", "", "background", "train"),
    ("images/cat1.png", "masks/cat1.png", "cat", "train"),
    ("images/cat2.png", "", "cat", "train"),
    ("images/dog.png", "masks/dog.png", "dog", "train"),
    ("images/cat3.png", "masks/cat3.png", "cat", "test"),
    ("images/dog2.png", "masks/dog2.png", "dog", "test"),
    ("images/b2.png", "", "background", "test"),
]
COLOURS = {"background": GREY, "cat": RED, "dog": BLUE}


@pytest.fixture
def folder(tmp_path):
    directory = save_manifest(tmp_path / "set", ROWS)
    for path, mask, category, _ in ROWS:
        save_picture(directory / path, COLOURS[category])
        if mask:
            save_mask(directory / mask, MASK)
    return directory


def question(folder, category, goal=CLASSIFICATION, size=6, background=False):
    return ask(Manifest(directory=folder), size, category, goal, background)


def colours(pictures):
    return [tuple(image[0, 0].tolist()) for image in pictures.images]


def test_one_category_is_told_from_the_background_alone(folder):
    train = question(folder, "cat").read("train")
    assert train.labels.tolist() == [0, 1, 1]
    assert colours(train) == [GREY, RED, RED]
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert question(folder, "cat").outputs == 1


def test_without_background_a_category_is_told_from_the_others(folder):
    save_manifest(folder, [row for row in ROWS if row[2] != "background"])
    train = question(folder, "cat").read("train")
    assert train.labels.tolist() == [1, 1, 0]
    assert colours(train) == [RED, RED, BLUE]


def test_all_categories_have_a_label_each_and_background_only_when_asked_for(folder):
    everything = question(folder, None)
    assert everything.labels == ("cat", "dog")
    assert everything.read("train").labels.tolist() == [0, 0, 1]
    with_background = question(folder, None, background=True)
    assert with_background.labels == ("cat", "dog", "background")
    assert with_background.outputs == 3
    assert with_background.read("train").labels.tolist() == [2, 0, 0, 1]


def test_masks_keep_void_and_leave_out_pictures_without_one(folder):
    train = question(folder, "cat", Segmentation()).read("train")
    assert train.labels.tolist() == [0, 1]
    assert not train.masks[0].any()
    assert train.masks[1][0].tolist() == [0, 0, VOID, 1, 1, 1]
    assert train.masks.dtype == np.uint8


def test_masks_are_resized_to_the_nearest_pixel(folder):
    train = question(folder, "cat", Segmentation(), size=12).read("train")
    assert train.masks[1][0].tolist() == [0] * 4 + [VOID] * 2 + [1] * 6


def test_masks_of_all_categories_hold_labels(folder):
    void = question(folder, None, Segmentation()).read("train")
    assert [mask[0].tolist() for mask in void.masks] == [
        [VOID, VOID, VOID, 0, 0, 0],
        [VOID, VOID, VOID, 1, 1, 1],
    ]
    label = question(folder, None, Segmentation(), background=True).read("train")
    assert [mask[0].tolist() for mask in label.masks] == [
        [2] * 6,
        [2, 2, VOID, 0, 0, 0],
        [2, 2, VOID, 1, 1, 1],
    ]


def test_evidence_is_of_the_category_and_the_background(folder):
    source = open_source(Manifest(directory=folder))
    names = [file.relative_to(folder).as_posix() for file in source.fingerprint("dog").files]
    assert names == [
        "images/b.png",
        "images/dog.png",
        "masks/dog.png",
        "images/dog2.png",
        "masks/dog2.png",
        "images/b2.png",
    ]
    assert str(folder) not in repr(source.fingerprint("dog").values)
    assert len(source.fingerprint(None).files) == 11


def test_evidence_changes_with_what_it_is_evidence_of_and_with_nothing_else(folder, tmp_path):
    before = open_source(Manifest(directory=folder))
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    rows = [row for row in ROWS if row[2] != "dog"]
    save_manifest(moved, rows)
    after = open_source(Manifest(directory=moved))
    assert before.fingerprint("cat").values == after.fingerprint("cat").values
    assert before.fingerprint(None).values != after.fingerprint(None).values
    other_split = [(*row[:3], "train") if row[0] == "images/cat3.png" else row for row in rows]
    save_manifest(moved, other_split)
    changed = open_source(Manifest(directory=moved))
    assert changed.fingerprint("cat").values != after.fingerprint("cat").values


def test_only_keeps_the_rows_of_one_source(folder):
    rows = [(*row, "voc" if index % 2 else "other") for index, row in enumerate(ROWS)]
    save_manifest(folder, rows, "path mask_path category split source")
    source = open_source(Manifest(directory=folder, only="voc"))
    assert [row.path for row in source.rows] == [row[0] for row in ROWS[1::2]]
    message = failure("LEGO402", lambda: open_source(Manifest(directory=folder, only="vocc")))
    assert "`voc`" in message


def test_masks_are_no_column_that_a_manifest_needs(folder):
    save_manifest(folder, [(row[0], row[2], row[3]) for row in ROWS], "path category split")
    assert len(question(folder, "cat").read("train")) == 3
    failure("LEGO412", lambda: question(folder, "cat", Segmentation()))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "at least one row"),
        ("path,category,split\n", "at least one row"),
        ("path,kind,split\nx.png,cat,train\n", "`category`"),
        ("path,category,split\nx.png,cat,training\n", "`training`"),
        ("path,category,split\nx.png,cat\n", "row 2"),
        ("path,category,split\nx.png,,train\n", "category in row 2"),
        ("path,category,split\n,cat,train\n", "path in row 2"),
        ("path,category,split\n/x.png,cat,train\n", "`/x.png`"),
        (b"path,category,split\n\xff.png,cat,train\n", "UTF-8"),
    ],
)
def test_a_malformed_manifest_is_an_error(tmp_path, text, word):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "manifest.csv").write_bytes(data)
    message = failure("LEGO402", lambda: open_source(Manifest(directory=tmp_path)))
    assert word in message
    assert "manifest.csv" in message


def test_a_missing_manifest_is_an_error(tmp_path):
    message = failure("LEGO401", lambda: open_source(Manifest(directory=tmp_path / "nowhere")))
    assert "nowhere" in message
    (tmp_path / "file").write_text("no manifest")
    failure("LEGO402", lambda: open_source(Manifest(directory=tmp_path / "file")))


def test_a_manifest_of_another_name_is_given_as_a_file(folder):
    whole = open_source(Manifest(directory=folder))
    (folder / "manifest.csv").rename(folder / "list.csv")
    found = open_source(Manifest(directory=folder / "list.csv"))
    assert found.fingerprint(None) == whole.fingerprint(None)
    failure("LEGO401", lambda: open_source(Manifest(directory=folder)))


def test_missing_files_are_counted_and_the_first_is_named(folder):
    (folder / "images/dog.png").unlink()
    (folder / "masks/dog2.png").unlink()
    message = failure("LEGO403", lambda: open_source(Manifest(directory=folder)))
    assert "2 of them" in message
    assert "`images/dog.png`" in message


def test_an_unreadable_picture_is_named(folder):
    whole = (folder / "images/cat2.png").read_bytes()
    for damaged in (b"no picture", whole[:45], b""):
        (folder / "images/cat2.png").write_bytes(damaged)
        message = failure("LEGO404", lambda: question(folder, "cat").read("train"))
        assert "`images/cat2.png`" in message


def test_a_mask_of_another_size_is_an_error(folder):
    save_mask(folder / "masks/cat1.png", np.zeros((3, 6)))
    read = question(folder, "cat", Segmentation()).read
    message = failure("LEGO405", lambda: read("train"))
    assert "6x4" in message
    assert "6x3" in message
    assert "`masks/cat1.png`" in message


def test_a_mask_with_other_numbers_is_an_error(folder):
    save_mask(folder / "masks/cat1.png", [[0, 0, 128, 255, 254, 255]] * 4)
    read = question(folder, "cat", Segmentation()).read
    message = failure("LEGO405", lambda: read("train"))
    assert "found 254" in message


def test_pictures_are_squashed_as_a_whole(folder):
    # Left half red, right half green: a crop would lose one of them.
    from PIL import Image

    picture = Image.new("RGB", (80, 20), RED)
    picture.paste(GREEN, (40, 0, 80, 20))
    picture.save(folder / "images/cat2.png")
    image = question(folder, "cat", size=8).read("train").images[2]
    assert image.shape == (8, 8, 3)
    assert (image[:, :3] == RED).all()
    assert (image[:, 5:] == GREEN).all()


@pytest.mark.photographs
def test_the_animals_have_the_counts_of_their_readme(shared_data):
    counts = {"cat": 500, "cow": 262, "dog": 500, "horse": 444, "sheep": 299}
    source = open_source(Manifest(directory=shared_data / "animals"))
    assert source.categories == tuple(sorted(counts))
    examples = source.examples("train")
    for category, count in counts.items():
        assert sum(example.shows == (category,) for example in examples) == count
    assert sum(not example.shows for example in examples) == 601


@pytest.mark.photographs
def test_animal_masks_cover_what_the_manifest_says(shared_data):
    import csv

    with (shared_data / "animals/manifest.csv").open(encoding="utf-8") as stream:
        lines = [line for line in csv.DictReader(stream) if line["split"] == "test"]
    expected = [float(line["fg_fraction"]) for line in lines if line["category"] == "cow"]
    pictures = question(shared_data / "animals", "cow", Segmentation(), 128).read("test")
    found = (pictures.masks[pictures.labels == 1] == 1).mean(axis=(1, 2))
    assert len(expected) == 71
    assert np.abs(found - expected).max() < 0.01
    assert not pictures.masks[pictures.labels == 0].any()


TABLE = [
    ["path", "mask_path", "category", "split"],
    ["a/1.png", "", "cat", "train"],
    ["a/2.png", "", "dog", "test"],
]


def rows_in(directory, table, separator=",", encoding="utf-8", newline="\n"):
    """Write a table with its pictures, and return the rows that are read of it."""
    for path, *_ in table[1:]:
        save_picture(directory / path.replace("\\", "/"))
    text = "".join(separator.join(row) + newline for row in table)
    (directory / "manifest.csv").write_bytes(text.encode(encoding))
    return open_source(Manifest(directory=directory)).rows


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_of_any_land_and_system_are_read(tmp_path, separator, encoding, newline):
    expected = rows_in(tmp_path / "plain", TABLE)
    assert rows_in(tmp_path / "other", TABLE, separator, encoding, newline) == expected
    assert len(expected) == 2


@pytest.mark.parametrize(
    "headings",
    [
        ["Path", "MASK_PATH", "Category", "Split"],
        ["FILE", "Mask Path", "label", "Subset"],
        ["filename", "mask-path", "Class", "SPLIT"],
    ],
)
def test_columns_are_found_under_the_names_that_people_give_them(tmp_path, headings):
    expected = rows_in(tmp_path / "plain", TABLE)
    assert rows_in(tmp_path / "other", [headings, *TABLE[1:]]) == expected


def test_the_name_itself_goes_before_any_other(tmp_path):
    table = [[*row, "unread"] for row in TABLE]
    table[0][-1] = "Filename"
    assert rows_in(tmp_path / "other", table) == rows_in(tmp_path / "plain", TABLE)


def test_two_columns_that_may_be_meant_are_an_error(tmp_path):
    table = [["file", "image", "category", "split"], ["1.png", "2.png", "cat", "train"]]
    message = failure("LEGO402", lambda: rows_in(tmp_path, table))
    assert "expected one column `path`, found `file` and `image`" in message


def test_a_column_that_is_not_needed_is_found_under_its_own_name_alone(tmp_path):
    table = [["path", "mask", "category", "split"], ["1.png", "no", "cat", "train"]]
    assert rows_in(tmp_path, table)[0].mask == ""


def test_paths_of_windows_are_found(tmp_path):
    table = [[cell.replace("/", "\\") for cell in row] for row in TABLE]
    assert rows_in(tmp_path / "other", table) == rows_in(tmp_path / "plain", TABLE)
    table[1][0] = "C:\\pictures\\1.png"
    message = failure("LEGO402", lambda: rows_in(tmp_path / "absolute", table))
    assert "relative to the folder in row 2" in message


def test_splits_in_other_letters_are_known_and_val_is_explained(tmp_path):
    table = [[*row[:3], row[3].upper()] for row in TABLE]
    table[0][3] = "split"
    assert [row.split for row in rows_in(tmp_path / "upper", table)] == ["train", "test"]
    table[2][3] = "val"
    message = failure("LEGO402", lambda: rows_in(tmp_path / "val", table))
    assert "call pictures that are measured `test`" in message
