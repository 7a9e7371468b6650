"""Key points and depths of manifests and of COCO: read, checked, and moved with their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_pictures import failure, save_manifest, save_picture

from legonet.data import TaskDataset, ask, open_source
from legonet.data.pictures import Pictures
from legonet.data.sources.manifest import Manifest
from legonet.distill.augmentation import shifted
from legonet.goals.depth import Depth
from legonet.goals.keypoints import Keypoints

WIDTH, HEIGHT = 6, 4


def manifest(folder: Path, columns: str, *rows: tuple[str, ...]) -> Path:
    """Write pictures with a manifest."""
    for row in rows:
        save_picture(folder / row[0], size=(WIDTH, HEIGHT))
    return save_manifest(folder, rows, f"path split {columns}")


def points(folder: Path, *names: str) -> TaskDataset:
    source = open_source(Manifest(directory=folder, points=("nose", "tail")))
    return TaskDataset(source, 12, None, Keypoints(), asked=names or None)


def depth(folder: Path, size: int = WIDTH, **fields: Any) -> TaskDataset:
    return ask(Manifest(directory=folder, depth="far", **fields), size, None, Depth())


def test_points_are_shares_of_height_and_width(tmp_path: Path) -> None:
    rows = [("1.png", "train", "3 1", ""), ("2.png", "train", "", ""), ("3.png", "test", "", "6 4")]
    manifest(tmp_path, "nose tail", *rows)
    train = points(tmp_path).read("train")
    assert points(tmp_path).labels == ("nose", "tail")
    assert train.images.shape[0] == 1, "nothing is known of 2.png"
    assert train.values is not None
    assert train.values[0, 0].tolist() == [0.25, 0.5]
    assert np.isnan(train.values[0, 1]).all()
    turned = points(tmp_path, "tail", "nose").read("test").values
    assert turned is not None
    assert turned[0, 0].tolist() == [1, 1]
    assert not points(tmp_path, "nose", "ear").knows_answers
    assert "`nose`" in failure("LEGO414", lambda: points(tmp_path, "nose").read("test"))


@pytest.mark.parametrize(
    ("cell", "code"),
    [("3", "LEGO402"), ("a b", "LEGO402"), ("1 2 3", "LEGO402"), ("9 1", "LEGO410")],
)
def test_a_point_that_is_none_is_told(tmp_path: Path, cell: str, code: str) -> None:
    manifest(tmp_path, "nose tail", ("1.png", "train", cell, ""))
    failure(code, lambda: points(tmp_path).read("train"))


def save_depths(file: Path) -> np.ndarray:
    """Write depths of two bytes; 0 is unknown."""
    stored = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 1000
    if file.suffix == ".npy":
        np.save(file, np.where(stored, stored, np.nan).astype(np.float64))
    else:
        Image.fromarray(stored).save(file)
    return np.where(stored == 0, np.nan, stored)


@pytest.mark.parametrize("name", ["1_far.png", "1_far.npy"])
def test_depths_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    stored = save_depths(tmp_path / name)
    manifest(tmp_path, "far", ("1.png", "train", name), ("2.png", "train", ""))
    dataset = depth(tmp_path, 12, depth_unit=0.001)
    assert dataset.labels == ("depth",)
    train = dataset.read("train")
    assert train.values is not None
    assert train.values.dtype == np.float32
    assert train.values.shape == (1, 12, 12), "nothing is known of 2.png"
    expected = np.repeat(np.repeat(stored, 3, 0), 2, 1) / 1000
    assert np.allclose(train.values[0], expected, equal_nan=True)
    files = dataset.source.fingerprint(None).files
    assert name in {file.name for file in files}
    other = depth(tmp_path, depth_unit=0.01).source.fingerprint(None)
    assert other.values != dataset.source.fingerprint(None).values


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (Image.new("L", (3, 3), 1), "LEGO410"),
        (Image.new("RGB", (WIDTH, HEIGHT), 1), "LEGO404"),
        (np.zeros((HEIGHT, WIDTH, 3)), "LEGO404"),
        (np.array([[None]]), "LEGO404"),
        (np.array([["a"]]), "LEGO404"),
        (b"no depths", "LEGO404"),
        (None, "LEGO403"),
    ],
)
def test_depths_that_are_none_are_told(tmp_path: Path, contents: Any, code: str) -> None:
    name = "far.npy" if isinstance(contents, np.ndarray) else "far.png"
    if isinstance(contents, Image.Image):
        contents.save(tmp_path / name)
    elif isinstance(contents, np.ndarray):
        np.save(tmp_path / name, contents)
    elif contents is not None:
        (tmp_path / name).write_bytes(contents)
    manifest(tmp_path, "far", ("1.png", "train", name))
    assert name in failure(code, lambda: depth(tmp_path).read("train"))


def test_points_and_depths_are_shifted_with_their_pictures() -> None:
    """Each pixel of a picture says where it was, and so do its depths and its points."""
    size = 32
    images = np.zeros((8, size, size, 3), np.uint8)
    images[..., 0], images[..., 1] = np.meshgrid(np.arange(size), np.arange(size))
    depths = (100 * images[..., 1].astype(np.float32)) + images[..., 0]
    places = np.array([[16.5, 16.5], [0.5, 0.5], [np.nan, np.nan]]) / size
    labels = np.zeros(8, np.int64)
    random = np.broadcast_to(places, (8, 3, 2)).astype(np.float32)
    moved = shifted(Pictures(images, labels, values=depths), torch.manual_seed(0), Depth())
    assert moved.values is not None
    assert np.array_equal(moved.values, 100.0 * moved.images[..., 1] + moved.images[..., 0])
    pointed = shifted(Pictures(images, labels, values=random), torch.manual_seed(0), Keypoints())
    assert pointed.values is not None
    left = 0
    for image, (inner, corner, unknown) in zip(pointed.images, pointed.values, strict=True):
        row, column = np.floor(inner * size).astype(int)
        assert image[row, column, :2].tolist() == [16, 16]
        assert np.isnan(unknown).all()
        left += bool(np.isnan(corner).any())
        if not np.isnan(corner).any():
            row, column = np.floor(corner * size).astype(int)
            assert image[row, column, :2].tolist() == [0, 0]
    assert 0 < left < 8
