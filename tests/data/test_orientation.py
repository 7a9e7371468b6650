"""Pictures are turned upright wherever they are read, and what was drawn on them must fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from kit.orientation import WAYS
from kit.specs import plan_of, write_spec
from kit.stores import pretend
from PIL import Image

from legonet.data import open_source, read_picture
from legonet.data.boxes import size_of_picture, sized_as_annotated
from legonet.data.decode import open_mask, open_picture
from legonet.data.depths import read_depth
from legonet.data.orientation import TAG, count_turned
from legonet.data.sources.manifest import Manifest
from legonet.diagnostics import DiagnosticError
from legonet.network.prediction.pictures import gathered

SIZE = (36, 24)
"""Width and height of the pictures as they are stored."""


def blocks() -> Image.Image:
    colours = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(colours).resize(SIZE, Image.Resampling.NEAREST)


def save(picture: Image.Image, file: Path, orientation: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    notes = Image.Exif()
    notes[TAG] = orientation
    picture.save(file, exif=notes)


def turned(file: Path, orientation: int) -> Image.Image:
    with Image.open(file) as stored:
        way = None if file.suffix == ".tif" else WAYS.get(orientation)  # Pillow turns a TIFF itself
        return stored.copy() if way is None else stored.transpose(way)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_all_who_read_a_picture_see_it_upright(
    orientation: int, ending: str, tmp_path: Path
) -> None:
    file = tmp_path / f"picture{ending}"
    save(blocks(), file, orientation)
    expected = turned(file, orientation)
    squashed = np.asarray(expected.resize((24, 24), Image.Resampling.BILINEAR))
    (given,) = gathered(file, broken=pytest.fail)
    assert np.array_equal(np.asarray(open_picture(file, "it")), np.asarray(expected))
    assert np.array_equal(np.asarray(given.open()), np.asarray(expected))
    assert np.array_equal(read_picture(file, 24), squashed)
    assert size_of_picture(file, "it") == expected.size
    assert count_turned([str(file)]) == (orientation > 1 and ending != ".tif")


def test_damaged_notes_leave_a_picture_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    blocks().save(file, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(np.asarray(open_picture(file, "it")), np.asarray(blocks()))
        assert size_of_picture(file, "it") == SIZE
        assert count_turned([str(file), str(tmp_path / "missing.jpg")]) == 0


def manifest(folder: Path, orientation: int, mask: Image.Image) -> Callable[[], np.ndarray]:
    """Return what reads the mask of a manifest's only picture."""
    for split in ("train", "test"):
        save(blocks(), folder / f"{split}.png", orientation)
        mask.save(folder / f"{split}_mask.png")
    rows = "".join(f"{split}.png,cat,{split},{split}_mask.png\n" for split in ("train", "test"))
    (folder / "manifest.csv").write_text(f"path,category,split,mask_path\n{rows}")
    source = open_source(Manifest(directory=folder))

    def read() -> np.ndarray:
        _, masks = source.read("train", source.examples("train"), 24, ("cat",))
        assert masks is not None
        return masks

    return read


def test_a_mask_drawn_on_the_upright_picture_fits(tmp_path: Path) -> None:
    mask = Image.new("L", SIZE[::-1], 0)
    mask.paste(255, (0, 0, 12, 18))
    found = manifest(tmp_path, 6, mask)()
    expected = np.zeros((24, 24), bool)
    expected[:12, :12] = True
    assert np.array_equal(found[0] == 1, expected)


def test_a_mask_of_the_stored_orientation_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as raised:
        manifest(tmp_path, 6, Image.new("L", SIZE, 0))()
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO405"
    assert "draw the mask on the upright picture" in found.help[0]


def test_a_mask_of_another_size_has_nothing_to_do_with_it(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as raised:
        manifest(tmp_path, 6, Image.new("L", (10, 10), 0))()
    assert not any("upright" in words for words in raised.value.diagnostics[0].help)


def test_a_mask_has_notes_of_its_own(tmp_path: Path) -> None:
    mask = blocks().convert("L")
    save(mask, tmp_path / "mask.png", 8)
    found = open_mask(tmp_path / "mask.png", "it")
    assert np.array_equal(np.asarray(found), np.asarray(mask.transpose(WAYS[8])))
    depths = read_depth(tmp_path / "mask.png", "it", SIZE[::-1], 12, 1.0)
    assert depths.shape == (12, 12)


def test_annotations_of_the_stored_orientation_are_explained(tmp_path: Path) -> None:
    save(blocks(), tmp_path / "picture.jpg", 6)
    picture = open_picture(tmp_path / "picture.jpg", "it")
    with pytest.raises(DiagnosticError) as raised:
        sized_as_annotated(picture, SIZE, tmp_path / "picture.jpg")
    assert "annotate the upright picture" in raised.value.diagnostics[0].help[0]


FOLDERS = """
for kind in ["plain", "phone"] {
  data ${kind} { source: folder("${kind}"), size: 24 }
  network ${kind}_net {
    model: legonet.small_vgg(classes: 1, channels: 4)
    train { data: ${kind}, category: cat, epochs: 1 }
  }
}
"""


def test_only_what_learned_from_turned_pictures_has_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, orientation in (("plain", 1), ("phone", 6)):
        for name in ("train/cat", "train/background", "test/cat", "test/background"):
            save(blocks(), tmp_path / kind / f"{name}/1.jpg", orientation)
    spec = write_spec(tmp_path, FOLDERS)
    with monkeypatch.context() as before:
        before.setattr("legonet.building.planning.inputs.count_turned", lambda _: 0)
        before.setattr("legonet.building.storage.digest_cache.DigestCache.remember", lambda _: None)
        pretend(spec)
        assert plan_of(spec).to_build == ()
    (step,) = plan_of(spec).to_build
    assert step.name == "phone_net"
    assert step.reasons == ("train.data.files: 4 of them are now turned upright",)
