"""Texts in which no letter changes how the others look."""

from __future__ import annotations

import re

# The controls of direction could show a spec's text in another order than it is read in, and a
# browser ends lines of a script at the separators.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with a replacement character for each that cannot be seen.

    Letters that are written from right to left stay as they are.
    """
    return _UNSEEN.sub("\ufffd", text)
