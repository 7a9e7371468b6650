"""Pictures of any kind, as people have them, to answers that people can read."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from kit.orientation import WAYS
from kit.specs import ROUTES, SEGMENTING
from kit.untrained import open_filled
from numpy.typing import NDArray
from PIL import Image

from legonet import DiagnosticError, TransplantNetwork
from legonet.data import read_picture, to_tensor
from legonet.network.prediction import MaskFiles, Prediction, predicting, predictions

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
ORIENTATION = 0x0112


def probability(network: TransplantNetwork, picture: object) -> float:
    (found,) = network.predict(picture, paths="read_one")  # type: ignore[arg-type]
    return found.probabilities["digit_1"]


def test_a_picture_is_seen_as_in_learning(network: TransplantNetwork, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(file)
    pictures = to_tensor(read_picture(file, 16)[None])
    expected = network(pictures, category="digit_1", task="classify")
    assert probability(network, file) == pytest.approx(float(expected.sigmoid()), abs=1e-6)


def test_a_file_a_picture_and_an_array_are_the_same(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(file)
    found = network.predict([file, str(file), Image.open(file), PIXELS], paths="read_one")
    assert [item.picture.name for item in found] == [str(file), "picture 3", "picture 4"]
    assert len({item.probabilities["digit_1"] for item in found}) == 1
    batch = network.predict(np.stack([PIXELS, PIXELS]), paths="read_one")
    assert [item.probabilities for item in batch] == [found[0].probabilities] * 2


def test_one_category_answers_yes_or_no(network: TransplantNetwork) -> None:
    pictures = [np.full((16, 16, 3), value, np.uint8) for value in range(0, 256, 15)]
    found = network.predict(pictures, paths="read_one")
    for item in found:
        assert (item.answer == "digit_1") == (item.probabilities["digit_1"] > 0.5)
        assert item.answer in ("digit_1", None)
        assert item.mask is None
    assert found[0].route == "digit_1 -> classify"


LABELS = """
network ten {
  model: legonet.small_vgg(classes: 10, channels: 4)
  train { data: digits, epochs: 1 }
}
network parts {
  model: legonet.small_fcn(classes: 10, channels: 4, stride: 2)
  train { data: digits, goal: segmentation, epochs: 1 }
}
category any { from: ten, until: cut }
category any_part { from: parts, until: cut }
task which { from: ten, after: cut }
task where { from: parts, after: cut }
adapter any -> which
adapter any_part -> where
"""


def test_several_labels_are_named_as_the_data_names_them(tmp_path: Path) -> None:
    network = open_filled(tmp_path, SEGMENTING + LABELS)
    assert network.labels("any", "which") == tuple("0123456789")
    (found,) = network.predict(PIXELS, categories="any", tasks="which")
    assert list(found.probabilities) == list("0123456789")
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.answer == max(found.probabilities, key=found.probabilities.__getitem__)
    (part,) = network.predict(PIXELS, categories="any_part", tasks="where")
    assert part.mask is not None
    assert part.mask.shape == (40, 60)
    assert sum(part.shares.values()) == pytest.approx(1)
    counts = np.bincount(part.mask.reshape(-1), minlength=10) / part.mask.size
    assert list(part.shares.values()) == pytest.approx(counts)
    assert part.answer == str(counts.argmax())
    saved = part.mask_image()
    assert saved.mode == "P"
    assert np.array_equal(np.asarray(saved), part.mask)


def test_a_network_with_ready_weights_numbers_its_labels(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from legonet.modules.small import small_vgg

    save_file(small_vgg(5, 4).state_dict(), tmp_path / "ready.safetensors")
    ready = """
