"""A number for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from legonet.goals.regression import Regression

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from legonet.goals.picture_answer import PictureAnswer


class Depth(Regression):
    """One number per pixel, such as how far away it is.

    A pixel whose number is not known counts in neither a loss nor a figure.
    """

    name = "depth"
    asks_for: ClassVar[Literal["depth"]] = "depth"  # type: ignore[assignment]
    answers_like = "segmentation"
    figure = "depth_error"
    figure_words = "mean absolute error of the depth"
    error_words = "mean absolute error of the depth"
    unit = "pixel"
    mark = " MAE px"
    legend = "MAE px: mean absolute error of the pixels"

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:
        """Return ``(outputs, size, size)``."""
        return outputs, size, size

    def known(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which pixels have a number, ``(N, H, W)``."""
        import numpy as np

        return np.asarray(np.isfinite(truth))

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return the mean squared error of the pixels whose number is known.

        Args:
            outputs: ``(N, K, H, W)``; their mean is the answer.
            answers: ``(N, H, W)``, not a number where it is not known.
        """
        answers = answers.to(outputs)
        known = answers.isfinite()
        away = (outputs.mean(1) - answers.nan_to_num(0)).square()
        return (away * known).sum() / known.sum().clamp_min(1)

    def decide(self, outputs: Tensor) -> Tensor:
        """Return the numbers, the mean over the output maps, ``(N, H, W)``."""
        return outputs.mean(1)

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the numbers, ``(N, H, W)``."""
        return outputs.mean(1)

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the smallest, the mean and the largest number, and all of them as a map."""
        from legonet.goals.picture_answer import PictureAnswer, resized

        del labels
        found = resized(outputs.mean(0), size)
        values = {
            "from": float(found.min()),
            "mean": float(found.mean()),
            "to": float(found.max()),
        }
        shown = f"{self.text(values['from'])} to {self.text(values['to'])}"
        return PictureAnswer(shown, values=values, mask=found)

    def image(self, mask: NDArray[Any], labels: tuple[str, ...]) -> Image:
        """Return the map in grey."""
        from legonet.goals.drawing import map_image

        del labels
        return map_image(mask)

    def paint(self, picture: Image, answer: PictureAnswer) -> Image:
        """Lay the map over the picture."""
        from legonet.goals.drawing import paint_map

        return picture if answer.mask is None else paint_map(picture, answer.mask)
