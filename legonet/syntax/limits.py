"""How large a text and its parts may be, and which tokens are wrong in any position."""

from __future__ import annotations

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span
from legonet.syntax.tokens import LINE_END

DEEPEST_NESTING = 64
"""Brackets inside brackets, at most."""

LONGEST_NUMBER = 64
"""Characters of the longest number."""

LONGEST_NAME = 256
"""Characters of the longest name."""

MOST_MISTAKES = 200
"""Mistakes in a text, at most; a text with more is hardly a spec, and reading stops."""

TOO_DEEP = "LEGO106"

MOST_STRANGE = 1_000
"""Meaningless characters in a text, at most; a text with more is not a spec; reading stops."""


def bad_token(source: SourceText, token: Token, depth: int) -> Diagnostic | None:
    """Return the diagnostic for a token that is wrong in any position; None if it is fine."""
    if token.type == "UNCLOSED_STRING":
        return Diagnostic(
            "LEGO105",
            "this string is not closed",
            span_of(source, token),
            "no closing quote on this line",
            ('put a `"` at the end of the string',),
        )
    if depth > DEEPEST_NESTING:
        message = f"brackets are nested deeper than {DEEPEST_NESTING}"
        return Diagnostic(TOO_DEEP, message, span_of(source, token), "one bracket too many")
    if token.type in ("INTEGER", "DECIMAL") and len(token) > LONGEST_NUMBER:
        return too_long("number", len(token), LONGEST_NUMBER, span_of(source, token))
    if token.type == "NAME" and len(token) > LONGEST_NAME:
        return too_long("name", len(token), LONGEST_NAME, span_of(source, token))
    return None


def too_long(noun: str, length: int, longest: int, span: Span) -> Diagnostic:
    """Return the diagnostic for a name or number that is longer than any needs to be."""
    message = f"a {noun} has at most {longest} characters, found {length:,}"
    return Diagnostic("LEGO107", message, span, "too long")


def too_many(source: SourceText, token: Token) -> Diagnostic:
    """Return the diagnostic for the place where reading stops."""
    message = f"more than {MOST_MISTAKES} mistakes; the rest of the text is not read"
    return Diagnostic("LEGO109", message, span_of(source, token), "not read from here on")


def span_of(source: SourceText, token: Token) -> Span:
    """Return a token's place; that of a line end is the point before it."""
    start = token.start_pos or 0
    end = token.end_pos or start
    if token.type == LINE_END:
        end = start
    return Span(source, start, end)
