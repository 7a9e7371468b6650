"""How far the edges of a graph have come, for display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from legonet.goals import goal_of


class State(StrEnum):
    """How far an edge has come."""

    MISSING = "missing"
    LEARNING = "learning"
    BUILT = "built"
    FAILED = "failed"
    DIRECT = "direct"


@dataclass(frozen=True)
class EdgeState:
    """How far one edge has come, and how good it is.

    Args:
        state: How far the edge has come.
        metrics: Figures such as ``error_rate`` and ``teacher_error_rate``, as shares between 0 and
            1. A failed edge has some if it was learned but is no better than chance.
        fraction: Share of the work done on an edge that is learning, 0 to 1.
        message: For an edge that is learning, a short status such as ``step 40/150``; for one that
            failed, the reason.
        warnings: What users should know before they trust the edge.
    """

    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    fraction: float = 0.0
    message: str = ""
    warnings: tuple[str, ...] = ()


def error_of(
    metrics: Mapping[str, float], of: str = ""
) -> tuple[float, float | None, float | None] | None:
    """Return the share of wrong answers, of pictures or of pixels, with its 95 % interval.

    Args:
        metrics: The figures of a network or an edge.
        of: ``teacher`` or ``donor`` for the teacher's or the donor's error.

    Returns:
        The error and the limits of its interval (None in older figures); None without figures.
    """
    goal = goal_of(metrics)
    return None if goal is None else goal.error(metrics, of)
