"""What things look like: colours, lines, boxes and fonts, and how an edge shows its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from legonet.goals import goal_of
from legonet.graph import EdgeState, State
from legonet.graph.state import error_of
from legonet.render.dot_text import Attributes, Markup, marked

PAPER = "#ffffff"
INK = "#202124"
SOFT_INK = "#5f6368"
APPLICATION = "#d1242f"
SMALL = 9
"""Font size of secondary text, in points."""


@dataclass(frozen=True)
class Line:
    """How an edge is drawn.

    Args:
        color: The colour of the line.
        style: ``solid``, ``dashed`` or ``dotted``.
        width: The width in points.
    """

    color: str
    style: str = "solid"
    width: float = 1.2


DESCENT = Line("#b4bac2", width=1)
"""The line from a network to what comes from it."""
APPLICATION_WIDTH = 2.4


def red(line: Line) -> Line:
    """Return how the line of an application is drawn: its style still says how far it has come."""
    return Line(APPLICATION, line.style, max(line.width, APPLICATION_WIDTH))


@dataclass(frozen=True)
class Box:
    """How a node is drawn."""

    fill: str
    border: str
    style: str = "rounded,filled"
    width: float = 1


NETWORK = Box("#f1f3f4", "#9aa0a6")
PLANNED_NETWORK = Box(PAPER, "#9aa0a6", "rounded,filled,dashed")
LEARNING_NETWORK = Box(PAPER, "#7b3fc4", "rounded,filled,dashed")
FAILED_NETWORK = Box(PAPER, "#a50e0e", "rounded,filled,dotted")
CATEGORY = Box("#e3eefb", "#5b8fc9")
TASK = Box("#e4f3e8", "#4f9a62")
NOTHING = Box(PAPER, PAPER, "filled")

FONT = "Helvetica,Arial,sans-serif"
GRAPH: Attributes = {
    "rankdir": "LR",
    "bgcolor": PAPER,
    "fontname": FONT,
    "nodesep": 0.16,
    "ranksep": 0.9,
    "pad": 0.25,
    "labelloc": "b",
    "labeljust": "l",
}
DENSE_GRAPH: Attributes = {**GRAPH, "nodesep": 0.06, "ranksep": 1.6, "labelloc": "t"}
"""For a picture so tall that its legend would not be noticed at the bottom."""
NODE: Attributes = {
    "shape": "box",
    "style": "rounded,filled",
    "fontname": FONT,
    "fontsize": 11,
    "fontcolor": INK,
    "margin": "0.14,0.06",
    "width": 0.3,
    "height": 0.3,
}
BRIEF: Attributes = {"margin": "0.1,0.02", "height": 0.2}


def soft(text: str) -> Markup:
    """Return secondary text."""
    return marked(text, size=SMALL, color=SOFT_INK)


def quiet(text: str) -> Markup:
    """Return a title."""
    return marked(text, color=SOFT_INK)


NEAR, BEHIND = 1.0, 5.0
"""Percentage points behind its teacher up to which an edge is near, and up to which it is behind;
an edge further away is far behind."""


@dataclass(frozen=True)
class EdgeStyle:
    """How edges of one kind look.

    Args:
        line: Their line, which is also the border of their box.
        meaning: What the legend says.
        sign: The sign before their figures.
    """

    line: Line
    meaning: str
    sign: str = ""


NEAR_ITS_TEACHER = EdgeStyle(
    Line("#08519c", width=2.6), f"built, at most {NEAR:g} point behind its teacher", "●●●"
)
BEHIND_ITS_TEACHER = EdgeStyle(
    Line("#3f7fb5", width=1.7), f"built, at most {BEHIND:g} points behind", "●●○"
)
FAR_BEHIND = EdgeStyle(Line("#a3580c", width=1.2), "built, further behind", "●○○")
LOOKS: Mapping[State, EdgeStyle] = {
    State.DIRECT: EdgeStyle(Line("#202124", width=3.2), "direct, nothing to learn", "="),
    State.BUILT: EdgeStyle(Line("#3c4043", width=1.7), "built", "●"),
    State.LEARNING: EdgeStyle(Line("#7b3fc4", "dashed", 2.2), "learning", "…"),
    State.FAILED: EdgeStyle(Line("#a50e0e", "dotted", 2.2), "failed", "✕"),
    State.MISSING: EdgeStyle(Line("#70757a", "dashed"), "not built yet"),
}
SEVERAL = EdgeStyle(Line("#3c4043", width=1.7), "several edges")
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
"""The order in which the legend explains them."""


def look_of(state: EdgeState) -> EdgeStyle:
    """Return how an edge looks."""
    points = points_behind(state.metrics)
    if state.state is not State.BUILT or points is None:
        return LOOKS[state.state]
    if points <= NEAR:
        return NEAR_ITS_TEACHER
    return BEHIND_ITS_TEACHER if points <= BEHIND else FAR_BEHIND


def points_behind(metrics: Mapping[str, float]) -> float | None:
    """Return how many percentage points an edge is behind its teacher, as its figures are shown.

    Below 0 it is better than its teacher; None if it is not known.
    """
    own, teacher, goal = error_of(metrics), error_of(metrics, "teacher"), goal_of(metrics)
    if own is None or teacher is None or goal is None or not goal.figure_is_share:
        return None
    return round(round(100 * own[0], 1) - round(100 * teacher[0], 1), 1)
