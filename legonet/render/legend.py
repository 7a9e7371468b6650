"""What the lines and colours mean, and what else the picture cannot show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from legonet.graph import State
from legonet.render import style, words
from legonet.render.dot_text import Markup, marked
from legonet.spec.declarations import Path

SIZE = 10
_TABLE = 'TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"'


def legend(
    states: Collection[State],
    paths: Mapping[str, Path],
    application: str,
    unused: Sequence[str],
) -> Markup:
    """Return the table below the picture.

    Args:
        states: Those that occur in it.
        paths: All named applications.
        application: Name of the one that is drawn in red; empty for none.
        unused: Networks that nothing comes from.
    """
    lines = [_sample(style.LINES[state], words.STATES[state]) for state in State if state in states]
    lines.append(_sample(style.DESCENT, "comes from"))
    below = "<TD></TD><TD></TD>" * len(lines)
    rows = [f'<{_TABLE} CELLPADDING="3"><TR>{"".join(lines)}</TR><TR>{below}</TR></TABLE>']
    for name, path in paths.items():
        red = name == application
        color = style.APPLICATION if red else style.SOFT_INK
        text = f"path {name} = {path.category} → {path.task}"
        rows.append(marked(text, size=SIZE, color=color, bold=red))
    if unused:
        text = f"not used: {', '.join(unused[:8])}"
        if len(unused) > 8:
            text += f" and {len(unused) - 8} more"
        rows.append(marked(text, size=SIZE, color=style.SOFT_INK))
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return Markup(f'<{_TABLE} CELLPADDING="3">{cells}</TABLE>')


def _sample(line: style.Line, text: str) -> str:
    """Return the cells of a piece of a line, which lies between two rows, and of its meaning."""
    stroke = f'BORDER="{round(line.width)}" SIDES="B" STYLE="{line.style}" COLOR="{line.color}"'
    meaning = marked(text, size=SIZE, color=style.SOFT_INK)
    return f'<TD WIDTH="28" {stroke}></TD><TD ROWSPAN="2">{meaning}</TD><TD WIDTH="8"></TD>'
