"""What a network answers about one picture, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """A box around an object.

    Args:
        label: What the object is.
        probability: That it is one, 0 to 1.
        edges: Left, top, right and lower edge, in pixels of the picture.
    """

    label: str
    probability: float
    edges: tuple[float, float, float, float]


@dataclass(frozen=True)
class PictureAnswer:
    """What a network answers about one picture.

    Args:
        answer: In a word, or None where the network tells one category from all else and says no.
        probabilities: Of each label, 0 to 1.
        shares: Of the picture's pixels, for each label, 0 to 1.
        values: The numbers that it answers, by their names.
        mask: ``(H, W)``, in the picture's own size: the number of each pixel's label (where there
            is one category, 1 for it and 0 for all else), or a number for each pixel, float32.
        points: The pixel, from the left and from the top, of each point.
        boxes: Around objects, the surest first.
    """

    answer: str | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    mask: NDArray[np.uint8 | np.uint16 | np.float32] | None = None
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()


def mask_answer(
    outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
) -> PictureAnswer:
    """Return the label of each pixel of a picture, and how many of the pixels each label has.

    Args:
        outputs: Logits, ``(K, H, W)``; those of a single output are for and against a category.
        labels: Their K labels.
        size: Width and height of the picture.
    """
    import numpy as np

    mask = _mask(outputs, size)
    counts = np.bincount(mask.reshape(-1), minlength=len(labels) + 1)
    if len(labels) == 1:
        counts = counts[1:]
    shares = {label: float(count / mask.size) for label, count in zip(labels, counts, strict=False)}
    most = max(shares, key=shares.__getitem__)
    return PictureAnswer(most if shares[most] else None, shares=shares, mask=mask)


def resized(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map ``(H, W)`` at another width and height, interpolated bilinearly."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _mask(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8 | np.uint16]:
    """Bring logits ``(K, H, W)`` to a picture's own width and height, and decide pixel by pixel."""
    import numpy as np

    width, height = size
    # What a single output is measured against.
    best = np.zeros((height, width), np.float32)
    mask: NDArray[np.uint8 | np.uint16]
    mask = np.zeros((height, width), np.uint8 if len(logits) <= 256 else np.uint16)
    single = len(logits) == 1
    # Map after map, as all of them for a large picture would fill the memory.
    for number, low in enumerate(logits):
        high = resized(low, size)
        better = high > best if single or number else np.ones_like(mask, bool)
        mask[better] = 1 if single else number
        best = np.where(better, high, best)
    return mask
