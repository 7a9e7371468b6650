"""What is drawn, before it is laid out: columns of boxes, lines between them, a legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from legonet.language import Key
from legonet.render import style
from legonet.render.dot_text import Attributes, Markup, block, left_aligned, quoted, statement

Links = Callable[[Key], str]
"""Returns the address of a statement; empty for none."""


def node_name(kind: str, *names: str) -> str:
    """Return the name of a node in DOT."""
    return quoted(f"{kind} {' -> '.join(names)}")


@dataclass(frozen=True)
class Box:
    """A node that shows some lines of text.

    Args:
        name: Its name in DOT.
        lines: The lines of text.
        look: Its fill and its border.
        about: The tooltip.
        red: Whether it belongs to an application.
        link: Where a click leads; empty for nowhere.
        attributes: Further Graphviz attributes.
    """

    name: str
    lines: Sequence[Markup]
    look: style.Box
    about: str
    red: bool = False
    link: str = ""
    attributes: Attributes | None = None

    def text(self, **place: str) -> str:
        """Return its statement in DOT, with its position if that is known."""
        return statement(
            self.name,
            label=left_aligned(self.lines),
            style=self.look.style,
            fillcolor=self.look.fill,
            color=style.APPLICATION if self.red else self.look.border,
            penwidth=max(self.look.width, style.APPLICATION_WIDTH) if self.red else self.look.width,
            tooltip=self.about,
            **({"URL": self.link} if self.link else {}),
            **(self.attributes or {}),
            **place,
        )


LONGEST_CHAIN = 1000
"""Lines in one statement of DOT. Graphviz drops the end of a chain of a few thousand."""

EdgeKey = tuple[str, str]
"""The boxes at both ends of a line, the left one first."""


@dataclass(frozen=True)
class Places:
    """Where things are, in Graphviz's notation.

    Args:
        size: Width and height of the picture, in points.
        boxes: The centre of each box.
        lines: The curve of each line.
    """

    size: tuple[float, float]
    boxes: Mapping[str, str]
    lines: Mapping[EdgeKey, str]


@dataclass(frozen=True)
class Line:
    """The only line between two boxes.

    Args:
        left: The box on the left.
        right: The box on the right.
        about: The tooltip.
        look: Its colour, style and width.
        arrow: The end with an arrow, ``left`` or ``right``; empty for none.
        size: The size of the arrow, relative to Graphviz's default.
        weight: How important it is that the line is straight.
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
    """Boxes below each other, from top to bottom.

    Args:
        name: The name of the column.
        title: The heading above the boxes.
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
class Diagram:
    """A whole picture.

    Args:
        columns: From left to right.
        lines: Between their boxes.
        legend: The text below the picture; empty for none.
        dense: Whether there are so many boxes that they are drawn close together.
    """

    columns: Sequence[Column]
    lines: Sequence[Line]
    legend: Markup
    dense: bool = False

    def dot(self, places: Places | None = None) -> str:
        """Return it in the DOT language; equal diagrams give equal text.

        Args:
            places: Where things are; default: Graphviz's ``dot`` lays them out.
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
            # Invisible lines keep the order.
            order = [statement(chain, style="invis") for chain in _chains(column.all())]
            boxes = [box.text() for box in column.all()]
            yield from block("", ["rank=same", *boxes, *order])
        # The titles are on one line.
        for left, right in pairwise(column.heading.name for column in self.columns):
            yield statement(f"{left} -> {right}", style="invis", weight=100)

    def _placed(self, places: Places) -> Iterator[str]:
        boxes = [box for column in self.columns for box in column.all()]
        # Graphviz draws lines in the order of the boxes that they leave, so red ones come last.
        for box in sorted(boxes, key=lambda box: box.red):
            yield box.text(pos=places.boxes[box.name])


def _chains(boxes: Sequence[Box]) -> Iterator[str]:
    """Yield the lines from each box to the next one, in chains that Graphviz reads to their end."""
    names = [box.name for box in boxes]
    for first in range(0, max(1, len(names) - 1), LONGEST_CHAIN):
        yield " -> ".join(names[first : first + LONGEST_CHAIN + 1])
