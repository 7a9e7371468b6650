"""The transforms: what is done to pictures after loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from legonet.language.transforms import Transform

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GAMMA = 2.2
"""Exponent that turns a picture's values into light."""


class Invert(Transform):
    """Invert the colours, as in a photographic negative."""

    call = "invert"

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return negatives."""
        return ~images


class Edges(Transform):
    """Show only edges: the magnitude of the brightness's Sobel gradient, white on black."""

    call = "edges"

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a quarter of Sobel's magnitude of the brightness (ITU-R 601), clipped at 255."""
        import numpy as np
        from PIL import Image
        from scipy.ndimage import sobel

        edges = np.empty_like(images)
        for place, image in enumerate(images):
            brightness = np.asarray(Image.fromarray(image).convert("L"), np.int32)
            # Whole numbers up to here, so rounding is the same on every machine.
            squares = sobel(brightness, axis=0) ** 2 + sobel(brightness, axis=1) ** 2
            edges[place] = np.minimum(np.sqrt(squares) / 4, 255)[..., None]
        return edges


class LowLight(Transform):
    """Simulate low light: an underexposed picture, with the few grey levels that this leaves.

    Args:
        light: Share of the light that is left.
    """

    call = "low_light"
    light: float = Field(default=0.01, gt=0, le=1)

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return darker pictures; a picture's values are light to the power of 1 / `GAMMA`."""
        import numpy as np

        darker = np.round(np.arange(256) * self.light ** (1 / GAMMA))
        values: NDArray[np.uint8] = darker.astype(np.uint8)
        return values[images]
