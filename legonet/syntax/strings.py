"""What a string contains between its quotes: text, escapes and constants."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span, shortened

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
PIECE = re.compile(rf"\\(.)|\$\{{({NAME}(?:\.{NAME})*)\}}|\$\{{[^\"}}]*\}}?", re.DOTALL)
"""An escape, a constant such as ``${root}`` or ``${zoo.cut}``, or the beginning of a broken one."""

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
"""What a backslash and the character after it mean."""


def mistakes_in(source: SourceText, token: Token) -> Iterator[Diagnostic]:
    """Yield the diagnostics for malformed escapes and constants in a string.

    Args:
        source: The text.
        token: The string, including its quotes.
    """
    start = token.start_pos or 0
    for match in PIECE.finditer(token, 1, len(token) - 1):
        escaped, name = match.groups()
        span = Span(source, start + match.start(), start + match.end())
        if escaped is not None and escaped not in ESCAPES:
            yield Diagnostic(
                "LEGO110",
                f"unknown escape `{shortened(match[0])}` in a string",
                span,
                "not an escape",
                ("write a path with `/`, and a backslash itself as `\\\\`",),
            )
        elif escaped is None and name is None:
            yield Diagnostic(
                "LEGO110",
                f"`{shortened(match[0])}` names no constant",
                span,
                "expected `${NAME}`",
                ("write a plain dollar sign before a brace as `\\$`",),
            )
