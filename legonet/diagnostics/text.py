"""Diagnostics for people, with the line of the mistake and carets below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from unicodedata import category, east_asian_width

from legonet.diagnostics.diagnostic import Diagnostic, Severity
from legonet.diagnostics.span import Span

TAB_WIDTH = 4
"""The tab width in the lines that are shown, in columns."""

LONGEST_EXCERPT = 160
"""Characters of a line that are shown; in a longer line, those around the mistake."""

_CUT = "..."
_IN_FRONT = 40  # characters shown before a mistake that is far into a long line

_Paint = Callable[[str, str], str]
_COLOURS = {"error": "1;31", "warning": "1;33", "bold": "1", "frame": "1;34", "help": "1;36"}


def to_text(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """Return a diagnostic as text for people.

    Args:
        diagnostic: What to show.
        colour: Whether to use ANSI colours.
    """

    def paint(style: str, text: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if colour else text

    level = diagnostic.severity.value
    head = paint(level, f"{level}[{diagnostic.code}]")
    lines = [f"{head}: {paint('bold', _visible(diagnostic.message))}"]
    margin = 1
    if diagnostic.span is not None:
        margin = len(str(diagnostic.span.line))
        lines += _excerpt(diagnostic.span, diagnostic.label, margin, level, paint)
    for step in diagnostic.trace:
        span = step.span
        place = f"{span.source.path}:{span.line}:{span.column}"
        lines.append(f"{' ' * margin} {paint('frame', '=')} {_visible(f'{step.message}: {place}')}")
    for line in (*diagnostic.help, f"run `legonet explain {diagnostic.code}`"):
        shown = f"{paint('help', 'help')}: {_visible(line)}"
        lines.append(f"{' ' * margin} {paint('frame', '=')} {shown}")
    return "\n".join(lines)


def _excerpt(span: Span, label: str, margin: int, level: str, paint: _Paint) -> list[str]:
    line = span.source.line(span.line)
    first = min(span.column - 1, len(line))
    last = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line)
    cut = max(0, first - _IN_FRONT) if last > LONGEST_EXCERPT else 0
    shown = line[cut : cut + LONGEST_EXCERPT]
    before = (_CUT if cut else "") + shown[: first - cut]
    marked = before + shown[first - cut : last - cut]
    behind = shown[last - cut :] + (_CUT if cut + len(shown) < len(line) else "")
    indent = columns(_widened(before))
    carets = "^" * max(1, columns(_widened(marked)) - indent)
    place = _visible(f"{span.source.path}:{span.line}:{span.column}")
    bar = paint("frame", "|")
    pointer = f"{' ' * indent}{paint(level, f'{carets} {_visible(label)}'.rstrip())}"
    return [
        f"{' ' * margin}{paint('frame', '-->')} {place}",
        f"{' ' * margin} {bar}",
        f"{paint('frame', str(span.line))} {bar} {_widened(marked + behind)}".rstrip(),
        f"{' ' * margin} {bar} {pointer}",
        f"{' ' * margin} {bar}",
    ]


def _widened(text: str) -> str:
    """Return the text with tabs expanded and control characters made visible."""
    shown = ""
    for letter in text:
        if letter == "\t":
            shown += " " * (TAB_WIDTH - columns(shown) % TAB_WIDTH)
        else:
            shown += _visible(letter)
    return shown


def _visible(text: str) -> str:
    """Return the text with control characters made visible, so that none reaches a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def columns(text: str) -> int:
    """Return the columns that a text takes up on a terminal, where a wide character takes two."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(letter: str) -> int:
    if category(letter) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one line that counts errors and warnings, such as ``2 errors, 1 warning``."""
    found = [item.severity for item in diagnostics]
    counts = [(found.count(level), level.value) for level in Severity]
    words = [f"{count} {name}{'s' * (count != 1)}" for count, name in counts if count]
    return ", ".join(words) if words else "no mistakes"


def wants_colour(is_terminal: bool) -> bool:
    """Whether to use colours, given the terminal and the ``NO_COLOR`` convention."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
