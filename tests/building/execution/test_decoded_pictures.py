"""A picture is decoded once for each size, whatever asks for it, and has the same bits then."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from legonet.building.execution import decoded_pictures
from legonet.building.execution.decoded_pictures import FOLDER, DecodedPictures
from legonet.data import Source, TaskDataset
from legonet.data.sources import manifest
from legonet.data.sources.digits import DigitsSource
from legonet.data.sources.manifest import ManifestSource
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation

KINDS = ("cat", "dog", "background")
SIZE = 12


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of cats, dogs and background with masks, in both splits."""
    folder = tmp_path / "data"
    folder.mkdir()
    random = np.random.default_rng(0)
    lines = ["path,mask_path,category,split"]
    for number in range(18):
        kind = KINDS[number % 3]
        pixels = random.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        mask = 255 * random.integers(0, 2, (20, 30), np.uint8)
        Image.fromarray(mask).save(folder / f"{number}.mask.png")
        has_mask = "" if kind == "background" else f"{number}.mask.png"
        lines.append(f"{number}.png,{has_mask},{kind},{'test' if number > 11 else 'train'}")
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how often each picture was decoded."""
    counts: Counter[str] = Counter()
    plain = manifest.open_picture

    def counted(file: Path, name: str) -> Image.Image:
        counts[name] += 1
        return plain(file, name)

    monkeypatch.setattr(manifest, "open_picture", counted)
    return counts


def dataset(source: Source, category: str, size: int = SIZE, *, masks: bool = False) -> TaskDataset:
    return TaskDataset(source, size, category, Segmentation() if masks else Classification())


def decoded(store: Path, folder: Path, **options: int) -> Source:
    """Return a source as each step of a build opens it."""
    return DecodedPictures(store, **options).source(ManifestSource(folder))


def test_categories_processes_and_builds_share_what_is_decoded(
    tmp_path: Path, pictures: Path, opened: Counter[str]
) -> None:
    for _ in range(2):
        for category in ("cat", "dog"):
            dataset(decoded(tmp_path, pictures), category).read("train")
    # The background is needed by both.
    assert opened.keys() == {f"{number}.png" for number in range(12)}
    assert set(opened.values()) == {1}
    dataset(decoded(tmp_path, pictures), "cat", SIZE + 1).read("train")
    assert opened["3.png"] == 2


@pytest.mark.parametrize("masks", [False, True])
def test_what_is_read_again_has_the_same_bits(tmp_path: Path, pictures: Path, masks: bool) -> None:
    plain = ManifestSource(pictures)
    for _ in range(2):
        for category in ("dog", "cat"):
            for split in ("test", "train"):
                read = dataset(decoded(tmp_path, pictures), category, masks=masks).read(split)
                right = dataset(plain, category, masks=masks).read(split)
                assert np.array_equal(read.images, right.images)
                assert np.array_equal(read.labels, right.labels)
                assert (read.masks is None) == (not masks)
                assert read.masks is None or np.array_equal(read.masks, right.masks)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from(["train", "test"]),
            st.lists(st.integers(0, 5), min_size=1, max_size=6),
            st.sampled_from([None, ("cat",), ("cat", "dog")]),
        ),
        max_size=6,
    )
)
def test_any_order_of_any_parts_reads_what_the_source_reads(
    tmp_path_factory: pytest.TempPathFactory, pictures: Path, asked: list[tuple]
) -> None:
    store, plain = tmp_path_factory.mktemp("store"), ManifestSource(pictures)
    for split, places, categories in asked:
        examples = [plain.examples(split)[place] for place in places]
        found = decoded(store, pictures).read(split, examples, SIZE, categories)
        right = plain.read(split, examples, SIZE, categories)
        assert np.array_equal(found[0], right[0])
        assert (found[1] is None) == (right[1] is None)
        assert right[1] is None or np.array_equal(found[1], right[1])


def test_a_changed_picture_is_decoded_again(tmp_path: Path, pictures: Path) -> None:
    dataset(decoded(tmp_path, pictures), "cat").read("train")
    Image.fromarray(np.full((20, 30, 3), 7, np.uint8)).save(pictures / "0.png")
    read = dataset(decoded(tmp_path, pictures), "cat").read("train")
    assert (read.images[0] == 7).all()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flipped(file: Path) -> None:
    contents = bytearray(file.read_bytes())
    contents[5] ^= 1
    file.write_bytes(bytes(contents))


@pytest.mark.parametrize("name", ["images", "images.sums"])
@pytest.mark.parametrize("damage", [cut_short, flipped, Path.unlink])
def test_damaged_files_are_noticed(
    tmp_path: Path, pictures: Path, name: str, damage: Callable[[Path], object]
) -> None:
    right = dataset(decoded(tmp_path, pictures), "cat").read("train").images
    (file,) = (tmp_path / FOLDER).glob(f"*/{name}")
    damage(file)
    for _ in range(2):
        found = dataset(decoded(tmp_path, pictures), "cat").read("train").images
        assert np.array_equal(found, right)


def test_a_killed_writer_leaves_nothing_that_counts(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(files: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(decoded_pictures, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            dataset(decoded(tmp_path, pictures), "cat").read("train")
    right = dataset(ManifestSource(pictures), "cat").read("train").images
    found = dataset(decoded(tmp_path, pictures), "cat").read("train").images
    assert np.array_equal(found, right)


def test_where_nothing_can_be_written_pictures_are_decoded_each_time(
    tmp_path: Path, pictures: Path, opened: Counter[str]
) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    for _ in range(2):
        dataset(decoded(tmp_path, pictures), "cat").read("train")
    assert opened["0.png"] == 2


def test_old_sets_make_room_for_new_ones(tmp_path: Path, pictures: Path) -> None:
    def sizes() -> set[str]:
        return {folder.name.rpartition("-")[2] for folder in (tmp_path / FOLDER).iterdir()}

    for size in (10, 11):
        dataset(decoded(tmp_path, pictures), "cat", size).read("train")
    older, newer = sorted((tmp_path / FOLDER).iterdir(), key=lambda folder: folder.name)
    os.utime(older, ns=(10**18, 10**18))
    os.utime(newer, ns=(2 * 10**18, 2 * 10**18))
    held = sum(decoded_pictures._bytes(file) for file in newer.iterdir())
    needed = 8 * 12 * 12 * 3
    source = decoded(tmp_path, pictures, most_bytes=held + needed)
    dataset(source, "cat", 12).read("train")
    assert sizes() == {newer.name.rpartition("-")[2], "12"}
    source = decoded(tmp_path, pictures, most_bytes=10)
    assert len(dataset(source, "dog", SIZE + 5).read("train")) == 8
    assert not list((tmp_path / FOLDER).glob(f"*-{SIZE + 5}/images"))


def test_several_readers_at_once_decode_each_picture_once(
    tmp_path: Path, pictures: Path, opened: Counter[str]
) -> None:
    found: list[np.ndarray] = []

    def read() -> None:
        found.append(dataset(decoded(tmp_path, pictures), "cat").read("train").images)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(images, found[0]) for images in found)
    assert opened["3.png"] == 1


def test_a_source_with_many_pictures_in_a_file_is_read_from_there(tmp_path: Path) -> None:
    source = DigitsSource()
    assert DecodedPictures(tmp_path).source(source) is source
