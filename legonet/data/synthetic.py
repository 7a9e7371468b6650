"""Pictures made of nothing but a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAVES = 60
"""Leaves in a picture of 32x32 pixels; other sizes have as many for each pixel."""

SMALLEST = 2.0
"""Radius of the smallest leaf in pixels; the largest has half the picture's side."""


def dead_leaves(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Return dead leaves pictures: discs and rectangles that fell on one another.

    Radii follow a power law of exponent -3, which gives the statistics of natural pictures the
    same look at every scale (Lee, Mumford, Huang, "Occlusion models for natural images", IJCV
    2001). Only correctly rounded arithmetic is used, so that every machine gives the same bytes.

    Args:
        count: How many; a larger count with the same seed begins with the same pictures.
        size: Height and width in pixels.
        seed: At least 0.

    Returns:
        Images, ``(count, size, size, 3)``, uint8.
    """
    import numpy as np

    pictures = np.empty((count, size, size, 3), np.uint8)
    for index, picture in enumerate(pictures):
        _let_fall(picture, np.random.Generator(np.random.PCG64([seed, index])))
    return pictures


def _let_fall(picture: NDArray[np.uint8], random: np.random.Generator) -> None:
    import numpy as np

    size = len(picture)
    leaves = max(1, round(LEAVES * size * size / (32 * 32)))
    chances = random.random((leaves + 1, 8))
    colours = (chances[:, :3] * 256).astype(np.uint8)
    centres = chances[1:, 3:5] * size
    largest = max(size / 2, SMALLEST)
    spread = 1 - (SMALLEST / largest) ** 2
    # The inverse of the power law's distribution function; a square root is the same everywhere.
    radii = SMALLEST / np.sqrt(1 - spread * chances[1:, 5])
    is_disc = chances[1:, 6] < 0.5
    # A rectangle's sides differ by up to a factor of two, its area stays that of a square.
    stretches = np.sqrt(0.5 + 1.5 * chances[1:, 7])

    grid = np.arange(size) + 0.5
    picture[:] = colours[0]
    for colour, centre, radius, disc, stretch in zip(
        colours[1:], centres, radii, is_disc, stretches, strict=True
    ):
        half = np.array([radius, radius] if disc else [radius * stretch, radius / stretch])
        top, left = np.maximum(np.ceil(centre - half - 0.5), 0).astype(int)
        bottom, right = np.maximum(np.ceil(centre + half - 0.5), 0).astype(int)
        patch = picture[top:bottom, left:right]
        if not disc:
            patch[:] = colour
            continue
        down = (grid[top:bottom] - centre[0]) ** 2
        across = (grid[left:right] - centre[1]) ** 2
        patch[down[:, None] + across <= radius**2] = colour
