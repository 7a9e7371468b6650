"""All pictures of a source are looked at, and everything that is wrong is found at once."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_pictures import BLUE, RED, save_manifest, save_mask, save_picture

from legonet.data import Source, open_source
from legonet.data.sources.digits import Digits
from legonet.data.sources.folder import Folder
from legonet.data.sources.manifest import Manifest
from legonet.data.survey import Asked, survey

SIZE = 8


def noise(file: Path, seed: int) -> None:
    """Write a picture that is like no other."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seed = 0
    for split, count in (("train", 40), ("test", 5)):
        for category in ("cat", "dog"):
            for number in range(count):
                noise(tmp_path / split / category / f"{number:02}.png", seed := seed + 1)
    return tmp_path


def asked(source: Source) -> Asked:
    return Asked(
        source,
        SIZE,
        {"train": list(source.examples("train")), "test": list(source.examples("test"))},
    )


def test_every_damaged_picture_is_found_with_its_name(folder: Path) -> None:
    (folder / "train/cat/03.png").write_bytes(b"")
    (folder / "train/dog/39.png").write_bytes(b"<html>")
    whole = (folder / "test/cat/00.png").read_bytes()
    (folder / "test/cat/00.png").write_bytes(whole[: len(whole) // 2])
    source = open_source(Folder(directory=folder))
    found = survey(asked(source))
    names = [source.name_of(*damage.place) for damage in found.damages]
    assert names == ["train/cat/03.png", "train/dog/39.png", "test/cat/00.png"]
    assert {item.code for damage in found.damages for item in damage.diagnostics} == {"LEGO404"}


def test_the_same_picture_is_found_in_any_format_and_under_any_name(folder: Path) -> None:
    Image.open(folder / "train/cat/07.png").save(folder / "test/dog/another.bmp")
    source = open_source(Folder(directory=folder))
    ((first, second),) = survey(asked(source)).alike
    assert source.name_of(*first) == "train/cat/07.png"
    assert source.name_of(*second) == "test/dog/another.bmp"


def test_masks_are_read_of_the_pictures_that_are_asked_for(tmp_path: Path) -> None:
    rows = []
    for number in range(4):
        save_picture(tmp_path / f"{number}.png", (number, 0, 0), (4, 4))
        rows.append([f"{number}.png", f"m{number}.png", "cat", ("train", "test")[number % 2]])
    save_mask(tmp_path / "m0.png", np.full((4, 4), 255))
    save_mask(tmp_path / "m1.png", np.eye(4))
    save_mask(tmp_path / "m2.png", np.zeros((4, 4)))
    save_mask(tmp_path / "m3.png", np.full((2, 4), 255))
    source = open_source(Manifest(directory=save_manifest(tmp_path, rows)))
    plain = asked(source)
    assert survey(plain) == survey(plain)
    assert not survey(plain).damages
    places = [(split, item) for split, items in plain.pictures.items() for item in items]
    found = survey(Asked(source, SIZE, plain.pictures, dict.fromkeys(places, ("cat",))))
    assert [source.name_of(*place) for place in found.empty] == ["2.png"]
    first, second = (damage.diagnostics[0] for damage in found.damages)
    assert "multiply its pixels by 255" in first.help[0]
    assert "4x4 pixels, like its picture, found 4x2" in second.message


def test_a_source_in_one_file_is_read_in_large_parts() -> None:
    source = open_source(Digits())
    reads = []
    read = source.read

    def counted(*arguments: object) -> object:
        reads.append(arguments)
        return read(*arguments)  # type: ignore[arg-type]

    source.read = counted  # type: ignore[method-assign, assignment]
    assert not survey(asked(source)).damages
    assert len(reads) == 2


def test_an_interruption_ends_the_threads(folder: Path) -> None:
    def interrupt(seen: int, total: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        survey(asked(open_source(Folder(directory=folder))), interrupt)
    assert threading.active_count() == before


def test_progress_goes_up_to_all_pictures(folder: Path) -> None:
    (folder / "train/cat/03.png").write_bytes(b"")
    told: list[tuple[int, int]] = []
    survey(asked(open_source(Folder(directory=folder))), lambda *numbers: told.append(numbers))
    assert told == sorted(told)
    assert told[-1] == (90, 90)


@pytest.mark.parametrize("transparent", [True, False])
def test_a_mask_is_grey_and_not_transparent(tmp_path: Path, transparent: bool) -> None:
    save_picture(tmp_path / "a.png", RED, (4, 4))
    mask = Image.new("RGBA", (4, 4), (255, 255, 255, 255))
    if transparent:
        mask.putpixel((0, 0), (255, 255, 255, 0))
    mask.save(tmp_path / "m.png")
    rows = [["a.png", "m.png", "cat", split] for split in ("train", "test")]
    source = open_source(Manifest(directory=save_manifest(tmp_path, rows)))
    places = [("train", item) for item in source.examples("train")]
    found = survey(Asked(source, SIZE, {"train": source.examples("train")}, {places[0]: ("cat",)}))  # type: ignore[dict-item]
    messages = [item.message for damage in found.damages for item in damage.diagnostics]
    assert messages == ["expected a grey mask, found transparency in `m.png`"] * transparent


def test_a_mask_in_colours_is_refused(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", RED, (4, 4))
    save_picture(tmp_path / "m.png", BLUE, (4, 4))
    rows = [["a.png", "m.png", "cat", split] for split in ("train", "test")]
    source = open_source(Manifest(directory=save_manifest(tmp_path, rows)))
    examples = source.examples("train")
    found = survey(Asked(source, SIZE, {"train": examples}, {("train", examples[0]): ("cat",)}))
    assert "found colours" in found.damages[0].diagnostics[0].message
