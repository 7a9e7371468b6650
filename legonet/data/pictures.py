"""Pictures with their answers, as a source gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOID = 255
"""The mask value of pixels that neither a loss nor a score counts."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size with the answers to one question.

    Args:
        images: ``(N, H, W, 3)``, uint8, RGB.
        labels: ``(N,)``, int64. For one category 1 is the category and 0 its background; else
            the index of the label.
        masks: ``(N, H, W)``, uint8, the same numbers per pixel and `VOID`; None where the
            question is about whole pictures.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """Return the pictures at these indices, in this order."""
        masks = None if self.masks is None else self.masks[indices]
        return Pictures(self.images[indices], self.labels[indices], masks)
