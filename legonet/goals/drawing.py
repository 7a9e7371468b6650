"""Pictures of answers: masks of labels, maps of numbers, and points, drawn on photographs."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Any

from legonet.goals.background import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from legonet.goals.picture_answer import Box

OPACITY = 0.5
"""Of a mask over its picture."""


def label_image(mask: NDArray[Any], labels: tuple[str, ...]) -> Image.Image:
    """Return a mask of labels as a picture.

    That of one category is white on black; that of several labels holds their numbers and a
    palette.
    """
    import numpy as np
    from PIL import Image

    if len(labels) == 1:
        return Image.fromarray((mask * 255).astype(np.uint8))
    image = Image.fromarray(mask)
    if image.mode == "L":  # with more than 256 labels there is none
        image.putpalette([part for number in range(256) for part in colour(number)])
    return image


def paint_labels(picture: Image.Image, mask: NDArray[Any], labels: tuple[str, ...]) -> Image.Image:
    """Paint what a mask shows in colour on a picture; background stays as it is."""
    import numpy as np
    from PIL import Image

    # Label after label, as a large picture in floating point would fill the memory.
    for number, label in enumerate(labels):
        if label == BACKGROUND:
            continue
        shown = mask == (1 if len(labels) == 1 else number)
        opacity = Image.fromarray((shown * round(255 * OPACITY)).astype(np.uint8))
        picture.paste(colour(number), mask=opacity)
    return picture


def map_image(values: NDArray[Any]) -> Image.Image:
    """Return a map of numbers as a grey picture: black the smallest, white the largest."""
    import numpy as np
    from PIL import Image

    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return Image.fromarray(np.nan_to_num(255 * shares).round().astype(np.uint8))


def paint_map(picture: Image.Image, values: NDArray[Any]) -> Image.Image:
    """Lay a map of numbers over a picture."""
    from PIL import Image

    return Image.blend(picture, map_image(values).convert("RGB"), OPACITY)


def paint_points(picture: Image.Image, points: Mapping[str, tuple[float, float]]) -> Image.Image:
    """Paint each point as a disk on a picture."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    radius = max(2, round(min(picture.size) / 64))
    for number, (left, top) in enumerate(points.values()):
        box = (left - radius, top - radius, left + radius, top + radius)
        draw.ellipse(box, fill=colour(number), outline=(255, 255, 255))
    return picture


def paint_boxes(picture: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Draw boxes with their labels on a picture, one colour a label."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    line = max(1, round(min(picture.size) / 160))
    colours = {label: colour(number) for number, label in enumerate(_labels(boxes))}
    for box in reversed(boxes):  # the surest on top
        left, top, right, lower = box.edges
        shade = colours[box.label]
        draw.rectangle((left, top, max(left, right), max(top, lower)), outline=shade, width=line)
        text = f"{box.label} {box.probability:.0%}"
        place = (max(0.0, left) + line, max(0.0, top) + line)
        draw.rectangle(draw.textbbox(place, text), fill=shade)
        draw.text(place, text, fill=(255, 255, 255))
    return picture


def _labels(boxes: Sequence[Box]) -> list[str]:
    return sorted({box.label for box in boxes})


def colour(number: int) -> tuple[int, int, int]:
    """Return a label's colour, RGB: red first, and neighbours far from each other."""
    golden_section = 0.6180339887
    red, green, blue = colorsys.hsv_to_rgb(number * golden_section % 1, 0.85, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)
