"""What every source of pictures can do, and what it promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from legonet.goals.background import BACKGROUND

__all__ = ["BACKGROUND", "Example", "Fingerprint", "Source", "Split"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Fingerprint:
    """Everything that determines pictures, for content keys; no pixel is decoded for it.

    Args:
        values: Strings, integers, booleans, None and tuples of them. No absolute path is among
            them, so that a moved folder keeps its fingerprint.
        files: Files whose contents count, in an order that is the same on every machine.
    """

    values: tuple[object, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One picture of a split, not yet read.

    Args:
        position: Its position in the split, from 0.
        shows: The categories that it shows, the most prominent first; none for background.
        has_mask: Whether it is known what each pixel shows.
    """

    position: int
    shows: tuple[str, ...]
    has_mask: bool


class Source(ABC):
    """Pictures with categories, in a train and a test split.

    A source is cheap until `read` is called: opening it and asking for its fingerprint imports
    neither torch nor numpy and decodes nothing.

    Attributes:
        categories: Their names in a fixed order; background is not among them.
        has_background: Whether there are pictures that are meant to show none of the categories.
        has_masks: Whether some pictures have masks.
        default_size: Height and width in pixels where a spec does not set a size.
        targets: The names of the numbers that are known of each picture, for regression.
        has_boxes: Whether some pictures have boxes around the objects of the categories.
        has_depth: Whether the depth of pixels is known in some pictures.
        point_names: The names of the key points that are known in some pictures.
        skipped: How many files beside the pictures are left out, by their kind: ``hidden``, or
            their ending, such as ``.heic``.
        decodes_to_list: Whether `examples` looks into files, so that counting pictures takes time.
    """

    categories: tuple[str, ...]
    has_background: bool
    has_masks: bool
    default_size: int
    targets: tuple[str, ...] = ()
    has_boxes: bool = False
    has_depth: bool = False
    point_names: tuple[str, ...] = ()
    skipped: Mapping[str, int] = MappingProxyType({})
    decodes_to_list: bool = False

    @abstractmethod
    def fingerprint(self, category: str | None) -> Fingerprint:
        """Return what determines the pictures of both splits.

        Args:
            category: Only this category and what it is told apart from: the background pictures,
                or all others where the source has none. All pictures when None.
        """

    @abstractmethod
    def examples(self, split: Split) -> Sequence[Example]:
        """Return all pictures of a split in a fixed order, including background pictures."""

    @abstractmethod
    def read(
        self,
        split: Split,
        examples: Sequence[Example],
        size: int,
        categories: Sequence[str] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Decode some pictures of a split.

        Args:
            split: The split whose `examples` they are.
            examples: Which ones, in the order of the result.
            size: Height and width in pixels to which each is squashed.
            categories: The categories whose masks are wanted; no masks when None.

        Returns:
            Images, ``(N, size, size, 3)``, uint8, RGB; and masks, ``(N, size, size)``, uint8:
            at each pixel 1 + the index of the category in ``categories``, 0 for anything else,
            `legonet.data.pictures.VOID` where it is unknown.

        Raises:
            DiagnosticError: A picture or mask cannot be read.
        """

    def name_of(self, split: Split, example: Example) -> str:
        """Return what to call a picture: its file as people know it, or its place in the split."""
        return f"picture {example.position + 1} of the {split} split"

    def values(self, split: Split, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return the numbers that are known of some pictures, ``(N, T)``, as `targets` has them.

        Args:
            split: The split whose `examples` they are.
            examples: Which ones.
        """
        import numpy as np

        del split
        return np.zeros((len(examples), 0), np.float32)

    def boxes(self, split: Split, examples: Sequence[Example]) -> list[NDArray[np.float32] | None]:
        """Return the boxes of all objects in some pictures; for sources with `has_boxes`.

        Args:
            split: The split whose `examples` they are.
            examples: Which ones.

        Returns:
            For each picture ``(B, 6)``: the left, top, right and lower edge as shares of the
            picture's width and height; 1, or `legonet.goals.boxes.REGION` for a region in which
            answers are neither right nor wrong, such as a crowd; and the index of the category
            in `categories`. None where the boxes are not known.

        Raises:
            DiagnosticError: A box does not fit its picture.
        """
        raise NotImplementedError(f"{type(self).__name__} has no boxes")

    def points(self, split: Split, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Return the key points in some pictures; for sources with `point_names`.

        Args:
            split: The split whose `examples` they are.
            examples: Which ones.

        Returns:
            ``(N, P, 2)``, as `point_names` has them: shares of height and width from 0 to 1, and
            not a number where a point is not known.

        Raises:
            DiagnosticError: A point does not fit its picture.
        """
        raise NotImplementedError(f"{type(self).__name__} has no key points")

    def depth(self, split: Split, examples: Sequence[Example], size: int) -> NDArray[np.float32]:
        """Return the depth of each pixel of some pictures; for sources with `has_depth`.

        Args:
            split: The split whose `examples` they are.
            examples: Which ones.
            size: Height and width in pixels to which each is squashed, by nearest neighbour.

        Returns:
            ``(N, size, size)``, not a number where it is not known.

        Raises:
            DiagnosticError: A file of depths cannot be read, or does not fit its picture.
        """
        raise NotImplementedError(f"{type(self).__name__} knows no depth")

    def fetch(self) -> None:  # noqa: B027 - most sources have nothing to fetch
        """Download the pictures where the spec says so and they are not there yet.

        Raises:
            DiagnosticError: The download failed.
        """
