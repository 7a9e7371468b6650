"""View to Diagram: which boxes are in which column, the lines between them, and the legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from legonet.render import style, words
from legonet.render.boxes import Boxes, Descent, unused_networks
from legonet.render.diagram import Box, Column, Diagram, Line, Links, node_name
from legonet.render.dot_text import Markup, marked
from legonet.render.grouping import Group
from legonet.render.style import SEVERAL, EdgeStyle
from legonet.render.view import Bundle, View

MANY_ADAPTERS = 24
"""With more adapter boxes than this, each shows only what is most important, on one line."""


def compose(view: View, links: Links) -> Diagram:
    """Return what is drawn of a view.

    Args:
        view: What is shown.
        links: Returns the address of a statement.
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
    # Of the lines that leave one box, the red one is on top.
    bundles = sorted(view.bundles, key=lambda bundle: bool(bundle.applications))
    lines = [line for bundle in bundles for line in _lines(bundle, boxes.about(bundle))]
    if not view.is_collapsed:
        columns = [*descent.columns_of_categories(), *columns, descent.column_of_tasks()]
        lines = [*descent.lines(), *lines]
    drawn = [column for column in columns if column.boxes]
    return Diagram(drawn or [Column("nothing", "no modules", [])], lines, legend(view), brief)


def _modules(boxes: Boxes, kind: str, groups: tuple[Group, ...]) -> list[Box]:
    one, several = (
        (boxes.category, boxes.categories) if kind == "category" else (boxes.task, boxes.tasks)
    )
    return [
        one(group.label) if len(group.members) == 1 else several(group.label, group.members)
        for group in groups
    ]


def _lines(bundle: Bundle, about: str) -> Iterator[Line]:
    """Yield the two lines of a bundle of edges, before and after its box."""
    look = bundle.look.line
    if bundle.applications:
        look = style.red(look)
    middle = node_name("adapter", bundle.category.label, bundle.task.label)
    category = node_name("category", bundle.category.label)
    yield Line(category, middle, about, look, weight=5)
    yield Line(middle, node_name("task", bundle.task.label), about, look, arrow="right")


SIZE = 10
MOST = 8
"""The most names in a list."""

IN_A_ROW = 4
"""How many samples of lines are in a row."""

_TABLE = 'TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"'


def legend(view: View) -> Markup:
    """Return the table below a picture."""
    looks = Counter(look for bundle in view.bundles for look in bundle.looks)
    samples = [(look, f"{look.meaning}: {looks[look]}") for look in view.order if look in looks]
    if any(bundle.look is SEVERAL for bundle in view.bundles):
        samples.append((SEVERAL, SEVERAL.meaning))
    if not view.is_collapsed and view.graph.spec.networks:
        samples.append((EdgeStyle(style.DESCENT, ""), "comes from"))
    return table([*sampled(samples), *_paths(view), *_left_out(view)])


def sampled(samples: Sequence[tuple[EdgeStyle, str]]) -> list[Markup]:
    """Return a grid that shows some looks and what they mean; nothing if there are none."""
    rows = []
    for first in range(0, len(samples), IN_A_ROW):
        some = samples[first : first + IN_A_ROW]
        cells = "".join(_sample(look, text) for look, text in some)
        rows.append(f"<TR>{cells}</TR><TR>{'<TD></TD><TD></TD>' * len(some)}</TR>")
    return [Markup(f'<{_TABLE} CELLPADDING="3">{"".join(rows)}</TABLE>')] if rows else []


def table(rows: Iterable[Markup]) -> Markup:
    """Return rows one below the other."""
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return Markup(f'<{_TABLE} CELLPADDING="3">{cells}</TABLE>' if cells else "")


def _sample(look: EdgeStyle, text: str) -> str:
    """Return the cells of a sample line, drawn between two rows, and of its meaning."""
    line = look.line
    stroke = f'BORDER="{round(line.width)}" SIDES="B" STYLE="{line.style}" COLOR="{line.color}"'
    sign = f"{marked(look.sign, size=SIZE, color=line.color)} " if look.sign else ""
    meaning = f"{sign}{marked(text, size=SIZE, color=style.SOFT_INK)}"
    text_cell = f'<TD ROWSPAN="2" ALIGN="LEFT">{meaning}</TD><TD WIDTH="8"></TD>'
    return f'<TD WIDTH="28" {stroke}></TD>{text_cell}'


def _paths(view: View) -> Iterable[Markup]:
    red = {item.name for item in view.applications}
    shown = {(adapter.category, adapter.task) for adapter in view.shown.adapters}
    others = 0
    for name, path in view.graph.spec.paths.items():
        if not shown.issuperset(path.edges):
            continue
        others += name not in red
        if others <= MOST or name in red:
            state = view.built.joints.get(name)
            error = "" if state is None else words.error_words(state)
            text = f"path {name} = {words.path(path)}{error and f': {error}'}"
            text = words.shortened(text, 3 * words.LONGEST)
            color = style.APPLICATION if name in red else style.SOFT_INK
            yield marked(text, size=SIZE, color=color, bold=name in red)
    if others > MOST:
        yield _remark(f"and {others - MOST} more paths")


def _left_out(view: View) -> Iterable[Markup]:
    spec = view.graph.spec
    if not view.is_whole:
        yield _remark(f"shown: {len(view.shown.adapters)} of {len(spec.adapters)} edges")
        return
    unused = unused_networks(view.graph)
    if unused:
        text = f"not used: {', '.join(words.shortened(name) for name in unused[:MOST])}"
        yield _remark(text + (f" and {len(unused) - MOST} more" if len(unused) > MOST else ""))


def _remark(text: str) -> Markup:
    return marked(text, size=SIZE, color=style.SOFT_INK)
