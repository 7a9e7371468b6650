"""What things look like: colours, lines, boxes and fonts."""

from __future__ import annotations

from dataclasses import dataclass

from legonet.render.dot_text import Attributes, Markup, marked

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


DESCENT = Line("#b4bac2", width=1)
"""From a network to what comes from it."""
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
"""Of a picture that is so tall that nobody would look below it for its legend."""
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
    """Return what is said in second place."""
    return marked(text, size=SMALL, color=SOFT_INK)


def quiet(text: str) -> Markup:
    """Return a title."""
    return marked(text, color=SOFT_INK)
