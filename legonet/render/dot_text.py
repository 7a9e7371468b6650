"""Writing the DOT language: quoting, labels and statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Attributes = Mapping[str, str | float]
"""The attributes of a node, an edge or a graph."""


class Markup(str):
    """Text in Graphviz's HTML-like label language, which is written between angle brackets."""

    __slots__ = ()


def marked(text: str, *, size: int = 0, color: str = "", bold: bool = False) -> Markup:
    """Return markup that shows a plain text exactly; characters that XML forbids become U+FFFD.

    Args:
        text: Any characters.
        size: The font size in points; default: the node's.
        color: The font colour; default: the node's.
        bold: Whether the font is bold.
    """
    written = _readable(text, backslash="\\" * 2).replace("<", "&lt;").replace(">", "&gt;")
    if bold:
        written = f"<B>{written}</B>"
    attributes = f' POINT-SIZE="{size}"' * bool(size) + f' COLOR="{color}"' * bool(color)
    return Markup(f"<FONT{attributes}>{written}</FONT>" if attributes else written)


def left_aligned(lines: Iterable[Markup]) -> Markup:
    """Return lines one below the other."""
    return Markup("".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines))


def quoted(text: str) -> str:
    r"""Return a DOT string whose text a tooltip shows exactly.

    Graphviz replaces escapes such as ``\N`` in tooltips, then does so again in what comes out.
    """
    written = _readable(text, backslash="\\" * 4)
    return '"' + written.replace('"', '\\"').replace("\n", "\\n") + '"'


def statement(subject: str, **attributes: str | float) -> str:
    """Return a node, an edge or the defaults of a kind, with attributes, on one line.

    Args:
        subject: The subject in DOT, already quoted.
        attributes: `Markup` becomes an HTML-like label; other text is quoted.
    """
    return f"{subject} [{', '.join(f'{name}={_value(v)}' for name, v in attributes.items())}]"


def block(head: str, lines: Iterable[str]) -> list[str]:
    """Return lines enclosed in braces and indented."""
    return [f"{head}{{", *(f"  {line}" for line in lines), "}"]


def _value(value: str | float) -> str:
    if isinstance(value, Markup):
        return f"<{value}>"
    return quoted(value) if isinstance(value, str) else str(value)


def _readable(text: str, *, backslash: str) -> str:
    """Return a text in which Graphviz reads no entities and no escapes."""
    return _NOT_XML.sub("\ufffd", text).replace("&", "&amp;").replace("\\", backslash)
