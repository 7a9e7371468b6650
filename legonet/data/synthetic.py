"""Pictures made from nothing but a seed, with the statistics of photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

FEWEST, MOST = 4, 60
"""Fewest and most leaves in a picture."""

SMALLEST, LARGEST = 0.03, 0.6
"""Radii of the smallest and the largest leaf, as shares of the picture's side."""

PLAIN = 0.06
"""Leaves with a smaller radius have one colour."""

OCTAVES = 6
"""Most scales of noise in one texture."""


def textured_leaves(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Return dead leaves pictures with textures: surfaces that lie on top of one another.

    Radii follow a power law of exponent -3, which gives the statistics of natural pictures the
    same look at every scale (Lee, Mumford, Huang, "Occlusion models for natural images", IJCV
    2001). Each surface has a colour, a shading, and a texture: noise of several scales, stripes,
    or both (after Baradad et al., "Learning to See by Looking at Noise", 2021). Flat leaves alone
    have no texture for a network's features to see. Only correctly rounded arithmetic is used, in
    an order that no library chooses, so that every machine gives the same bytes.

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
        picture[:] = _picture(size, np.random.Generator(np.random.PCG64([seed, index])))
    return pictures


def _picture(size: int, random: np.random.Generator) -> Values:
    import numpy as np

    everywhere = np.arange(size, dtype=np.float64) + 0.5
    picture = _surface(everywhere, everywhere, size, random)
    for _ in range(FEWEST + int(random.random() * (MOST - FEWEST + 1))):
        _let_fall(picture, size, random)
    if random.random() < 0.5:
        picture = _blurred(picture, 0.5 * random.random())
    return np.clip(picture, 0, 255)


def _let_fall(picture: Values, size: int, random: np.random.Generator) -> None:
    """Put one leaf on a picture: a disc or a rectangle, stretched, turned and maybe ragged."""
    import numpy as np

    chances = random.random(6)
    # The inverse of the power law's distribution function; square roots are the same everywhere.
    radius = max(1.0, SMALLEST * size / np.sqrt(1 - (1 - (SMALLEST / LARGEST) ** 2) * chances[0]))
    centre, stretch = chances[1:3] * size, np.sqrt(0.4 + 1.6 * chances[3])
    sine = 2 * chances[4] - 1
    cosine = np.sqrt(1 - sine * sine)
    reach = 1.5 * radius * max(stretch, 1 / stretch)
    first = np.clip(np.floor(centre - reach), 0, size).astype(int)
    last = np.clip(np.ceil(centre + reach), 0, size).astype(int)
    pixels = np.arange(size, dtype=np.float64) + 0.5
    rows, columns = pixels[first[0] : last[0]], pixels[first[1] : last[1]]
    down, across = rows[:, None] - centre[0], columns[None, :] - centre[1]
    along, aside = cosine * across + sine * down, cosine * down - sine * across
    along, aside = along / (radius * stretch), aside * stretch / radius
    if chances[5] < 0.25:
        inside = np.maximum(np.abs(along), np.abs(aside)) <= 1
    else:
        edge = 1.0 if chances[5] < 0.75 else 1 + 0.8 * _noise(rows, columns, size, random, 4)
        inside = along * along + aside * aside <= edge
    if radius < PLAIN * size:
        surface: Values = np.broadcast_to(255 * random.random(3), (*inside.shape, 3))
    else:
        surface = _surface(rows, columns, size, random)
    patch = picture[first[0] : last[0], first[1] : last[1]]
    patch[inside] = surface[inside]


def _surface(rows: Values, columns: Values, size: int, random: np.random.Generator) -> Values:
    """Return the colours of a surface at some rows and columns, ``(R, C, 3)``."""
    import numpy as np

    chances = random.random(12)
    colour, tint = 255 * chances[:3], 0.7 + 0.6 * chances[3:6]
    contrast, kind = 400 * chances[6] * chances[6], chances[7]
    texture = np.zeros((len(rows), len(columns)))
    if kind >= 0.25:
        if kind < 0.7 or kind >= 0.85:
            texture = texture + _noise(rows, columns, size, random, 2, 0.4 + 0.5 * chances[8])
        if kind >= 0.7:
            texture = texture + 0.2 * _stripes(rows, columns, size, random)
    shading = 150 * chances[9] * _level(rows, columns, size, random, 1)
    stain = 100 * chances[10] * chances[10]
    stains = [_noise(rows, columns, size, random, 2) for _ in range(3)]
    plane = texture * contrast
    layers = [
        colour[channel] + tint[channel] * plane + shading + stain * stains[channel]
        for channel in range(3)
    ]
    return np.stack(layers, 2)


def _noise(
    rows: Values,
    columns: Values,
    size: int,
    random: np.random.Generator,
    coarsest: int,
    decay: float = 0.5,
) -> Values:
    """Return noise of several scales, each finer one weaker by a factor; about -0.5 to 0.5."""
    import numpy as np

    total, weight, cells = np.zeros((len(rows), len(columns))), 1.0, coarsest
    for _ in range(OCTAVES):
        if cells > size:
            break
        total += weight * _level(rows, columns, size, random, cells)
        weight, cells = weight * decay, 2 * cells
    return total


def _level(
    rows: Values, columns: Values, size: int, random: np.random.Generator, cells: int
) -> Values:
    """Return random numbers on a grid of cells, interpolated between them; -0.5 to 0.5."""
    import numpy as np

    grid = random.random((cells + 1, cells + 1)) - 0.5
    down, across = rows * cells / size, columns * cells / size
    top, left = (np.minimum(place.astype(int), cells - 1) for place in (down, across))
    lower, right = (down - top)[:, None], (across - left)[None, :]
    # Along the grid's few rows first, which takes less time than for each row of pixels.
    along = grid[:, left] * (1 - right) + grid[:, left + 1] * right
    interpolated: Values = along[top] * (1 - lower) + along[top + 1] * lower
    return interpolated


def _stripes(rows: Values, columns: Values, size: int, random: np.random.Generator) -> Values:
    """Return stripes of any direction and width, with soft or hard edges; -1 to 1."""
    import numpy as np

    chances = random.random(5)
    down, across = chances[0] - 0.5, chances[1] - 0.5
    period = 2 + chances[2] * chances[2] * size / 3
    length = np.sqrt(down * down + across * across) + 1e-9
    phase = (down * rows[:, None] + across * columns[None, :]) / (length * period) + chances[3]
    wave: Values = 2 * np.abs(2 * (phase - np.floor(phase)) - 1) - 1
    return wave if chances[4] < 0.5 else np.sign(wave)


def _blurred(picture: Values, share: float) -> Values:
    """Mix each pixel with its four neighbours."""
    import numpy as np

    wide = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = wide[:-2, 1:-1] + wide[2:, 1:-1] + (wide[1:-1, :-2] + wide[1:-1, 2:])
    return (1 - share) * picture + share * around / 4
