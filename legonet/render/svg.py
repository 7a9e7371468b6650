"""Graphviz's SVG, made to stand in a page and to be read out."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_PROLOGUE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def readable(svg: str, title: str, description: str) -> str:
    """Return a picture with a title and a description for those who cannot see it.

    What is left out are Graphviz's version, so that equal graphs give equal bytes, and what only
    a file of its own may begin with.

    Args:
        svg: As Graphviz writes it.
        title: A few words.
        description: A sentence.
    """
    body = _COMMENT.sub("", _PROLOGUE.sub("", svg))
    root, rest = body.split(">", 1)
    root = root.replace("<svg", f'<svg role="img" aria-label={quoteattr(title)}', 1)
    return f"{root}>\n<title>{escape(title)}</title>\n<desc>{escape(description)}</desc>{rest}"
