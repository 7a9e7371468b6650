"""Pictures for several categories at once, each of which shows one of them or the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from legonet.data.pictures import Pictures
from legonet.data.source import BACKGROUND
from legonet.data.task_dataset import TaskDataset
from legonet.goals import VOID

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Read = Callable[[TaskDataset], Pictures]
"""Returns the pictures of a dataset's split."""


@dataclass(frozen=True)
class JointDataset:
    """The pictures of one dataset for some categories of several.

    What a source without background pictures shows besides the categories is their background, as
    in `TaskDataset`; where there are background pictures, other categories are left out.

    Args:
        dataset: Of one of the categories, in the form in which its edge is learned.
        answered: The labels that each category says yes to; none for those of other datasets.
    """

    dataset: TaskDataset
    answered: tuple[tuple[str, ...], ...]

    @property
    def asked(self) -> TaskDataset:
        """The pictures of all labels that count."""
        own = [label for labels in self.answered for label in labels]
        source = self.dataset.source
        others = () if source.has_background else source.categories
        labels = tuple(dict.fromkeys((BACKGROUND, *own, *others)))
        return TaskDataset(
            source,
            self.dataset.size,
            None,
            self.dataset.goal,
            transform=self.dataset.transform,
            asked=labels,
        )

    def read(self, read: Read) -> Pictures:
        """Return the pictures; 0 is the background, and k + 1 the k-th category.

        Args:
            read: Reads those of a split.

        Raises:
            DiagnosticError: There are no such pictures, or one of them cannot be read.
        """
        import numpy as np

        asked = self.asked
        numbers = {
            label: place + 1 for place, labels in enumerate(self.answered) for label in labels
        }
        table = np.array([numbers.get(label, 0) for label in asked.labels], np.int64)
        pictures = read(asked)
        masks = None if pictures.masks is None else _renumbered(pictures.masks, table)
        return Pictures(pictures.images, table[pictures.labels], masks)


def together(parts: Sequence[Pictures]) -> Pictures:
    """Return pictures of several datasets as one, in their order; all have one size."""
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    masks = [part.masks for part in parts if part.masks is not None]
    return Pictures(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate(masks) if len(masks) == len(parts) else None,
    )


def _renumbered(masks: NDArray[np.uint8], table: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return masks with other numbers; what is void stays so."""
    import numpy as np

    numbers = np.full(256, VOID, np.uint8)
    numbers[: len(table)] = table
    numbers[VOID] = VOID
    return numbers[masks]
