"""A view on a sheet: networks, category modules, adapters, task modules and their networks."""

from __future__ import annotations

from collections.abc import Iterator

from legonet.render import style
from legonet.render.boxes import Box, Boxes, Links, node_name
from legonet.render.descent import Descent
from legonet.render.grouping import Group
from legonet.render.legend import legend
from legonet.render.sheet import Column, Line, Sheet
from legonet.render.view import Bundle, View

MANY_ADAPTERS = 24
"""With more boxes of adapters than these each says the most important only, in one line."""


def compose(view: View, links: Links) -> Sheet:
    """Return what is drawn of a view.

    Args:
        view: What is shown.
        links: Gives the address of a statement.
    """
    brief = len(view.bundles) > MANY_ADAPTERS
    boxes = Boxes(view, links, brief=brief)
    descent = Descent(view, links)
    categories, tasks = view.sides
    columns = [
        Column("categories", "category modules", _modules(boxes, "category", categories)),
        Column("adapters", "adapters", [boxes.adapter(bundle) for bundle in view.bundles]),
        Column("tasks", "task modules", _modules(boxes, "task", tasks)),
    ]
    # Of the lines that leave one box, the red one lies on top.
    bundles = sorted(view.bundles, key=lambda bundle: bool(bundle.applications))
    lines = [line for bundle in bundles for line in _lines(bundle, boxes.about(bundle))]
    if not view.is_collapsed:
        columns = [*descent.columns_of_categories(), *columns, descent.column_of_tasks()]
        lines = [*descent.lines(), *lines]
    drawn = [column for column in columns if column.boxes]
    return Sheet(drawn or [Column("nothing", "no modules", [])], lines, legend(view), brief)


def _modules(boxes: Boxes, kind: str, groups: tuple[Group, ...]) -> list[Box]:
    one, several = (
        (boxes.category, boxes.categories) if kind == "category" else (boxes.task, boxes.tasks)
    )
    return [
        one(group.label) if len(group.members) == 1 else several(group.label, group.members)
        for group in groups
    ]


def _lines(bundle: Bundle, about: str) -> Iterator[Line]:
    """Give the two lines of a bundle of edges, before and behind its box."""
    look = bundle.look.line
    if bundle.applications:
        look = style.red(look)
    middle = node_name("adapter", bundle.category.label, bundle.task.label)
    category = node_name("category", bundle.category.label)
    yield Line(category, middle, about, look, weight=5)
    yield Line(middle, node_name("task", bundle.task.label), about, look, arrow="right")
