"""A folder in the layout of PASCAL VOC becomes pictures with boxes; what is broken is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from small_pictures import failure, save_picture

from legonet.data import Source, TaskDataset, open_source
from legonet.data.sources.voc_detection import VocDetection
from legonet.goals.boxes import NO_LABEL, REGION
from legonet.goals.detection import Detection

Objects = Sequence[tuple[str, tuple[float, ...], int]]

PICTURES: dict[str, Objects] = {
    "a": [("cat", (1, 1, 5, 10), 0), ("dog", (3, 2, 20, 10), 0)],
    "b": [("dog", (11, 1, 20, 5), 1), ("dog", (1, 1, 2, 2), 0)],
    "c": [],
}


def annotation(objects: Objects, size: str = "<width>20</width><height>10</height>") -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    written = [
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>"
        + "".join(f"<{edge}>{at}</{edge}>" for edge, at in zip(names, box, strict=True))
        + "</bndbox></object>"
        for name, box, difficult in objects
    ]
    return f"<annotation><size>{size}</size>{''.join(written)}</annotation>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lists = tmp_path / "ImageSets" / "Main"
    for place in (lists, tmp_path / "Annotations"):
        place.mkdir(parents=True)
    for name, objects in PICTURES.items():
        save_picture(tmp_path / "JPEGImages" / f"{name}.jpg", size=(20, 10))
        (tmp_path / "Annotations" / f"{name}.xml").write_text(annotation(objects))
    (lists / "train.txt").write_text("a\nb\nc\n")
    (lists / "val.txt").write_text("a\n")
    return tmp_path


def opened(folder: Path) -> Source:
    return open_source(VocDetection(directory=folder))


def test_boxes_are_shares_and_difficult_ones_do_not_count(folder: Path) -> None:
    source = opened(folder)
    assert source.categories == ("cat", "dog")
    assert source.has_background
    assert [item.shows for item in source.examples("train")] == [("dog", "cat"), ("dog",), ()]
    found = TaskDataset(source, 8, None, Detection(), asked=("dog", "cat")).read("train").values
    assert found[0, 0].tolist() == pytest.approx([0, 0, 5 / 20, 1, 1, 1])
    assert found[0, 1].tolist() == pytest.approx([2 / 20, 1 / 10, 1, 1, 1, 0])
    assert found[1, 0].tolist() == pytest.approx([0.5, 0, 1, 0.5, REGION, 0])
    assert (found[2, :, 5] == NO_LABEL).all()


def test_the_test_pictures_are_on_the_list_test_or_val(folder: Path) -> None:
    assert len(opened(folder).examples("test")) == 1
    (folder / "ImageSets" / "Main" / "test.txt").write_text("b 1\nc -1\n")
    assert [item.shows for item in opened(folder).examples("test")] == [("dog",), ()]


def test_lists_pictures_and_annotations_determine_the_pictures(folder: Path) -> None:
    fingerprint = opened(folder).fingerprint(None)
    assert {file.suffix for file in fingerprint.files} == {".jpg", ".xml"}
    assert len(fingerprint.files) == 6
    assert str(folder) not in str(fingerprint.values)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "LEGO409", "a.xml"),
        ("<annotation>", "LEGO409", "XML"),
        ("<annotation></annotation>", "LEGO409", "`size/width`"),
        (annotation([], "<width>x</width><height>1</height>"), "LEGO409", "`x`"),
        (annotation([], "<width>0</width><height>0</height>"), "LEGO409", "0x0"),
        (annotation([("", (1, 1, 2, 2), 0)]), "LEGO409", "`name`"),
        (annotation([("cat", (1, 1, 2), 0)][:0]) + "<", "LEGO409", "XML"),
        (annotation([("cat", (5, 1, 4, 2), 0)]), "LEGO410", "cat"),
        (annotation([("cat", (5, 1, 40, 2), 0)]), "LEGO410", "20x10"),
    ],
)
def test_a_broken_annotation_is_told(folder: Path, text: str, code: str, told: str) -> None:
    (folder / "Annotations" / "a.xml").write_text(text)
    assert told in failure(code, lambda: opened(folder))


def test_a_missing_edge_is_told(folder: Path) -> None:
    text = annotation([("cat", (1, 1, 2, 2), 0)]).replace("<xmax>2</xmax>", "")
    (folder / "Annotations" / "a.xml").write_text(text)
    assert "`bndbox/xmax`" in failure("LEGO409", lambda: opened(folder))


@pytest.mark.parametrize("file", ["Annotations/b.xml", "JPEGImages/b.jpg"])
def test_a_missing_file_is_told(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert Path(file).name in failure("LEGO403", lambda: opened(folder))


def test_a_missing_list_or_folder_is_told(folder: Path) -> None:
    failure("LEGO401", lambda: opened(folder / "none"))
    (folder / "ImageSets" / "Main" / "train.txt").unlink()
    assert "`train.txt`" in failure("LEGO406", lambda: opened(folder))


def test_a_picture_of_another_size_is_refused(folder: Path) -> None:
    save_picture(folder / "JPEGImages" / "b.jpg", size=(10, 10))
    source = opened(folder)
    failure("LEGO410", lambda: source.read("train", source.examples("train"), 8))
