"""Pictures, labels and masks are those of torchvision's own readers, on folders in true layout.

The pictures are what people have at home: of all modes, turned by a camera, under wrong endings.
They are squares of the size that is read, so that nothing is resized and every byte must agree.
"""

from __future__ import annotations

import gc
import warnings
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from PIL import Image, ImageOps
from small_pictures import failure
from torchvision.datasets import ImageFolder, OxfordIIITPet, SBDataset, VOCSegmentation
from torchvision.datasets.folder import IMG_EXTENSIONS, has_file_allowed_extension

from legonet.data import ask, open_source
from legonet.data.sources.folder import Folder
from legonet.data.sources.oxford_pets import OxfordPets
from legonet.data.sources.voc import CATEGORIES, Sbd, Voc
from legonet.goals.classification import Classification

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""Torchvision leaves a GIF open until it is collected."""

SIDE = 24
VOID, DOG, PERSON = 255, 12, 15
ORIENTATION = 0x0112
"""The tag in which a camera says how it was held."""

KINDS = ("colour", "grey", "inks", "turned", "PNG inside", "GIF inside", "progressive")
"""What a file that ends in `.jpg` may be."""


@pytest.fixture(autouse=True)
def closed_files():
    yield
    gc.collect()


def noise(seed):
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def save_jpg(file, kind, seed):
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = noise(seed)
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    match kind:
        case "colour":
            picture.save(file)
        case "grey":
            picture.convert("L").save(file)
        case "inks":
            picture.convert("CMYK").save(file)
        case "turned":
            picture.save(file, exif=turned)
        case "PNG inside":
            picture.convert("RGBA").save(file, "PNG")
        case "GIF inside":
            picture.convert("P").save(file, "GIF")
        case "progressive":
            picture.save(file, progressive=True, quality=30)


def voc_mask(seed):
    """Two objects, each with the void border that VOC draws around them."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for number, (top, left) in ((PERSON, (seed % 4, 3)), (DOG, (12, 8 + seed % 5))):
        mask[top : top + 9, left : left + 9] = VOID
        mask[top + 1 : top + 8, left + 1 : left + 8] = number
    return mask


def upright(picture):
    """Return the pixels of a picture of torchvision's, which leaves it as its camera stored it."""
    return np.asarray(ImageOps.exif_transpose(picture))


def palette_of_voc():
    """Return VOC's colours: bit by bit of a number to red, green and blue, high bits first."""
    colours = []
    for number in range(256):
        bits = [(number >> place) & 1 for place in range(9)]
        colours += [sum(bits[3 * k + c] << (7 - k) for k in range(3)) for c in range(3)]
    return colours


def assert_same(found, reference):
    """Compare what a source read with torchvision's pictures, turned upright, and masks."""
    images, masks = found
    assert len(images) == len(reference)
    for image, mask, (expected, target) in zip(images, masks, reference, strict=True):
        assert (image == upright(expected)).all()
        assert (mask == np.asarray(target)).all()


@pytest.fixture
def voc(tmp_path):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for split, count in (("train", 7), ("val", 3), ("trainval", 10)):
        lists = root / "ImageSets" / "Segmentation"
        lists.mkdir(parents=True, exist_ok=True)
        names = [f"2007_00{split == 'val':d}{number:03}" for number in range(count)]
        # Lists of all ages: with and without the carriage returns of Windows.
        (lists / f"{split}.txt").write_bytes("".join(f"{name}\r\n" for name in names).encode())
        for seed, (name, kind) in enumerate(zip(names, cycle(KINDS), strict=False)):
            save_jpg(root / "JPEGImages" / f"{name}.jpg", kind, seed)
            mask = Image.fromarray(voc_mask(seed))
            mask.putpalette(palette_of_voc())
            (root / "SegmentationClass").mkdir(exist_ok=True)
            mask.save(root / "SegmentationClass" / f"{name}.png")
    return Voc(directory=tmp_path)


def test_voc_with_void_borders(voc):
    source = open_source(voc)
    for split, own in (("train", "train"), ("test", "val")):
        examples = source.examples(split)
        found = source.read(split, examples, SIDE, CATEGORIES)
        assert_same(found, VOCSegmentation(voc.directory, image_set=own))
        assert (found[1] == VOID).any()


