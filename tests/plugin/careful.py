"""A goal of another package: labels of pictures, where a miss costs twice as much as an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiny_network import Tiny

from legonet.goals.classification import Classification

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance


class Careful(Classification):
    """One label per picture; a missed picture costs twice as much as a false alarm."""

    name = "careful"
    figure = "cost"
    figure_words = "cost"
    error_words = "cost"
    mark = " cost"

    def figures(
        self, answers: Answers, truth: NDArray[Any], images: NDArray[np.uint8]
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the cost."""
        _, chance = super().figures(answers, truth, images)
        missed = (answers.labels != truth)[truth == 1].mean()
        alarms = (answers.labels != truth)[truth == 0].mean()
        return {"cost": float(2 * missed + alarms) / 3}, chance


class CarefulTiny(Tiny):
    """The tiny network for this goal."""

    call = "careful_tiny"
    goal = "careful"
