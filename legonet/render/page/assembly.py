"""The page's HTML, style and scripts, combined with a graph's data in one document."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from legonet.render.page.document import Item, document_of
from legonet.text_bytes import json_text, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from legonet.building import Plan
    from legonet.graph import ModuleGraph
    from legonet.render.selection import Wanted

SCRIPTS = (
    "model",
    "choice",
    "elements",
    "columns",
    "matrix",
    "diagram",
    "camera",
    "chart",
    "details",
    "overview",
    "controls",
    "main",
)
"""The scripts in their order in the page; each one uses only those before it."""


def page(
    graph: ModuleGraph,
    plan: Plan | None = None,
    *,
    path: Wanted | Iterable[Wanted] = (),
    only: Sequence[str] = (),
) -> str:
    """Return one HTML page that shows a graph; equal arguments give equal text.

    The page needs neither a network nor other files, and forbids both by its content security
    policy. Names and texts of the spec are data in it, never markup.

    Args:
        graph: A graph without errors.
        plan: Knows what is built of it, with certificates and loss curves; default: nothing is
            shown as built.
        path: The application that is highlighted when the page opens: the name of a path, or an
            edge as ``"cat -> classify"`` or ``("cat", "classify")``; the first one of several.
        only: What is shown, in patterns such as ``"cat*"`` or ``"cat* -> classify"``; default:
            everything.

    Raises:
        DiagnosticError: LEGO802 or LEGO806, the spec has no such path or edge; LEGO807, a pattern
            chooses nothing.
    """
    return assembled(document_of(graph, plan, path=path, only=only))


def assembled(document: Item) -> str:
    """Return the page that shows the data of `document_of`."""
    style, script = _part("page.css"), _script()
    return Template(_part("page.html")).substitute(
        policy=_policy(style, script),
        title=_escaped(visible(str(document["title"]))),
        style=style,
        document=_json(document),
        script=script,
    )


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    scripts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{scripts}}})();\n'


def _policy(style: str, script: str) -> str:
    """Return the content security policy that allows only the page's own style and script."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(to_bytes(text)).digest()).decode()}"


def _json(document: Item) -> str:
    """Return JSON in which nothing can end the script element that contains it."""
    text = visible(json_text(document, separators=(",", ":")))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Direction controls could show a spec's text in another order than it is read in, and a browser
# ends lines of a script at the separators.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with a replacement character for each that cannot be seen.

    Letters that are written from right to left stay as they are.
    """
    return _UNSEEN.sub("\ufffd", text)
