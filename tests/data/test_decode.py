"""Pictures of every common kind are read alike, one by one and many at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_pictures import BLUE, RED, failure, save_mask, save_picture

from legonet.data import Example, read_picture
from legonet.data.decode import open_mask, open_picture, read_all
from legonet.diagnostics import DiagnosticError


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_a_picture_of_any_mode_is_read_as_rgb(tmp_path, mode):
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.new("L", (9, 5), 255).convert(mode).save(path)
    picture = read_picture(path, 4)
    assert picture.shape == (4, 4, 3)
    assert (picture == 255).all()


def test_a_picture_of_more_than_8_bits_is_refused_and_not_cut_off(tmp_path):
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "x.png")
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "x.tif")
    for name in ("x.png", "x.tif"):
        assert "8 bits" in failure("LEGO404", lambda name=name: read_picture(tmp_path / name, 4))


def test_a_palette_with_transparency_is_read(tmp_path):
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.save(tmp_path / "x.png", transparency=bytes([10, 200]))
    assert (read_picture(tmp_path / "x.png", 4) == RED).all()


def test_a_picture_is_made_smaller_by_averaging(tmp_path):
    board = (np.indices((32, 32)).sum(axis=0) % 2 * 200).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "x.png")
    assert np.abs(read_picture(tmp_path / "x.png", 4).astype(int) - 100).max() <= 2


def test_a_missing_or_damaged_picture_is_named(tmp_path):
    path = tmp_path / "x.jpg"
    assert "x.jpg" in failure("LEGO403", lambda: read_picture(path, 4))
    save_picture(path, size=(64, 64))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "x.jpg" in failure("LEGO404", lambda: read_picture(path, 4))
    path.write_text("hello")
    assert "x.jpg" in failure("LEGO404", lambda: read_picture(path, 4))


def test_a_mask_in_colours_that_have_no_grey_is_named(tmp_path):
    Image.frombytes("LAB", (4, 4), bytes(48)).save(tmp_path / "x.tif")
    assert "x.tif" in failure("LEGO404", lambda: open_mask(tmp_path / "x.tif", "x.tif"))


def test_a_palette_mask_gives_its_indices(tmp_path):
    stored = np.arange(24).reshape(4, 6)
    save_mask(tmp_path / "x.png", stored, palette=True)
    assert (np.asarray(open_mask(tmp_path / "x.png", "x")) == stored).all()


@pytest.mark.parametrize("size", [(30, 20), (300, 250)])
def test_many_pictures_keep_their_order(tmp_path, size):
    for index in range(50):
        save_picture(tmp_path / f"{index}.png", (index, 0, 0), size)
    examples = [Example(index, (), False) for index in range(50)]

    def picture(example):
        return open_picture(tmp_path / f"{example.position}.png", "x")

    images, masks = read_all(examples[::-1], 4, picture, None)
    assert images[:, 0, 0, 0].tolist() == list(range(50))[::-1]
    assert masks is None


@pytest.mark.parametrize("size", [(30, 20), (300, 250)])
def test_of_several_damaged_pictures_the_first_is_named(tmp_path, size):
    for index in range(60):
        save_picture(tmp_path / f"{index}.png", BLUE, size)
    for index in (33, 20, 58):
        (tmp_path / f"{index}.png").write_bytes(b"")
    examples = [Example(index, (), False) for index in range(60)]

    def picture(example):
        return open_picture(tmp_path / f"{example.position}.png", f"{example.position}.png")

    for _ in range(5):
        message = failure("LEGO404", lambda: read_all(examples, 4, picture, None))
        assert "`20.png`" in message


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a pointer of Git LFS"),
        (b"<html></html>", "a web page"),
        (b"", "empty"),
    ],
)
def test_what_is_in_place_of_a_picture_is_named(
    contents: bytes, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(contents)
    with pytest.raises(DiagnosticError) as raised:
        read_picture(file, 8)
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO404"
    assert f"is {words}" in found.message


def test_pictures_of_telephones_are_read_and_larger_ones_are_not(tmp_path, monkeypatch):
    save_picture(tmp_path / "x.png", RED, (15, 10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_picture(tmp_path / "x.png", "x.png").size == (15, 10)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 70)
    told = failure("LEGO404", lambda: open_picture(tmp_path / "x.png", "x.png"))
    assert "make the picture smaller" in told


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photograph in a format of telephones"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a video"),
    ],
)
def test_what_telephones_take_is_named_whatever_its_ending_says(tmp_path, begin, told):
    (tmp_path / "IMG_1.jpg").write_bytes(begin)
    message = failure("LEGO404", lambda: read_picture(tmp_path / "IMG_1.jpg", 4))
    assert told in message
