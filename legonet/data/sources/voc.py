"""PASCAL VOC's twenty categories: VOC itself and the Semantic Boundaries Dataset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from legonet.data.decode import fitting, open_mask, open_picture, read_all, renumber, run_in_threads
from legonet.data.matlab import read_matlab
from legonet.data.remembered import remembered
from legonet.data.source import Example, Fingerprint, Split
from legonet.data.sources.published import PublishedSource
from legonet.goals import VOID
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

CATEGORIES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
"""VOC's categories; in a mask the first is 1."""

SPLITS: dict[Split, str] = {"train": "train", "test": "val"}
"""The data sets' own name for each split."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture on a data set's list, with its mask."""

    name: str
    picture: Path
    mask: Path


def numbers_for(categories: Sequence[str]) -> dict[int, int]:
    """Return for each number in a VOC mask its new number when these categories are wanted."""
    wanted = list(categories)
    return {0: 0, VOID: VOID} | {
        stored: 1 + wanted.index(name) if name in wanted else 0
        for stored, name in enumerate(CATEGORIES, start=1)
    }


class TwentyCategoriesSource(PublishedSource):
    """Pictures whose masks number VOC's categories.

    What a picture shows is read from its mask: the category with the most pixels first. There
    are no pictures of pure background, so a category is told apart from the pictures that do not
    show it.
    """

    categories = CATEGORIES
    has_background = False
    has_masks = True
    default_size = 64
    decodes_to_list = True

    @abstractmethod
    def listing(self, split: Split) -> list[Listed]:
        """Return the pictures of a split in the order of the data set's list."""

    def present_fingerprint(self) -> Fingerprint:
        """Return the lists, and the pictures and masks on them."""
        listed = [(split, item) for split in SPLITS for item in self.listing(split)]
        values = tuple((split, item.name) for split, item in listed)
        files = dict.fromkeys(path for _, item in listed for path in (item.picture, item.mask))
        return Fingerprint((type(self).__name__, *values), tuple(files))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return all pictures in the order of the data set's list; decodes all masks once."""
        return self._examples[split]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the picture's name in the list."""
        return self.listing(split)[example.position].name

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures and masks."""
        listing = self.listing(split)
        numbers = numbers_for(categories or ())

        def picture(example: Example) -> Image:
            item = listing[example.position]
            return open_picture(item.picture, str(item.picture))

        def mask(example: Example, picture_size: tuple[int, int]) -> Image:
            path = listing[example.position].mask
            stored = fitting(_stored_mask(path), picture_size, str(path))
            return renumber(stored, numbers, str(path))

        return read_all(examples, size, picture, None if categories is None else mask)

    @cached_property
    def _examples(self) -> dict[Split, list[Example]]:
        return {split: self._look_at_masks(split) for split in SPLITS}

    def _look_at_masks(self, split: Split) -> list[Example]:
        listing = self.listing(split)
        shows: list[tuple[str, ...]] = [()] * len(listing)

        def look(position: int) -> None:
            shows[position] = _shown(listing[position].mask)

        run_in_threads(look, range(len(listing)))
        return [Example(position, names, True) for position, names in enumerate(shows)]


class VocSource(TwentyCategoriesSource):
    """PASCAL VOC's segmentation pictures: its train set, and its val set as the test split.

    Args:
        directory: The folder that torchvision calls ``root``.
        year: The year of the challenge.
        download: Whether `fetch` may download the data set.

    Raises:
        DiagnosticError: The data set is missing and must not be downloaded.
    """

    def __init__(self, directory: Path, year: str, download: bool) -> None:
        self.year = year
        self.title = f"PASCAL VOC {year}"
        # Only the archive of 2011 has an additional folder.
        above = Path("TrainVal") if year == "2011" else Path()
        self.root = directory / above / "VOCdevkit" / f"VOC{year}"
        super().__init__(directory, download)

    @property
    def marker(self) -> Path:
        """The folder with the lists of segmented pictures."""
        return self.root / "ImageSets" / "Segmentation"

    def download(self) -> None:
        """Let torchvision download the archive of train and val pictures."""
        from torchvision.datasets import VOCSegmentation

        VOCSegmentation(self.directory, year=self.year, image_set="train", download=True)

    def listing(self, split: Split) -> list[Listed]:
        """Return the pictures of a split in the order of the data set's list."""
        return [
            Listed(
                name,
                self.root / "JPEGImages" / f"{name}.jpg",
                self.root / "SegmentationClass" / f"{name}.png",
            )
            for name in self.lines(self.marker / f"{SPLITS[split]}.txt")
        ]


def _year(year: object) -> object:
    return str(year) if isinstance(year, int) else year


class Voc(SourceForm):
    """PASCAL VOC segmentation as torchvision reads it, with masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        year: Year of the challenge, as a number or in quotes.
        download: Downloads the data set if it is not there.
    """

    call = "voc"
    opens = VocSource
    directory: Path
    year: Annotated[
        Literal["2007", "2008", "2009", "2010", "2011", "2012"], BeforeValidator(_year)
    ] = "2012"
    download: bool = False


class SbdSource(TwentyCategoriesSource):
    """The Semantic Boundaries Dataset: its own train and val sets, which are not VOC's.

    Some of its training pictures are test pictures of `VocSource`.
    """

    title = "the Semantic Boundaries Dataset"

    @property
    def marker(self) -> Path:
        """The list that torchvision writes last."""
        return self.directory / "val.txt"

    def download(self) -> None:
        """Let torchvision download the archive."""
        from torchvision.datasets import SBDataset

        SBDataset(self.directory, image_set="train", mode="segmentation", download=True)

    def listing(self, split: Split) -> list[Listed]:
        """Return the pictures of a split in the order of the data set's list."""
        return [
            Listed(
                name,
                self.directory / "img" / f"{name}.jpg",
                self.directory / "cls" / f"{name}.mat",
            )
            for name in self.lines(self.directory / f"{SPLITS[split]}.txt")
        ]


class Sbd(SourceForm):
    """The Semantic Boundaries Dataset as torchvision reads it, with masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call = "sbd"
    opens = SbdSource
    directory: Path
    download: bool = False


def _stored_mask(path: Path) -> Image:
    """Return a mask as it is stored, in a picture or in a MATLAB file: 0 to 20, 255 for void."""
    import numpy as np
    from PIL import Image

    def segmentation(struct: Any) -> Image.Image:
        return Image.fromarray(np.asarray(struct[0]["Segmentation"][0], np.uint8))

    if path.suffix == ".mat":
        return read_matlab(path, "GTcls", "a segmentation", segmentation)
    return open_mask(path, str(path))


@remembered
def _shown(mask: Path) -> tuple[str, ...]:
    """Return the categories in a mask, the one with the most pixels first."""
    pixels = _stored_mask(mask).histogram()
    there = [number for number in range(1, len(CATEGORIES) + 1) if pixels[number]]
    there.sort(key=lambda number: -pixels[number])
    return tuple(CATEGORIES[number - 1] for number in there)
