"""The picture's columns: nodes of one kind, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from legonet.render import style
from legonet.render.boxes import Node, node_name
from legonet.render.dot_text import Attributes, Markup, block, statement


@dataclass(frozen=True)
class Column:
    """Nodes of one rank, in the order in which they are drawn.

    Args:
        name: Its own.
        title: What stands above the nodes.
        nodes: What is drawn.
        lanes: Tasks whose way from their network leads past the column, below its nodes.
    """

    name: str
    title: str
    nodes: Sequence[Node]
    lanes: Sequence[str] = ()

    @property
    def heading(self) -> str:
        """The name of the node that shows the title."""
        return node_name("heading", self.name)

    def lane(self, task: str) -> str:
        """Return the name of the point that the way to a task leads through."""
        return node_name("lane", self.name, task)

    def lines(self) -> list[str]:
        """Return the column in DOT; edges that cannot be seen keep its order."""
        heading = statement(self.heading, label=self.title, tooltip=self.title, **_HEADING)
        nodes = [
            Node(self.heading, heading),
            *self.nodes,
            *(Node(self.lane(task), statement(self.lane(task), **_LANE)) for task in self.lanes),
        ]
        order = " -> ".join(node.name for node in nodes)
        return block("", ["rank=same", *(n.text for n in nodes), statement(order, style="invis")])


def side_by_side(columns: Sequence[Column]) -> list[str]:
    """Return columns in DOT from left to right, their titles on one line."""
    lines = [line for column in columns for line in column.lines()]
    for left, right in pairwise(columns):
        lines.append(statement(f"{left.heading} -> {right.heading}", style="invis", weight=100))
    return lines


_HEADING: Attributes = {"shape": "plain", "fontcolor": style.SOFT_INK, "fillcolor": style.PAPER}

# A piece of the way itself, as thick as it and long enough to close the gap that edges leave.
_STROKE = Markup(
    '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>'
    f'<TD WIDTH="4" HEIGHT="{style.DESCENT.width}" BGCOLOR="{style.DESCENT.color}"></TD>'
    "</TR></TABLE>"
)
_LANE: Attributes = {
    "shape": "none",
    "style": "",
    "label": _STROKE,
    "tooltip": "comes from",
    "fixedsize": "shape",
    "width": 0.01,
    "height": 0.01,
}
