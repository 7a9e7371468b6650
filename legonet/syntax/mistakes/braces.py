"""What the lines of a text reveal about unmatched braces."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from legonet.diagnostics import SourceText
from legonet.syntax.tokens import STATEMENT_STARTS


def indentation(source: SourceText, token: Token) -> int:
    """Return the indentation of a token's line, in characters."""
    begin = line_start(source, token)
    line = source.text[begin : token.start_pos]
    return len(line) - len(line.lstrip())


def line_start(source: SourceText, token: Token) -> int:
    """Return where a token's line begins."""
    return source.text.rfind("\n", 0, token.start_pos or 0) + 1


def surplus_brace(source: SourceText, tokens: Sequence[Token]) -> int | None:
    """Return the position of a `}` that is indented deeper than the block that it closes.

    It is the last one before the first `}` that closes nothing; None if there is no such brace.
    """
    open_braces: list[Token] = []
    found = None
    for position, token in enumerate(tokens):
        if token.type == "LBRACE":
            open_braces.append(token)
        elif token.type == "RBRACE":
            if not open_braces:
                return found
            opening = open_braces.pop()
            same_line = line_start(source, opening) == line_start(source, token)
            if not same_line and indentation(source, token) > indentation(source, opening):
                found = position
    return None


def unclosed_brace(source: SourceText, tokens: Sequence[Token]) -> tuple[Token, int] | None:
    """Return a brace whose block ends without a `}`, and the position where that was noticed.

    The sign is a line that is not indented enough for the block: a `}`, or a statement inside a
    block whose contents are indented. None if the indentation does not tell.
    """
    open_braces: list[tuple[Token, bool]] = []
    for position, token in enumerate(tokens):
        before = tokens[position - 1] if position else token
        if token.type == "LBRACE":
            open_braces.append((token, _holds_deeper_lines(source, tokens, position)))
        elif open_braces and (token.type == "RBRACE" or token.type in STATEMENT_STARTS):
            opening, deeper = open_braces[-1]
            begins = line_start(source, before) != line_start(source, token)
            missing = indentation(source, opening) - indentation(source, token)
            field = [item.type for item in tokens[position + 1 : position + 2]] == ["COLON"]
            if begins and missing > 0 and token.type == "RBRACE":
                return opening, position
            if begins and missing >= 0 and deeper and token.type != "RBRACE" and not field:
                return opening, position
            if token.type == "RBRACE":
                open_braces.pop()
    return None


def _holds_deeper_lines(source: SourceText, tokens: Sequence[Token], position: int) -> bool:
    """Whether what follows a brace is on the same line, or on a line that is indented deeper."""
    if position + 1 == len(tokens):
        return False
    opening, following = tokens[position], tokens[position + 1]
    same_line = line_start(source, opening) == line_start(source, following)
    return same_line or indentation(source, following) > indentation(source, opening)
