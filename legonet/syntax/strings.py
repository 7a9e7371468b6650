"""What stands between the quotes of a string: text, escapes and constants."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span, shortened

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
PIECE = re.compile(rf"\\(.)|\$\{{({NAME}(?:\.{NAME})*)\}}|\$\{{[^\"}}]*\}}?", re.DOTALL)
"""An escape, a constant such as ``${root}`` or ``${zoo.cut}``, or what only begins like one."""

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
"""What stands for the character behind a backslash."""


def mistakes_in(source: SourceText, token: Token) -> Iterator[Diagnostic]:
    """Give what to say of the escapes and constants in a string that are none.

    Args:
        source: The text.
        token: The string, its quotes among it.
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
                "no escape",
                ("a path is written with `/`, and a backslash itself as `\\\\`",),
            )
        elif escaped is None and name is None:
            yield Diagnostic(
                "LEGO110",
                f"`{shortened(match[0])}` names no constant",
                span,
                "expected `${NAME}`",
                ("a dollar in front of a brace that is meant as such is written `\\$`",),
            )
