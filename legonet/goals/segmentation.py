"""A label for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal
from legonet.goals.void import VOID

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer


class Segmentation(Goal):
    """One label per pixel, for which pictures need masks.

    `legonet.distill.measure.measure` describes the figures.
    """

    name = "segmentation"
    asks_for = "mask"
    figure = "pixel_accuracy"
    figure_is_error = False
    figure_words = "pixel accuracy"
    error_words = "pixel error"
    unit = "pixel"
    joins = True
    mark = " px"
    legend = "px: share of the pixels that are wrong; `legonet inspect` shows more"
    void = VOID

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:
        """Return ``(outputs, size, size)``."""
        return outputs, size, size

    def counted(self, labels: NDArray[np.int64], *, single: bool) -> NDArray[np.bool_]:
        """Return all pictures, but for a single category those that show it."""
        import numpy as np

        return labels == 1 if single else np.ones(len(labels), np.bool_)

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the label of each pixel of the picture."""
        from legonet.goals.picture_answer import mask_answer

        return mask_answer(outputs, labels, size)

    def figures(
        self, answers: Answers, truth: NDArray[Any], images: NDArray[np.uint8]
    ) -> tuple[dict[str, float], Chance | None]:
        """Return pixel accuracy and IoU, and what belongs to them."""
        from legonet.goals.figures.segmentation import segmentation

        return segmentation(answers, truth, images)

    def differ(
        self,
        answers: NDArray[Any],
        others: NDArray[Any],
        truth: NDArray[Any],
        *,
        single: bool,  # noqa: ARG002 - pixels are pooled
    ) -> bool:
        """Return whether the bootstrap interval of the difference leaves out 0."""
        from legonet.goals.figures.agreement import differ_on_pixels

        return differ_on_pixels(answers, others, truth)
