"""What things look like: colours, lines, boxes and fonts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from legonet.graph import State
from legonet.render.dot_text import Attributes

PAPER = "#ffffff"
INK = "#202124"
SOFT_INK = "#5f6368"
APPLICATION = "#d1242f"
SMALL = 9
"""Font size of what is said in second place, in points."""


@dataclass(frozen=True)
class Line:
    """How an edge is drawn.

    Args:
        color: Of the line.
        style: ``solid``, ``dashed`` or ``dotted``.
        width: In points.
    """

    color: str
    style: str = "solid"
    width: float = 1.2


LINES: Mapping[State, Line] = {
    State.MISSING: Line("#70757a", "dashed"),
    State.LEARNING: Line("#e37400", width=2),
    State.BUILT: Line("#3c4043"),
    State.FAILED: Line("#a50e0e", "dotted", width=2),
    State.DIRECT: Line(INK, width=2.6),
}
DESCENT = Line("#b4bac2", width=1)
"""From a network to what comes from it."""
APPLICATION_WIDTH = 2.4


@dataclass(frozen=True)
class Box:
    """How a node is drawn."""

    fill: str
    border: str


NETWORK = Box("#f1f3f4", "#bdc1c6")
CATEGORY = Box("#e3eefb", "#5b8fc9")
TASK = Box("#e4f3e8", "#4f9a62")

FONT = "Helvetica,Arial,sans-serif"
GRAPH: Attributes = {
    "rankdir": "LR",
    "bgcolor": PAPER,
    "fontname": FONT,
    "nodesep": 0.16,
    "ranksep": 0.8,
    "pad": 0.25,
    "labelloc": "b",
    "labeljust": "l",
}
DENSE_GRAPH: Attributes = {**GRAPH, "nodesep": 0.06, "ranksep": 1.6}
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
EDGE: Attributes = {"arrowsize": 0.7}
