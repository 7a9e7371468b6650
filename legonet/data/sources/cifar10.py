"""CIFAR-10 as torchvision reads it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.data.decode import read_all
from legonet.data.source import Example, Fingerprint, Split
from legonet.data.sources.cifar10_jpeg import CATEGORIES
from legonet.data.sources.published import PublishedSource
from legonet.language.sources import SourceForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
"""The data set's own files."""


class Cifar10Source(PublishedSource):
    """CIFAR-10's pictures as they were published."""

    title = "CIFAR-10"
    categories = CATEGORIES
    has_background = False
    has_masks = False
    default_size = 32

    @property
    def marker(self) -> Path:
        """The folder inside the archive."""
        return self.directory / "cifar-10-batches-py"

    def download(self) -> None:
        """Let torchvision download the archive."""
        from torchvision.datasets import CIFAR10

        CIFAR10(self.directory, download=True)

    def present_fingerprint(self) -> Fingerprint:
        """Return the batches."""
        return Fingerprint(("cifar10",), tuple(self.marker / name for name in FILES))

    def examples(self, split: Split) -> Sequence[Example]:
        """Return all pictures in the order of the batches."""
        labels = self._datasets[split].targets
        return [
            Example(position, (CATEGORIES[label],), False) for position, label in enumerate(labels)
        ]

    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,  # noqa: ARG002 - there are no masks
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Return pictures; there are no masks."""
        from PIL import Image

        pictures = self._datasets[split].data

        def picture(example: Example) -> Image.Image:
            return Image.fromarray(pictures[example.position])

        return read_all(examples, size, picture, None)

    @cached_property
    def _datasets(self) -> dict[Split, Any]:
        """Torchvision's data set for each split; it verifies the checksums of its files."""
        from torchvision.datasets import CIFAR10

        self.fetch()
        try:
            return {
                "train": CIFAR10(self.directory, train=True),
                "test": CIFAR10(self.directory, train=False),
            }
        except (OSError, RuntimeError) as error:
            raise self.damaged(error) from error


class Cifar10(SourceForm):
    """CIFAR-10 as torchvision reads it: 32x32 pictures, with neither background nor masks.

    Args:
        directory: The folder into which torchvision unpacks it.
        download: Downloads the data set if it is not there.
    """

    call = "cifar10"
    opens = Cifar10Source
    directory: Path
    download: bool = False
