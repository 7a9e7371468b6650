"""How an edge looks: its line, a sign for those who see no colours, and what both mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from legonet.graph import EdgeState, State
from legonet.render.style import Line

NEAR, BEHIND = 1.0, 5.0
"""Percentage points behind its teacher up to which an edge is near, and up to which it is behind;
an edge that is further away is far behind."""


@dataclass(frozen=True)
class Look:
    """How edges of one kind look.

    Args:
        line: Their line, also around their box.
        meaning: What the legend says.
        sign: Stands in front of their figures.
    """

    line: Line
    meaning: str
    sign: str = ""


NEAR_ITS_TEACHER = Look(
    Line("#08519c", width=2.6), f"built, at most {NEAR:g} point behind its teacher", "●●●"
)
BEHIND_ITS_TEACHER = Look(
    Line("#3f7fb5", width=1.7), f"built, at most {BEHIND:g} points behind", "●●○"
)
FAR_BEHIND = Look(Line("#a3580c", width=1.2), "built, further behind", "●○○")
LOOKS: Mapping[State, Look] = {
    State.DIRECT: Look(Line("#202124", width=3.2), "direct, nothing to learn", "="),
    State.BUILT: Look(Line("#3c4043", width=1.7), "built", "●"),
    State.LEARNING: Look(Line("#7b3fc4", "dashed", 2.2), "learning", "…"),
    State.FAILED: Look(Line("#a50e0e", "dotted", 2.2), "failed", "✕"),
    State.MISSING: Look(Line("#70757a", "dashed"), "not built yet"),
}
SEVERAL = Look(Line("#3c4043", width=1.7), "several edges")
"""Edges in one box that do not all look alike."""

ORDER = (
    LOOKS[State.DIRECT],
    NEAR_ITS_TEACHER,
    BEHIND_ITS_TEACHER,
    FAR_BEHIND,
    LOOKS[State.BUILT],
    LOOKS[State.LEARNING],
    LOOKS[State.FAILED],
    LOOKS[State.MISSING],
)
"""In which the legend explains them."""


def look_of(state: EdgeState) -> Look:
    """Return how an edge looks."""
    points = points_behind(state.metrics)
    if state.state is not State.BUILT or points is None:
        return LOOKS[state.state]
    if points <= NEAR:
        return NEAR_ITS_TEACHER
    return BEHIND_ITS_TEACHER if points <= BEHIND else FAR_BEHIND


def points_behind(metrics: Mapping[str, float]) -> float | None:
    """Return how many percentage points an edge is behind its teacher, as its figures are shown.

    Below 0 it is better than its teacher; None where it cannot be known.
    """
    for metric, sign in (("error_rate", 1), ("pixel_accuracy", -1)):
        if metric in metrics and f"teacher_{metric}" in metrics:
            own, teacher = (round(100 * metrics[f"{of}{metric}"], 1) for of in ("", "teacher_"))
            return round(sign * (own - teacher), 1)
    return None
