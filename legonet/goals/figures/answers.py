"""The answers of a network about pictures; all figures are computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answers:
    """The answers about some pictures, or about each of their pixels.

    Args:
        outputs: How many outputs the network has.
        single: Whether it has one output, which tells a category from all else.
        labels: ``(N,)`` or ``(N, H, W)``: the answered label; with one output, 1 is the category,
            where the logit is above 0.
        scores: Of the same shape, float: with one output, the logit; with several, the
            probability of the answered label.
    """

    outputs: int
    single: bool
    labels: NDArray[Any]
    scores: NDArray[np.floating]

    @property
    def confidence(self) -> NDArray[np.floating]:
        """The probability that the network assigns to its answer; with one output, at least 0.5."""
        if not self.single:
            return self.scores
        return np.asarray(expit(np.abs(self.scores)))

    def take(self, chosen: NDArray[Any]) -> Answers:
        """Return the answers at these places."""
        return Answers(self.outputs, self.single, self.labels[chosen], self.scores[chosen])


def all_alike(images: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> bool:
    """Return whether the chosen pictures, at least two, are all the same."""
    places = np.flatnonzero(chosen)
    first = images[places[0]] if len(places) > 1 else None
    return first is not None and all((images[at] == first).all() for at in places[1:])
