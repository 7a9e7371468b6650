"""A label for each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance


class Classification(Goal):
    """One label per picture.

    `legonet.distill.measure.measure` describes the figures.
    """

    name = "classification"
    asks_for = "label"
    figure = "error_rate"
    figure_is_error = True
    figure_words = "error"
    error_words = "error"
    unit = "picture"
    joins = True
    void = None  # 255 is a label like any other

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:  # noqa: ARG002 - whole pictures
        """Return ``(outputs,)``."""
        return (outputs,)

    def figures(
        self, answers: Answers, truth: NDArray[Any], images: NDArray[np.uint8]
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the error rate and what belongs to it."""
        from legonet.goals.figures.classification import classification

        return classification(answers, truth, images)

    def differ(
        self, answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any], *, single: bool
    ) -> bool:
        """Return what McNemar's test says of the two error rates."""
        from legonet.goals.figures.agreement import differ_on_pictures

        return differ_on_pictures(answers != truth, others != truth, truth if single else None)
