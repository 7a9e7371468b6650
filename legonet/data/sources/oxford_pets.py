"""The Oxford-IIIT Pet data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.data.decode import fitting, open_mask, open_picture, read_all, renumber
from legonet.data.source import Example, Fingerprint, Split
from legonet.data.sources.published import PublishedSource
from legonet.goals import VOID
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPLITS: dict[Split, str] = {"train": "trainval", "test": "test"}
"""The data set's own name of each split."""

PET, BACKGROUND, BORDER = 1, 2, 3
"""The numbers in a trimap."""

SPECIES = {"1": "cat", "2": "dog"}
"""The numbers of the species in the data set's lists."""


@dataclass(frozen=True, slots=True)
class Pet:
    """A picture on the data set's list."""

    name: str
    species: str


class OxfordPetsSource(PublishedSource):
    """Pictures of cats and dogs, with the pet's pixels; its border is void.

    There are no pictures of pure background: cats are told apart from dogs.
    """

    title = "the Oxford-IIIT Pet data set"
    categories = ("cat", "dog")
    has_background = False
    has_masks = True
    default_size = 64

    @property
    def root(self) -> Path:
        """The folder that torchvision creates."""
        return self.directory / "oxford-iiit-pet"

    @property
    def marker(self) -> Path:
        """The folder of the second archive, which torchvision downloads last."""
        return self.root / "annotations"

    def download(self) -> None:
        """Let torchvision download both archives."""
        from torchvision.datasets import OxfordIIITPet

        OxfordIIITPet(self.directory, download=True)

    def present_fingerprint(self) -> Fingerprint:
        """Return the lists, and the pictures and trimaps on them."""
        listed = [(split, pet) for split in SPLITS for pet in self._listing(split)]
        values = tuple((split, pet.name, pet.species) for split, pet in listed)
        files = [path for _, pet in listed for path in (self._picture(pet), self._trimap(pet))]
        return Fingerprint(("oxford_pets", *values), tuple(files))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return all pictures in the order of the data set's list."""
        return [
            Example(position, (pet.species,), True)
            for position, pet in enumerate(self._listing(split))
        ]

    def name_of(self, split: Split, example: Example) -> str:
        """Return the picture's name in the list."""
        return self._listing(split)[example.position].name

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode pictures and trimaps."""
        from PIL import Image

        pets = self._listing(split)
        wanted = list(categories or ())

        def picture(example: Example) -> Image.Image:
            path = self._picture(pets[example.position])
            return open_picture(path, str(path))

        def mask(example: Example, picture_size: tuple[int, int]) -> Image.Image:
            pet = pets[example.position]
            if pet.species not in wanted:
                return Image.new("L", picture_size, 0)
            path = self._trimap(pet)
            numbers = {PET: 1 + wanted.index(pet.species), BACKGROUND: 0, BORDER: VOID}
            stored = fitting(open_mask(path, str(path)), picture_size, str(path))
            return renumber(stored, numbers, str(path))

        return read_all(examples, size, picture, None if categories is None else mask)

    def _listing(self, split: Split) -> list[Pet]:
        file = self.marker / f"{SPLITS[split]}.txt"
        pets = []
        for line in self.lines(file):
            # Name, breed, species, breed within the species.
            words = line.split()
            if len(words) != 4 or words[2] not in SPECIES:
                raise self.damaged(f"unexpected line `{line}` in `{file.name}`")
            pets.append(Pet(words[0], SPECIES[words[2]]))
        return pets

    def _picture(self, pet: Pet) -> Path:
        return self.root / "images" / f"{pet.name}.jpg"

    def _trimap(self, pet: Pet) -> Path:
        return self.marker / "trimaps" / f"{pet.name}.png"


class OxfordPets(SourceForm):
    """The Oxford-IIIT Pet data set as torchvision reads it, with its trimaps as masks.

    The categories are ``cat`` and ``dog``; there are no background pictures.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call = "oxford_pets"
    opens = OxfordPetsSource
    directory: Path
    download: bool = False
