"""The layout of a diagram: Graphviz places the boxes, and lines are smooth curves.

Lines between neighbouring columns are computed here: they leave and reach boxes horizontally,
however many run between the same columns. Other lines take Graphviz's route around the boxes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from legonet.diagnostics import DiagnosticError
from legonet.render.diagram import Diagram, Line, Places
from legonet.render.engines import POINTS, picture_of

ARROW = 10
"""Length of an arrow of size 1, in points."""

Point = tuple[float, float]


@dataclass(frozen=True)
class _Spot:
    """The position of a box, in points.

    Args:
        x: The horizontal position of its centre.
        y: The vertical position of its centre, upwards.
        width: The width of the box.
    """

    x: float
    y: float
    width: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2


def laid_out(diagram: Diagram) -> Places:
    """Return where the boxes and lines of a diagram are; equal diagrams give equal places.

    Raises:
        DiagnosticError: LEGO804, no Graphviz is installed; LEGO805, Graphviz failed, or left
            something out.
    """
    found = json.loads(picture_of(diagram.dot(), ".json0"))
    boxes = [box.name for column in diagram.columns for box in column.all()]
    # Graphviz numbers the nodes in order, after the clusters, of which there are none.
    nodes = [item for item in found["objects"] if "nodes" not in item]
    numbers = {item["_gvid"]: name for name, item in zip(boxes, nodes, strict=False)}
    ways = {
        (numbers.get(edge["tail"]), numbers.get(edge["head"])): edge.get("pos", "")
        for edge in found.get("edges", ())
    }
    lines = [(line.left, line.right) for line in diagram.lines]
    check_complete(diagram, len(nodes), sum(line in ways for line in lines))
    spots = {name: _spot(item) for name, item in zip(boxes, nodes, strict=True)}
    edges = _edges_of_columns(diagram, spots)
    _, _, width, height = (float(part) for part in found["bb"].split(","))
    return Places(
        (width, height),
        {name: f"{spot.x:.2f},{spot.y:.2f}" for name, spot in spots.items()},
        {
            (line.left, line.right): _curve(line, spots, *gap)
            if (gap := edges.get((line.left, line.right)))
            else ways[line.left, line.right]
            for line in diagram.lines
        },
    )


class IncompleteError(DiagnosticError):
    """Graphviz said that it has drawn everything, and has not."""


def check_complete(diagram: Diagram, boxes: int, lines: int) -> None:
    """Check that Graphviz has drawn every box and every line.

    Args:
        diagram: What was to be drawn.
        boxes: How many boxes came back.
        lines: How many lines came back, without those that keep boxes in order.

    Raises:
        IncompleteError: Some are missing (``LEGO805``).
    """
    expected = sum(len(column.all()) for column in diagram.columns), len(diagram.lines)
    if (boxes, lines) == expected:
        return
    raise IncompleteError(
        *DiagnosticError.of(
            "LEGO805",
            f"Graphviz has drawn {boxes} of {expected[0]} boxes and {lines} of {expected[1]} lines",
            help=["draw fewer of them with `--only`, or groups of them with `--collapse 0`"],
        ).diagnostics
    )


def _spot(node: dict[str, str]) -> _Spot:
    x, y = (float(part) for part in node["pos"].split(","))
    return _Spot(x, y, float(node["width"]) * POINTS)


def _edges_of_columns(
    diagram: Diagram, spots: dict[str, _Spot]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the gap between the columns, for lines between neighbouring columns."""
    number = {box.name: n for n, column in enumerate(diagram.columns) for box in column.boxes}
    lefts = [min((spots[box.name].left for box in c.boxes), default=0) for c in diagram.columns]
    rights = [max((spots[box.name].right for box in c.boxes), default=0) for c in diagram.columns]
    return {
        (line.left, line.right): (rights[number[line.left]], lefts[number[line.right]])
        for line in diagram.lines
        if number[line.left] + 1 == number[line.right]
    }


def _curve(line: Line, spots: dict[str, _Spot], begin: float, end: float) -> str:
    """Return a line that is horizontal within its columns and bends in the gap between them.

    Args:
        line: The line.
        spots: Where the boxes are.
        begin: Where the column on the left ends.
        end: Where the column on the right begins.
    """
    left, right = spots[line.left], spots[line.right]
    arrow = ARROW * line.size
    first = left.right + arrow * (line.arrow == "left")
    last = right.left - arrow * (line.arrow == "right")
    begin, end = max(begin, first), min(end, last)
    middle = (begin + end) / 2
    points = [
        (first, left.y),
        *_level(first, begin, left.y),
        (middle, left.y),
        (middle, right.y),
        (end, right.y),
        *_level(end, last, right.y),
    ]
    if line.arrow == "left":
        return f"s,{_written([(left.right, left.y)])} {_written(points)}"
    if line.arrow == "right":
        return f"e,{_written([(right.left, right.y)])} {_written(points)}"
    return _written(points)


def _level(begin: float, end: float, y: float) -> list[Point]:
    """Return the remaining points of a horizontal line."""
    step = (end - begin) / 3
    return [(begin + step, y), (begin + 2 * step, y), (end, y)]


def _written(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
