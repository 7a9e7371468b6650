"""What comes after ``transform:`` in a ``data`` block: what is done to pictures after loading."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from legonet.language.base import Form
from legonet.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Transform(Form):
    """What all transforms have in common."""

    @abstractmethod
    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return transformed pictures, with the same bits on every machine.

        Args:
            images: ``(N, H, W, 3)``, uint8, RGB; not changed.

        Returns:
            ``(N, H, W, 3)``, uint8.
        """


TRANSFORMS: Registry[Transform] = Registry(
    Transform,
    "",
    {
        "invert": "legonet.data.transforms:Invert",
        "edges": "legonet.data.transforms:Edges",
        "low_light": "legonet.data.transforms:LowLight",
    },
)
"""The transforms."""
