"""What is drawn, before anybody knows where: columns of boxes, lines between them, a legend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from legonet.render import style
from legonet.render.boxes import Box, node_name
from legonet.render.dot_text import Markup, block, statement

Ends = tuple[str, str]
"""The boxes at both ends of a line, the left one first."""


@dataclass(frozen=True)
class Places:
    """Where things are, as Graphviz writes it.

    Args:
        size: Width and height of the picture, in points.
        boxes: The middle of each box.
        lines: The curve of each line.
    """

    size: tuple[float, float]
    boxes: Mapping[str, str]
    lines: Mapping[Ends, str]


@dataclass(frozen=True)
class Line:
    """A line between two boxes, of which there is one at most.

    Args:
        left: The box on the left.
        right: The box on the right.
        about: What appears under the mouse.
        look: Its colour, style and width.
        arrow: At which end there is an arrow, if at any.
        size: Of the arrow, beside the usual one.
        weight: How much it matters that the line is straight.
    """

    left: str
    right: str
    about: str
    look: style.Line
    arrow: str = ""
    size: float = 0.7
    weight: int = 1

    def text(self, places: Places | None) -> str:
        """Return it in DOT."""
        curve = {} if places is None else {"pos": places.lines[self.left, self.right]}
        return statement(
            f"{self.left} -> {self.right}",
            color=self.look.color,
            style=self.look.style,
            penwidth=self.look.width,
            dir={"left": "back", "right": "forward"}.get(self.arrow, "none"),
            arrowsize=self.size,
            weight=self.weight,
            tooltip=self.about,
            tailport="e",
            headport="w",
            **curve,
        )


@dataclass(frozen=True)
class Column:
    """Boxes below each other, in the order in which they are drawn.

    Args:
        name: Its own.
        title: What stands above the boxes.
        boxes: What is drawn.
    """

    name: str
    title: str
    boxes: Sequence[Box]

    @property
    def heading(self) -> Box:
        """The title as a box without a border."""
        lines = [style.quiet(self.title)]
        return Box(node_name("heading", self.name), lines, style.NOTHING, self.title)

    def all(self) -> list[Box]:
        """Return the title and the boxes."""
        return [self.heading, *self.boxes]


@dataclass(frozen=True)
class Sheet:
    """A whole picture.

    Args:
        columns: From left to right.
        lines: Between their boxes.
        legend: What stands below; empty for nothing.
        dense: Whether there are so many boxes that they stand close to each other.
    """

    columns: Sequence[Column]
    lines: Sequence[Line]
    legend: Markup
    dense: bool = False

    def dot(self, places: Places | None = None) -> str:
        """Return it in the DOT language; equal sheets give equal text.

        Args:
            places: Where things are; Graphviz's ``dot`` finds places by itself.
        """
        return "\n".join(block("digraph legonet ", self._statements(places))) + "\n"

    def _statements(self, places: Places | None) -> Iterator[str]:
        below = {"label": self.legend} if self.legend else {}
        yield statement("graph", **(style.DENSE_GRAPH if self.dense else style.GRAPH), **below)
        yield statement("node", **style.NODE)
        yield from self._ranked() if places is None else self._placed(places)
        for line in self.lines:
            yield line.text(places)

    def _ranked(self) -> Iterator[str]:
        for column in self.columns:
            # Lines that cannot be seen keep the order.
            order = " -> ".join(box.name for box in column.all())
            boxes = [box.text() for box in column.all()]
            yield from block("", ["rank=same", *boxes, statement(order, style="invis")])
        # The titles stand on one line.
        for left, right in pairwise(column.heading.name for column in self.columns):
            yield statement(f"{left} -> {right}", style="invis", weight=100)

    def _placed(self, places: Places) -> Iterator[str]:
        boxes = [box for column in self.columns for box in column.all()]
        # Graphviz draws the lines in the order of the boxes that they leave: what is red on top.
        for box in sorted(boxes, key=lambda box: box.red):
            yield box.text(pos=places.boxes[box.name])