def test_a_palette_of_few_colours_is_read_by_its_indices(voc):
    file = next(voc.directory.glob("**/SegmentationClass/2007_000000.png"))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[5:9] = 3
    for bits in (2, 4, 8):
        image = Image.fromarray(mask)
        image.putpalette(palette_of_voc()[: 3 * 4])
        image.save(file, bits=bits)
        source = open_source(voc)
        found = source.read("train", source.examples("train"), SIDE, CATEGORIES)
        assert_same(found, VOCSegmentation(voc.directory, image_set="train"))
        assert (found[1][0] == mask).all()


@pytest.fixture
def sbd(tmp_path):
    (tmp_path / "cls").mkdir()
    fields = [(name, object) for name in ("Boundaries", "Segmentation", "CategoriesPresent")]
    for split, count in (("train", 7), ("val", 2)):
        names = [f"2008_00{split == 'val':d}{number:03}" for number in range(count)]
        (tmp_path / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for seed, (name, kind) in enumerate(zip(names, cycle(KINDS), strict=False)):
            save_jpg(tmp_path / "img" / f"{name}.jpg", kind, seed)
            mask = np.where(voc_mask(seed) == VOID, 0, voc_mask(seed)).astype(np.uint8)
            boundaries = np.empty((20, 1), object)
            for number in range(20):
                boundaries[number, 0] = scipy.sparse.csc_matrix(mask == number + 1, dtype=float)
            content = np.empty((1, 1), fields)
            content[0, 0] = (boundaries, mask, np.array([[DOG], [PERSON]], float))
            scipy.io.savemat(
                tmp_path / "cls" / f"{name}.mat", {"GTcls": content}, do_compression=True
            )
    return Sbd(directory=tmp_path)


def test_sbd_with_its_boundaries(sbd):
    source = open_source(sbd)
    for split, own in (("train", "train"), ("test", "val")):
        found = source.read(split, source.examples(split), SIDE, CATEGORIES)
        assert_same(found, SBDataset(sbd.directory, own, "segmentation"))


@pytest.fixture
def pets(tmp_path):
    root = tmp_path / "oxford-iiit-pet"
    (root / "annotations" / "trimaps").mkdir(parents=True)
    lists = {
        "trainval": ["Abyssinian_100 1 1 1", "american_bulldog_100 2 2 1", "Bengal_7 3 1 2"],
        "test": ["Egyptian_Mau_129 4 1 3", "american_bulldog_2 2 2 1"],
    }
    lists["trainval"] += [f"boxer_{number} 5 2 2" for number in range(4)]
    for split, lines in lists.items():
        (root / "annotations" / f"{split}.txt").write_text("".join(f"{line}\n" for line in lines))
        for seed, (line, kind) in enumerate(zip(lines, cycle(KINDS), strict=False)):
            name = line.split()[0]
            save_jpg(root / "images" / f"{name}.jpg", kind, seed)
            trimap = np.full((SIDE, SIDE), 2, np.uint8)
            trimap[4:18, 4 : 15 + seed] = 3
            trimap[6:16, 6 : 13 + seed] = 1
            Image.fromarray(trimap).save(root / "annotations" / "trimaps" / f"{name}.png")
    return OxfordPets(directory=tmp_path)


def test_pets_with_their_trimaps(pets):
    source = open_source(pets)
    kinds = ("segmentation", "binary-category")
    for split, own in (("train", "trainval"), ("test", "test")):
        reference = OxfordIIITPet(pets.directory, own, kinds)
        examples = source.examples(split)
        # Asked for by its own species, the pet is 1, what is around it 0, its border unknown.
        for example, (expected, (trimap, species)) in zip(examples, reference, strict=True):
            assert example.shows == (("cat", "dog")[species],)
            images, masks = source.read(split, [example], SIDE, example.shows)
            assert (images[0] == upright(expected)).all()
            numbers = np.array([0, 1, 0, VOID])[np.asarray(trimap)]
            assert (masks[0] == numbers).all()


def save_folder(directory):
    """Write a folder of nested categories with pictures of every mode under every ending."""
    turned = Image.Exif()
    turned[ORIENTATION] = 8
    files = {
        "zebra/1.JPG": ("RGB", {}),
        "zebra/10.jpeg": ("CMYK", {}),
        "zebra/2.Jpg": ("L", {"exif": turned}),
        "zebra/a/b/3.PNG": ("RGBA", {}),
        "zebra/a/4.png": ("LA", {}),
        "Ape/5.png": ("P", {"transparency": bytes([0, 128])}),
        "Ape/6.png": ("1", {}),
        "Ape/c/7.TIF": ("CMYK", {}),
        "Ape/B/8.tiff": ("RGB", {"compression": "tiff_lzw"}),
        "Ape/9.webp": ("RGBA", {"lossless": True}),
        "äffin/1.bmp": ("P", {}),
        "äffin/.hidden.png": ("RGB", {}),
        "äffin/2.ppm": ("RGB", {}),
        "äffin/3.pgm": ("L", {}),
    }
    for split in ("train", "test"):
        for seed, (name, (mode, options)) in enumerate(files.items()):
            file = directory / split / name
            file.parent.mkdir(parents=True, exist_ok=True)
            noise(seed).convert(mode).save(file, **options)
        (directory / split / "zebra" / "notes.txt").write_text("no picture")
        (directory / split / "Ape" / "thumbs.png.db").write_text("no picture")


def is_seen(file):
    """Return whether legonet reads a file, as torchvision does but for hidden files."""
    return has_file_allowed_extension(file, IMG_EXTENSIONS) and not Path(file).name.startswith(".")


def test_folders_of_every_mode_and_ending(tmp_path):
    save_folder(tmp_path)
    source = open_source(Folder(directory=tmp_path))
    for split in ("train", "test"):
        reference = ImageFolder(tmp_path / split, is_valid_file=is_seen)
        assert source.categories == tuple(reference.classes)
        images, _ = source.read(split, source.examples(split), SIDE)
        labels = ask(Folder(directory=tmp_path), SIDE, None, Classification()).read(split).labels
        assert labels.tolist() == reference.targets
        with warnings.catch_warnings():
            # Pillow says what it thinks of torchvision's way with transparent palettes.
            warnings.simplefilter("ignore")
            expected = [upright(picture) for picture, _ in reference]
        assert (images == np.stack(expected)).all()


def test_a_category_without_pictures_is_an_error_as_it_is_to_torchvision(tmp_path):
    save_folder(tmp_path)
    for split in ("train", "test"):
        (tmp_path / split / "cow").mkdir()
    with pytest.raises(FileNotFoundError):
        ImageFolder(tmp_path / "train")
    message = failure("LEGO406", lambda: open_source(Folder(directory=tmp_path)))
    assert "cow" in message


@pytest.mark.parametrize("damage", ["gone", "empty", "text", "cut short", "folder"])
def test_a_file_that_cannot_be_read_is_named_by_every_source(
    voc, sbd, pets, tmp_path_factory, damage
):
    folder = tmp_path_factory.mktemp("folder")
    save_folder(folder)
    named = {
        "2007_000000.jpg": voc,
        "2007_000001.png": voc,
        "2008_000002.jpg": sbd,
        "2008_000003.mat": sbd,
        "Abyssinian_100.jpg": pets,
        "Bengal_7.png": pets,
        "train/zebra/10.jpeg": Folder(directory=folder),
    }
    for name, form in named.items():
        (file, *_) = form.directory.glob(f"**/{name}")
        content = file.read_bytes()
        source = open_source(form)
        spoil(file, damage)
        masks = source.categories if source.has_masks else None

        def read(source=source, masks=masks):
            source.read("train", source.examples("train"), SIDE, masks)

        code = "LEGO403" if damage == "gone" else "LEGO404"
        assert Path(name).name in failure(code, read)
        if damage == "folder":
            file.rmdir()
        file.write_bytes(content)
        read()


def spoil(file, damage):
    content = file.read_bytes()
    file.unlink()
    match damage:
        case "empty":
            file.write_bytes(b"")
        case "text":
            file.write_text("<html>404 Not Found</html>")
        case "cut short":
            file.write_bytes(content[: len(content) // 2])
        case "folder":
            file.mkdir()
