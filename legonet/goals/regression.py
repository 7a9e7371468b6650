"""Numbers for each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer


class Regression(Goal):
    """One number or several per picture.

    `legonet.goals.figures.regression.regression` describes the figures.
    """

    name = "regression"
    asks_for = "values"
    answers_like = "classification"
    figure = "mean_absolute_error"
    figure_is_error = True
    figure_is_share = False
    figure_words = "mean absolute error"
    error_words = "mean absolute error"
    unit = "picture"
    mark = " MAE"
    legend = "MAE: mean absolute error"

    def is_single(self, outputs: int) -> bool:  # noqa: ARG002 - no output is a logit
        """Return False: outputs are numbers, and no logits."""
        return False

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return ``(outputs,)``."""
        return (outputs,)

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return the mean squared error; ``answers`` are ``(N, K)``."""
        return (outputs - answers.to(outputs)).square().mean()

    def teacher_loss(self, outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Return the mean squared difference from the teacher; there is nothing to soften."""
        del temperature
        return (outputs - taught).square().mean()

    def decide(self, outputs: Tensor) -> Tensor:
        """Return the numbers as they are, ``(N, K)``."""
        return outputs

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the numbers."""
        return outputs

    def figures(
        self,
        answers: Answers,
        truth: NDArray[Any],
        images: NDArray[np.uint8],  # noqa: ARG002 - pictures are resampled
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the mean absolute error and R^2."""
        from legonet.goals.figures.regression import regression

        return regression(answers.labels, truth, self.figure, self.error_words)

    def differ(
        self, answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any], *, single: bool
    ) -> bool:
        """Return whether the bootstrap interval of the difference leaves out 0."""
        from legonet.goals.figures.regression import differ_in_numbers

        del single
        return differ_in_numbers(answers, others, truth)

    def agreement(self, answers: NDArray[Any], teachers: NDArray[Any]) -> float:
        """Return R^2 with the teacher's numbers for the right ones, at least 0."""
        from legonet.goals.figures.regression import explained

        return max(0.0, explained(answers, teachers))

    def text(self, value: float) -> str:
        """Return a number with four digits."""
        return f"{value:.4g}"

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the numbers by their names."""
        from legonet.goals.picture_answer import PictureAnswer

        del size
        values = dict(zip(labels, outputs.tolist(), strict=True))
        shown = ", ".join(f"{name} {self.text(value)}" for name, value in values.items())
        return PictureAnswer(shown, values=values)
