"""Both forms of CIFAR-10, on small files in its layouts."""

from __future__ import annotations

import hashlib
import io
import pickle

import numpy as np
import pytest
from PIL import Image
from small_pictures import failure
from torchvision.datasets import CIFAR10

from legonet.data import ask, open_source
from legonet.data.sources.cifar10 import Cifar10
from legonet.data.sources.cifar10_jpeg import CATEGORIES, Cifar10Jpeg
from legonet.goals.classification import Classification


def jpeg(level):
    data = io.BytesIO()
    Image.new("RGB", (32, 32), (level, level, level)).save(data, "JPEG")
    return data.getvalue()


def arrays():
    """The arrays of a file with 20 train and 10 test pictures; their brightness tells which."""
    content = {"classes": np.array(CATEGORIES)}
    for split, levels in (("train", range(0, 200, 10)), ("test", range(100, 110))):
        parts = [jpeg(level) for level in levels]
        content[f"{split}_jpeg"] = np.frombuffer(b"".join(parts), np.uint8)
        content[f"{split}_offsets"] = np.cumsum([0, *map(len, parts)])
        content[f"{split}_labels"] = np.arange(len(parts)).astype(np.uint8) % 10
    return content


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "cifar.npz", **arrays())
    return tmp_path / "cifar.npz"


def test_jpeg_pictures_have_their_labels_and_order(file):
    train = ask(Cifar10Jpeg(file=file), None, None, Classification()).read("train")
    assert train.images.shape == (20, 32, 32, 3)
    assert train.labels.tolist() == [*range(10), *range(10)]
    levels = train.images.mean(axis=(1, 2, 3))
    assert np.abs(levels - np.arange(0, 200, 10)).max() < 2


def test_one_jpeg_category_is_told_from_all_others(file):
    question = ask(Cifar10Jpeg(file=file), None, "cat", Classification())
    assert question.read("test").labels.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert question.source.fingerprint("cat").files == (file,)


def test_a_file_that_is_something_else_is_an_error(file, tmp_path):
    failure("LEGO401", lambda: open_source(Cifar10Jpeg(file=tmp_path / "nowhere.npz")))
    other = tmp_path / "other.npz"
    other.write_bytes(b"no archive")
    failure("LEGO406", lambda: open_source(Cifar10Jpeg(file=other)))
    content = arrays()
    del content["test_offsets"]
    np.savez(other, **content)
    assert "`test_offsets`" in failure("LEGO406", lambda: open_source(Cifar10Jpeg(file=other)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("classes", np.array(CATEGORIES[::-1])),
        ("train_labels", np.full(20, 10, np.uint8)),
        ("train_labels", np.zeros((20, 1), np.uint8)),
        ("train_offsets", np.arange(20)),
        ("train_labels", np.array([{}], object)),
    ],
)
def test_arrays_that_do_not_fit_are_an_error(tmp_path, name, value):
    np.savez(tmp_path / "x.npz", **(arrays() | {name: value}))
    question = ask(Cifar10Jpeg(file=tmp_path / "x.npz"), None, None, Classification())
    failure("LEGO406", lambda: question.read("train"))


def test_a_damaged_jpeg_picture_is_named(tmp_path):
    content = arrays()
    start, end = content["train_offsets"][7:9]
    content["train_jpeg"] = content["train_jpeg"].copy()
    content["train_jpeg"][start:end] = 0
    np.savez(tmp_path / "x.npz", **content)
    question = ask(Cifar10Jpeg(file=tmp_path / "x.npz"), None, None, Classification())
    assert "train picture 7" in failure("LEGO404", lambda: question.read("train"))


@pytest.mark.photographs
def test_the_real_jpeg_file_is_read(shared_data):
    question = ask(Cifar10Jpeg(file=shared_data / "cifar10_jpeg.npz"), None, None, Classification())
    test = question.read("test")
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert 100 < test.images.mean() < 140


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """CIFAR-10's batches, two pictures each, whose sums torchvision takes for the real ones."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()

    def save(name, content):
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return hashlib.md5(data).hexdigest()

    def batch(number):
        pixels = np.full((2, 3072), number, np.uint8)
        pixels[:, :1024] = 200
        return {"data": pixels, "labels": [number, 9 - number]}

    train = [[f"data_batch_{n}", save(f"data_batch_{n}", batch(n))] for n in range(1, 6)]
    test = [["test_batch", save("test_batch", batch(0))]]
    names = save("batches.meta", {"label_names": list(CATEGORIES)})
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", test)
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": names})
    return tmp_path


def test_batches_are_read_through_torchvision(batches):
    question = ask(Cifar10(directory=batches), None, None, Classification())
    train = question.read("train")
    assert train.labels.tolist() == [1, 8, 2, 7, 3, 6, 4, 5, 5, 4]
    assert train.images[0, 0, 0].tolist() == [200, 1, 1]
    assert question.read("test").labels.tolist() == [0, 9]
    assert len(question.source.fingerprint(None).files) == 7


def test_damaged_batches_are_an_error(batches):
    (batches / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"x")
    question = ask(Cifar10(directory=batches), None, None, Classification())
    failure("LEGO406", lambda: question.read("train"))


def test_a_missing_batch_is_an_error_already_for_the_plan(batches):
    (batches / "cifar-10-batches-py" / "data_batch_2").unlink()
    source = open_source(Cifar10(directory=batches))
    assert "data_batch_2" in failure("LEGO403", lambda: source.fingerprint(None))


def test_without_download_the_data_set_must_be_there(tmp_path):
    message = failure("LEGO401", lambda: open_source(Cifar10(directory=tmp_path)))
    assert "download: true" in message


def test_download_happens_once_and_only_when_fetched(batches, monkeypatch):
    there = batches / "cifar-10-batches-py"
    away = batches / "away"
    there.rename(away)
    calls = []

    def download(self):
        calls.append(self.root)
        away.rename(there)

    monkeypatch.setattr(CIFAR10, "download", download)
    source = open_source(Cifar10(directory=batches, download=True))
    assert source.fingerprint(None).files == ()
    assert calls == []
    before = source.fingerprint(None)
    source.fetch()
    source.fetch()
    assert len(calls) == 1
    assert len(source.fingerprint(None).files) == 7
    assert source.fingerprint(None).values != before.values


@pytest.mark.parametrize("error", [OSError("no network"), RuntimeError("corrupted")])
def test_a_failed_download_is_an_error(tmp_path, monkeypatch, error):
    def download(self):
        raise error

    monkeypatch.setattr(CIFAR10, "download", download)
    source = open_source(Cifar10(directory=tmp_path / "new", download=True))
    assert str(error) in failure("LEGO407", source.fetch)
