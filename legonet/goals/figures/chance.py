"""Whether a network does better than giving the same answer to everything."""

from __future__ import annotations

from typing import NamedTuple


class Chance(NamedTuple):
    """A network compared with the best constant answer, the same one to everything.

    Args:
        name: What the error is called: ``error`` or, for pixels, ``pixel error``.
        error: The network's error, the figure that is compared, 0 to 1.
        low: The lower limit of its 95 % interval.
        high: The upper limit of its 95 % interval.
        constant: The error of the best constant answer.
        reachable: What the upper limit would be if every answer were right.
        pictures: Number of different pictures on which it was measured.
    """

    name: str
    error: float
    low: float
    high: float
    constant: float
    reachable: float
    pictures: int

    @property
    def is_reached(self) -> bool:
        """Whether the network may be no better than chance, with 95 % confidence."""
        return self.high >= self.constant

    @property
    def is_out_of_reach(self) -> bool:
        """Whether there are too few pictures for any network to be better than chance."""
        return self.reachable >= self.constant
