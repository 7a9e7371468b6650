"""Annotations in COCO's format become boxes, masks and points; what is broken is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from small_pictures import failure, save_picture

from legonet.data import VOID, Source, TaskDataset, ask, open_source
from legonet.data.sources.coco import Coco
from legonet.goals.boxes import NO_LABEL, REGION
from legonet.goals.classification import Classification
from legonet.goals.detection import Detection
from legonet.goals.segmentation import Segmentation

Change = Callable[[dict[str, Any]], object]

WIDTH, HEIGHT = 20, 10


def runs(left: int, right: int) -> dict[str, Any]:
    """Return columns of pixels as uncompressed run lengths."""
    counts = [HEIGHT * left, HEIGHT * (right - left), HEIGHT * (WIDTH - right)]
    return {"size": [HEIGHT, WIDTH], "counts": counts}


def compressed(left: int, right: int) -> dict[str, Any]:
    found = coco_masks.frPyObjects(runs(left, right), HEIGHT, WIDTH)
    return {"size": [HEIGHT, WIDTH], "counts": found["counts"].decode()}


POLYGON = [2.0, 2.0, 10.0, 2.0, 10.0, 8.0, 2.0, 8.0]

POINTS = [50, 1, 2, 0, 0, 0]
"""The first of them is outside."""

ANNOTATIONS: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "a/1.png", "width": WIDTH, "height": HEIGHT},
        {"id": 3, "file_name": "2.png", "width": WIDTH, "height": HEIGHT},
        {"id": 5, "file_name": "3.png", "width": WIDTH, "height": HEIGHT},
    ],
    "categories": [
        {"id": 18, "name": "dog", "keypoints": ["nose", "tail"]},
        {"id": 17, "name": "cat"},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 17, "bbox": [2, 2, 8, 6], "segmentation": [POLYGON]}
        | {"iscrowd": 0, "area": 48},
        {"id": 2, "image_id": 7, "category_id": 18, "bbox": [4, 0, 2, 10]}
        | {"segmentation": runs(4, 6), "keypoints": [5, 2, 2, 0, 0, 0]},
        {"id": 3, "image_id": 3, "category_id": 18, "bbox": [0, 0, 15, 10], "iscrowd": 1}
        | {"segmentation": compressed(1, 15)},
        {"id": 4, "image_id": 3, "category_id": 18, "bbox": [16, 0, 4.5, 10]},
    ],
}


def write(folder: Path, change: Change | None = None, name: str = "train.json") -> Path:
    """Write pictures and annotations; return the folder."""
    annotations = json.loads(json.dumps(ANNOTATIONS))
    for item in annotations["images"]:
        save_picture(folder / "images" / item["file_name"], size=(WIDTH, HEIGHT))
    if change is not None:
        change(annotations)
    (folder / name).write_text(json.dumps(annotations))
    return folder


def opened(folder: Path, **fields: Any) -> Source:
    given = {"annotations": folder / "train.json", "test_annotations": folder / "train.json"}
    return open_source(Coco(images=folder / "images", **given | fields))


def test_categories_have_their_names_and_the_largest_comes_first(tmp_path: Path) -> None:
    source = opened(write(tmp_path))
    assert source.categories == ("cat", "dog")
    assert source.has_background, "3.png has no objects"
    assert [example.shows for example in source.examples("train")] == [
        ("cat", "dog"),
        ("dog",),
        (),
    ]
    form = Coco(
        images=tmp_path / "images",
        annotations=tmp_path / "train.json",
        test_annotations=tmp_path / "train.json",
    )
    labelled = ask(form, 8, None, Classification(), background=True).read("train")
    assert labelled.labels.tolist() == [0, 1, 2]


def test_boxes_are_those_of_the_file(tmp_path: Path) -> None:
    source = opened(write(tmp_path))
    asked = ("dog", "cat")
    found = TaskDataset(source, 8, None, Detection(), asked=asked).read("test").values
    reference = COCO(tmp_path / "train.json")
    for rows, picture in zip(found, ANNOTATIONS["images"], strict=True):
        kept = rows[rows[:, 5] != NO_LABEL]
        expected = reference.loadAnns(reference.getAnnIds(picture["id"]))
        assert len(kept) == len(expected)
        for row, item in zip(kept, expected, strict=True):
            left, top, width, height = item["bbox"]
            edges = [left / WIDTH, top / HEIGHT, (left + width) / WIDTH, (top + height) / HEIGHT]
            assert row[:4].tolist() == pytest.approx([min(edge, 1) for edge in edges])
            assert row[4] == (REGION if item.get("iscrowd") else 1)
            assert asked[int(row[5])] == reference.loadCats(item["category_id"])[0]["name"]


def test_masks_are_those_of_pycocotools_and_smaller_objects_lie_above(tmp_path: Path) -> None:
    source = opened(write(tmp_path))
    assert source.has_masks
    _, masks = source.read("train", source.examples("train"), 20, ("dog", "cat"))
    assert masks is not None
    reference = COCO(tmp_path / "train.json")
    cat, dog = (reference.annToMask(reference.loadAnns(number)[0]) for number in (1, 2))
    expected = np.where(dog, 1, np.where(cat, 2, 0))
    assert np.array_equal(masks[0, ::2], expected)
    crowd = reference.annToMask(reference.loadAnns(3)[0])
    assert np.array_equal(masks[1, ::2, :15], crowd[:, :15])
    assert (masks[1, :, 16:] == VOID).all(), "an object without a mask"
    assert not masks[2].any()
    form = Coco(
        images=tmp_path / "images",
        annotations=tmp_path / "train.json",
        test_annotations=tmp_path / "train.json",
    )
    assert ask(form, 8, "cat", Segmentation()).read("train").masks is not None


def test_one_file_is_split_by_the_names_of_pictures(tmp_path: Path) -> None:
    def many(annotations: dict[str, Any], count: int = 40) -> None:
        annotations["annotations"].clear()
        annotations["images"] = [
            {"id": number, "file_name": f"{number}.png", "width": 4, "height": 4}
            for number in range(count)
        ]

    for number in range(60):
        save_picture(tmp_path / "images" / f"{number}.png", size=(4, 4))
    write(tmp_path, many)
    source = opened(tmp_path, test_annotations=None)
    counts = [len(source.examples(split)) for split in ("train", "test")]
    assert sum(counts) == 40
    assert 2 <= counts[1] <= 16
    write(tmp_path, lambda found: many(found, 60), "more.json")
    more = opened(tmp_path, annotations=tmp_path / "more.json", test_annotations=None)
    names = [
        {file.name for file in item.fingerprint(None).files[1 + len(item.examples("train")) :]}
        for item in (source, more)
    ]
    assert names[0] < names[1], "a picture stays in its split"


def test_pictures_of_another_size_than_annotated_are_refused(tmp_path: Path) -> None:
    source = opened(write(tmp_path))
    save_picture(tmp_path / "images" / "2.png", size=(HEIGHT, WIDTH))
    found = failure("LEGO410", lambda: source.read("train", source.examples("train"), 8))
    assert "found 10x20" in found


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda found: found.pop("categories"), "LEGO409", "`categories`"),
        (lambda found: found.update(images={}), "LEGO409", "a list `images`"),
        (lambda found: found["images"].append(found["images"][0]), "LEGO409", "7 again"),
        (lambda found: found["images"][0].pop("width"), "LEGO409", "`width`"),
        (lambda found: found["images"][0].update(height=0), "LEGO409", "`images[0]`"),
        (lambda found: found["images"][0].update(file_name="/1.png"), "LEGO409", "`images[0]`"),
        (lambda found: found["images"][1].update(file_name="4.png"), "LEGO403", "`4.png`"),
        (lambda found: found["annotations"][2].update(image_id=8), "LEGO409", "`annotations[2]`"),
        (lambda found: found["annotations"][1].update(category_id=1), "LEGO409", "found 1"),
        (lambda found: found["annotations"][0].update(bbox=[1, 2, 3]), "LEGO409", "`bbox`"),
        (lambda found: found["annotations"][0].update(bbox=[1, 2, 0, 3]), "LEGO410", "`a/1.png`"),
        (lambda found: found["annotations"][0].update(bbox=[1, 2, 3, 30]), "LEGO410", "20x10"),
        (lambda found: found["annotations"][1].update(keypoints=[1]), "LEGO409", "6 numbers"),
        (lambda found: found["annotations"][1].update(keypoints=POINTS), "LEGO410", "a point"),
    ],
)
def test_what_is_broken_is_told(tmp_path: Path, change: Change, code: str, told: str) -> None:
    write(tmp_path, change)
    assert told in failure(code, lambda: opened(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "[" * 100_000, "\x00"])
def test_what_is_no_json_is_told(tmp_path: Path, text: str) -> None:
    write(tmp_path)
    (tmp_path / "train.json").write_text(text)
    failure("LEGO409", lambda: opened(tmp_path))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    failure("LEGO401", lambda: opened(tmp_path, annotations=tmp_path / "none.json"))


def test_objects_that_do_not_fit_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, lambda found: found["annotations"][0].update(bbox=[1, 2, 0, 3]))
    source = opened(tmp_path, leave_out_broken=True)
    assert next(example.shows for example in source.examples("test")) == ("dog",)


@pytest.mark.parametrize(
    "segmentation",
    [
        *([[1, 2]], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, float("inf")]], [5], "polygon"),
        *({"size": [1, 1], "counts": []}, {"size": [HEIGHT, WIDTH], "counts": [5]}),
        *({"size": [HEIGHT, WIDTH], "counts": "zzzz~~"}, {"counts": 5}),
    ],
)
def test_a_broken_mask_is_told(tmp_path: Path, segmentation: object) -> None:
    write(tmp_path, lambda found: found["annotations"][0].update(segmentation=segmentation))
    source = opened(tmp_path)
    found = failure(
        "LEGO409", lambda: source.read("train", source.examples("train"), 8, source.categories)
    )
    assert "`annotations[0]` of `a/1.png`" in found


def test_the_files_determine_the_pictures(tmp_path: Path) -> None:
    source = opened(write(tmp_path))
    files = {file.name for file in source.fingerprint(None).files}
    assert files == {"train.json", "1.png", "2.png", "3.png"}
    assert str(tmp_path) not in str(source.fingerprint(None).values)


def test_a_folder_beside_the_one_that_is_meant_is_pointed_out(tmp_path: Path) -> None:
    def below(found: dict[str, Any]) -> None:
        for picture in found["images"]:
            picture["file_name"] = f"images/{picture['file_name']}"

    write(tmp_path, below)
    told = failure("LEGO403", lambda: opened(tmp_path))
    assert f"the picture is there from `{tmp_path}`" in told
