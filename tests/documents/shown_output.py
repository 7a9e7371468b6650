"""Whether a program's output is the one that a page shows.

Between machines times, the last digits of figures and digests differ. So blanks count as one, and
a time, a size in memory, a decimal number, a large number such as ``2,138,446`` and a long
hexadecimal number stand for any other of their kind; a percentage stands for those within five
points. ``...`` stands for anything in its line, and on a line of its own for any lines.
"""

from __future__ import annotations

import re

POINTS = 5.0
"""By so much a percentage may differ from the one that is shown."""

DURATION = r"~?\d+(?:\.\d+)? (?:s|min|h(?: \d+ min)?)\b"
MEMORY = r"~?\d+(?:\.\d+)? [KMG]iB\b"
DIGEST = r"\b[0-9a-f]{12,}\b"

KINDS = {
    "lines": (r"^[ \t]*\.\.\.[ \t]*\n", r"(?:.*\n)*?"),
    "anything": (r"\.\.\.", r".*?"),
    "percentage": (r"\d+\.\d+(?= ?%| ± \d)", r"(\d+\.\d+)"),
    "duration": (DURATION, DURATION),
    "memory": (MEMORY, MEMORY),
    "large": (r"\d{1,3}(?:,\d{3})+", r"\d{1,3}(?:,\d{3})*"),
    "decimal": (r"\d+\.\d+(?:e-?\d+)?|\d+e-\d+", r"\d+(?:\.\d+)?(?:e-?\d+)?"),
    "digest": (DIGEST, DIGEST),
    "blanks": (r"[ \t]+", r"[ \t]+"),
}
"""What stands for more than itself, the first that fits, and what it stands for."""

PIECE = re.compile("|".join(f"(?P<{kind}>{form})" for kind, (form, _) in KINDS.items()), re.M)


def fits(shown: str, output: str) -> bool:
    """Return whether an output is the one that is shown."""
    shown, output = _tidy(shown), _tidy(output)
    pattern, place, percentages = "", 0, []
    for piece in PIECE.finditer(shown):
        kind = str(piece.lastgroup)
        pattern += re.escape(shown[place : piece.start()]) + KINDS[kind][1]
        place = piece.end()
        if kind == "percentage":
            percentages.append(float(piece[0]))
    found = re.fullmatch(pattern + re.escape(shown[place:]), output)
    return found is not None and all(
        abs(expected - float(figure)) <= POINTS
        for expected, figure in zip(percentages, found.groups(), strict=True)
    )


def _tidy(text: str) -> str:
    """Return a text without blanks at the ends of lines, and with one line end at its own."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)
