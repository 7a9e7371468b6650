"""Pictures with their answers, as a source provides them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = -1
"""The label of a picture whose right answer is not known."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size with their answers for one task.

    Args:
        images: ``(N, H, W, 3)``, uint8, RGB.
        labels: ``(N,)``, int64. For one category, 1 is the category and 0 its background;
            otherwise the index of the label, `UNKNOWN` where it is not known.
        masks: ``(N, H, W)``, uint8, the same numbers per pixel and `VOID`; None where the
            answers are about whole pictures.
        values: ``(N, ..)``, the right answers of goals that are neither a label nor a mask: for
            several labels at once ``(N, K)``, uint8, 1 for those that the picture shows; for
            numbers ``(N, K)``, boxes ``(N, B, 6)``, points ``(N, K, 2)`` and depths
            ``(N, H, W)``, float32, as `legonet.data.right_answers` has them. None otherwise.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.uint8] | None = None
    values: NDArray[Any] | None = None

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Memory used, in bytes."""
        masks = 0 if self.masks is None else self.masks.nbytes
        values = 0 if self.values is None else self.values.nbytes
        return self.images.nbytes + self.labels.nbytes + masks + values

    def take(self, indices: NDArray[np.int64]) -> Pictures:
        """Return the pictures at these indices, in this order."""
        masks = None if self.masks is None else self.masks[indices]
        values = None if self.values is None else self.values[indices]
        return Pictures(self.images[indices], self.labels[indices], masks, values)
