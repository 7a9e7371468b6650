"""Points in each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer


class Keypoints(Goal):
    """One point for each label, where its heat map is largest.

    A point whose place is not known counts in neither a loss nor a figure.
    `legonet.goals.figures.keypoints.keypoints` describes the figures.
    """

    name = "keypoints"
    asks_for = "points"
    answers_like = "segmentation"
    full_size = False
    figure = "point_error"
    figure_is_error = True
    figure_words = "points that are off"
    error_words = "points that are off"
    unit = "point"
    mark = " points"
    legend = "points: share of the points that are off by more than a tenth of the picture"

    def is_single(self, outputs: int) -> bool:  # noqa: ARG002 - each output is a point
        """Return False: each output is the heat map of a point."""
        return False

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:
        """Return ``(outputs, size, size)``."""
        return outputs, size, size

    def known(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which points are known, ``(N, P)``."""
        import numpy as np

        return np.asarray(np.isfinite(truth).all(-1))

    def moved(
        self, values: NDArray[Any], down: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Return shifted points; those that left their pictures are not known."""
        import numpy as np

        places = values + np.stack([down, right], 1)[:, None].astype(values.dtype)
        inside = ((places >= 0) & (places < 1)).all(-1, keepdims=True)
        return np.asarray(np.where(inside, places, np.nan), values.dtype)

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return the cross-entropy of heat maps with the right points.

        Args:
            outputs: ``(N, P, H, W)``.
            answers: ``(N, P, 2)``, shares of height and width from 0 to 1; not a number where a
                point is not known.
        """
        from torch.nn import functional

        height, width = outputs.shape[2:]
        known = answers.isfinite().all(-1)
        answers = answers.nan_to_num(0)
        rows = (answers[..., 0] * height).long().clamp(0, height - 1)
        columns = (answers[..., 1] * width).long().clamp(0, width - 1)
        losses = functional.cross_entropy(
            outputs.flatten(2).mT, rows * width + columns, reduction="none"
        )
        return (losses * known).sum() / known.sum().clamp_min(1)

    def teacher_loss(self, outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Return the cross-entropy of heat maps with the teacher's, softened, times ``T^2``."""
        from torch.nn import functional

        softened = (taught.flatten(2) / temperature).softmax(2).mT
        loss = functional.cross_entropy(outputs.flatten(2).mT / temperature, softened)
        return loss * temperature**2

    def decide(self, outputs: Tensor) -> Tensor:
        """Return the middle of the largest number of each map.

        Returns:
            ``(N, P, 2)``, float32, as shares of height and width from 0 to 1.
        """
        import torch

        height, width = outputs.shape[2:]
        places = outputs.flatten(2).argmax(2)
        rows, columns = places.div(width, rounding_mode="floor"), places % width
        return torch.stack([(rows + 0.5) / height, (columns + 0.5) / width], 2).float()

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the largest number of each map, ``(N, P)``."""
        return outputs.flatten(2).max(2).values

    def figures(
        self,
        answers: Answers,
        truth: NDArray[Any],
        images: NDArray[np.uint8],  # noqa: ARG002 - pictures are resampled
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the share of points that are off, and their mean distance."""
        from legonet.goals.figures.keypoints import keypoints

        return keypoints(answers.labels, truth)

    def differ(
        self, answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any], *, single: bool
    ) -> bool:
        """Return whether the bootstrap interval of the difference leaves out 0."""
        from legonet.goals.figures.keypoints import differ_in_points

        del single
        return differ_in_points(answers, others, truth)

    def agreement(self, answers: NDArray[Any], teachers: NDArray[Any]) -> float:
        """Return the share of points that are where the teacher's are."""
        from legonet.goals.figures.keypoints import are_off

        return 1 - float(are_off(answers, teachers).mean())

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the pixel of each point."""
        import torch

        from legonet.goals.picture_answer import PictureAnswer

        width, height = size
        shares = self.decide(torch.from_numpy(outputs[None]))[0].tolist()
        places = [(column * width, row * height) for row, column in shares]
        points = dict(zip(labels, places, strict=True))
        shown = ", ".join(f"{name} {left:.0f},{top:.0f}" for name, (left, top) in points.items())
        return PictureAnswer(shown, points=points)

    def paint(self, picture: Image, answer: PictureAnswer) -> Image:
        """Draw the points on the picture."""
        from legonet.goals.drawing import paint_points

        return paint_points(picture, answer.points)