network ready { model: legonet.small_vgg(classes: 5, channels: 4), weights: "ready.safetensors" }
category c { from: ready, until: "features.4" }
task t { from: ready, after: "features.4" }
adapter c -> t
"""
    network = open_filled(tmp_path, ready)
    assert network.labels("c", "t") == ("0", "1", "2", "3", "4")
    assert network.size("c", "t") == 224


def test_a_mask_has_the_size_of_its_picture(network: TransplantNetwork) -> None:
    (found,) = network.predict(PIXELS, paths="find_one")
    assert found.mask is not None
    assert found.mask.shape == (40, 60)
    assert set(np.unique(found.mask)) <= {0, 1}
    assert found.shares["digit_1"] == pytest.approx(found.mask.mean())
    small = np.asarray(Image.fromarray(PIXELS).resize((16, 16), Image.Resampling.BILINEAR))
    logits = network(to_tensor(small[None]), category="digit_1", task="ink")
    (same_size,) = network.predict(small, paths="find_one")
    assert same_size.mask is not None
    assert np.array_equal(same_size.mask, (logits[0, 0] > 0).numpy())


def gif(pixels: NDArray[np.uint8], file: Path) -> None:
    frames = [Image.fromarray(item).quantize(8) for item in (pixels, 255 - pixels)]
    frames[0].save(file, save_all=True, append_images=frames[1:])


def transparent_gif(pixels: NDArray[np.uint8], file: Path) -> None:
    Image.fromarray(pixels).quantize(8).save(file, transparency=0)


def saved(mode: str) -> Callable[[NDArray[np.uint8], Path], None]:
    return lambda pixels, file: Image.fromarray(pixels).convert(mode).save(file)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("grey.png", saved("L")),
        ("black_and_white.png", saved("1")),
        ("transparent.png", saved("RGBA")),
        ("grey_transparent.png", saved("LA")),
        ("palette.png", saved("P")),
        ("colour.jpg", saved("RGB")),
        ("print.jpg", saved("CMYK")),
        ("print.tif", saved("CMYK")),
        ("film.gif", gif),
        ("hole.gif", transparent_gif),
        ("colour.webp", saved("RGB")),
        ("transparent.webp", saved("RGBA")),
        ("colour.bmp", saved("RGB")),
        ("Ünïcödé and spaces.PNG", saved("RGB")),
    ],
)
def test_kinds_of_pictures(
    network: TransplantNetwork, tmp_path: Path, name: str, save: Callable[..., None]
) -> None:
    save(PIXELS, tmp_path / name)
    (found,) = network.predict(tmp_path, paths="find_one")
    assert found.picture.name == str(tmp_path / name)
    assert found.mask is not None
    assert found.mask.shape == (40, 60)
    assert 0 <= probability(network, tmp_path / name) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_picture_is_turned_upright(
    network: TransplantNetwork, tmp_path: Path, orientation: int, ending: str
) -> None:
    lying = Image.fromarray(PIXELS)
    file = tmp_path / f"lying.{ending}"
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    lying.save(file, exif=notes)
    with Image.open(file) as stored:
        # A TIFF is turned by Pillow itself.
        turned = ending == "tif" or orientation == 1
        upright = stored.copy() if turned else stored.transpose(WAYS[orientation])
    (found,) = network.predict(file, paths="find_one")
    assert found.mask is not None
    assert found.mask.shape == ((40, 60) if orientation < 5 else (60, 40))
    assert np.array_equal(np.asarray(found.picture.open()), np.asarray(upright))
    assert probability(network, file) == probability(network, np.asarray(upright))


def test_damaged_notes_do_not_harm_a_picture(network: TransplantNetwork, tmp_path: Path) -> None:
    file = tmp_path / "noted.jpg"
    Image.fromarray(PIXELS).save(file, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert 0 <= probability(network, file) <= 1


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("text.png", lambda file: file.write_text("no picture"), "cannot be read as one"),
        ("empty.jpg", lambda file: file.touch(), "is empty"),
        ("cut.png", lambda file: file.write_bytes(png()[:200]), "cannot be read as one"),
        (
            "deep.png",
            lambda file: Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 256).save(file),
            "at most 8 bits",
        ),
        ("away.png", lambda file: None, "is missing"),
    ],
)
def test_a_broken_picture_is_named_and_the_others_are_answered(
    network: TransplantNetwork,
    tmp_path: Path,
    name: str,
    write: Callable[[Path], object],
    words: str,
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / name
    good.write_bytes(png())
    write(bad)
    with pytest.raises(DiagnosticError, match=words) as caught:
        network.predict([bad, good])
    assert str(bad) in str(caught.value)
    heard: list[DiagnosticError] = []
    found = list(predictions(network, [bad, good], ROUTES, heard.append))
    assert [str(error) for error in heard] == [str(caught.value)]
    assert [(item.picture.name, (item.category, item.task)) for item in found] == [
        (str(good), ends) for ends in ROUTES
    ]


def png() -> bytes:
    from io import BytesIO

    file = BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    return file.getvalue()


def test_a_picture_that_unpacks_to_far_too_much_is_refused(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bomb.png").write_bytes(png())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DiagnosticError, match=r"bomb\.png") as caught:
        network.predict(tmp_path / "bomb.png")
    assert "decompression bomb" in caught.value.diagnostics[0].help[0]


@pytest.mark.parametrize(
    "given",
    [torch.rand(3, 16, 16), 3, PIXELS.astype(float), np.zeros((2, 3, 4, 5, 6), np.uint8), [None]],
)
def test_what_is_no_picture_is_refused(network: TransplantNetwork, given: object) -> None:
    with pytest.raises((DiagnosticError, TypeError)) as caught:
        network.predict(given)  # type: ignore[arg-type]
    if isinstance(caught.value, DiagnosticError):
        assert caught.value.diagnostics[0].code == "LEGO750"


def test_folders_and_patterns_give_their_pictures(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    for name in ("b.png", "a.jpg", "deep/c.png", "deep/.hidden.png", "@eaDir/b.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png())

    def names(given: object) -> list[str]:
        found = network.predict(given, paths="read_one")  # type: ignore[arg-type]
        return [Path(item.picture.name).relative_to(tmp_path).as_posix() for item in found]

    assert names(tmp_path) == ["a.jpg", "b.png", "deep/c.png"]
    assert names(f"{tmp_path}/*.png") == ["b.png"]
    assert names(f"{tmp_path}/**/*.png") == ["b.png", "deep/c.png"]
    assert names([tmp_path / "b.png", tmp_path]) == ["b.png", "a.jpg", "deep/c.png"]
    (tmp_path / "[1].png").write_bytes(png())
    assert names(tmp_path / "[1].png") == ["[1].png"]
    (tmp_path / "none").mkdir()
    for nothing in (tmp_path / "none", f"{tmp_path}/*.webp"):
        with pytest.raises(DiagnosticError, match="expected pictures at") as caught:
            names(nothing)
        assert caught.value.diagnostics[0].code == "LEGO749"


def test_batches_change_no_answer(
    network: TransplantNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [PIXELS + number for number in range(7)]
    at_once = network.predict(pictures)
    batches = []
    answer = TransplantNetwork.answers

    def counted(self: TransplantNetwork, routes: object, given: torch.Tensor) -> object:
        batches.append(len(given))
        return answer(self, routes, given)  # type: ignore[arg-type]

    monkeypatch.setattr(TransplantNetwork, "answers", counted)
    monkeypatch.setattr(predicting, "PIXELS_AT_ONCE", 3 * len(ROUTES) * 16 * 16)
    in_parts = network.predict(pictures)
    assert batches == [3, 3, 1]
    assert [item.picture.name for item in in_parts] == [item.picture.name for item in at_once]
    for one, other in zip(in_parts, at_once, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


def test_the_next_batch_is_read_while_one_is_answered(
    network: TransplantNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [PIXELS + number for number in range(5)]
    read: list[str] = []
    third_is_read = Event()
    look = predicting._look

    def looked(picture: predicting.GivenPicture, sizes: set[int]) -> object:
        found = look(picture, sizes)
        read.append(picture.name)
        if picture.name == "picture 3":
            third_is_read.set()
        return found

    answer = TransplantNetwork.answers

    def answered(self: TransplantNetwork, routes: object, given: torch.Tensor) -> object:
        assert third_is_read.wait(60)
        return answer(self, routes, given)  # type: ignore[arg-type]

    monkeypatch.setattr(TransplantNetwork, "answers", answered)
    monkeypatch.setattr(predicting, "_look", looked)
    monkeypatch.setattr(predicting, "PIXELS_AT_ONCE", 2 * len(ROUTES) * 16 * 16)
    found = predictions(network, pictures, ROUTES)
    assert next(found).picture.name == "picture 1"
    # Who stops early has read no more than the batch after this one.
    found.close()  # type: ignore[attr-defined]
    assert set(read) <= {f"picture {number}" for number in range(1, 5)}


def test_masks_and_overlays_become_files(network: TransplantNetwork, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a b.png").write_bytes(png())
    files = MaskFiles(tmp_path / "out")
    found = network.predict([tmp_path / "one", tmp_path / "two"], tasks="ink")
    written = [files.write(item) for item in found]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(
        f"{stem}.{category}.ink.{kind}.png"
        for stem in ("a-b", "a-b-2")
        for category in ("digit_1", "digit_3")
        for kind in ("mask", "overlay")
    )
    for item, files_of in zip(found, written, strict=True):
        mask, overlay = files_of["mask"], files_of["overlay"]
        assert item.mask is not None
        with Image.open(mask) as image:
            assert np.array_equal(np.asarray(image), 255 * item.mask)
        with Image.open(overlay) as image:
            painted = (np.asarray(image) != PIXELS).any(2)
        assert not painted[item.mask == 0].any()
        assert painted[item.mask == 1].mean() > 0.99


def test_masks_of_whole_pictures_there_are_none(network: TransplantNetwork) -> None:
    (found,) = network.predict(PIXELS, paths="read_one")
    with pytest.raises(ValueError, match="whole pictures"):
        found.overlay()


def test_a_folder_that_cannot_be_written_is_said(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (found,) = network.predict(PIXELS, paths="find_one")
    with pytest.raises(DiagnosticError, match="cannot write") as caught:
        MaskFiles(tmp_path / "file").write(found)
    assert "another folder" in caught.value.diagnostics[0].help[0]


def test_predictions_become_json(network: TransplantNetwork) -> None:
    found: list[Prediction] = network.predict(PIXELS, categories="digit_1")
    assert [item.to_json() for item in found] == [
        {
            "picture": "picture 1",
            "category": "digit_1",
            "task": "classify",
            "answer": found[0].answer,
            "probabilities": dict(found[0].probabilities),
        },
        {
            "picture": "picture 1",
            "category": "digit_1",
            "task": "ink",
            "answer": found[1].answer,
            "shares": dict(found[1].shares),
        },
    ]
