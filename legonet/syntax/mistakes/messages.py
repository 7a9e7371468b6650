"""Diagnostics for a token that cannot appear where it does."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import combining

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span, shortened
from legonet.syntax.limits import span_of
from legonet.syntax.mistakes.advice import advice, for_unknown_statement
from legonet.syntax.mistakes.repair import operator_at
from legonet.syntax.tokens import LINE_END, STATEMENT_STARTS

_WORDS = {
    "ARROW": "`->`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "DOT": "`.`",
    "EQUAL": "`=`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "IN": "`in`",
    "AS": "`as`",
    "NAME": "a name",
    "STRING": "a string",
    LINE_END: "the end of the line",
}
_CONTINUATIONS = frozenset({"DOT", "LPAR"})
_VALUE_STARTS = frozenset({"STRING", "INTEGER", "DECIMAL", "TRUE", "FALSE", "LSQB", "NAME"})


def unexpected(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    expected: set[str],
    opening: Token | None,
) -> Diagnostic:
    """Return the diagnostic for a token where the grammar expects something else.

    Args:
        source: The text.
        tokens: All of its tokens.
        position: The position of the token that is not allowed there.
        expected: The kinds of tokens that are allowed.
        opening: The innermost open bracket, if any.
    """
    token = tokens[position]
    span = span_of(source, token)
    if begins_statement(expected) and token.type == "NAME":
        after = tokens[position + 1].type if position + 1 < len(tokens) else ""
        return Diagnostic(
            "LEGO201",
            f"unknown statement `{shortened(token)}`",
            span,
            "no statement begins like this",
            for_unknown_statement(token, after),
        )
    wanted = _expected(expected - {"$END"})
    if token.type in ("NAME", "KEYWORD") and "RBRACE" in expected and "COMMA" in expected:
        wanted = "a comma or a new line"
    helps = advice(source, tokens, position, expected, opening)
    sign = operator_at(source, token)
    if len(sign) > len(token):
        span = Span(source, span.start, span.start + len(sign))
    found = f"`{shortened(sign)}`" if sign else _found(token)
    return Diagnostic(
        "LEGO104", f"expected {wanted}, found {found}", span, f"expected {wanted}", helps
    )


def begins_statement(expected: set[str]) -> bool:
    """Whether a statement may begin where these kinds of tokens are expected."""
    return expected >= STATEMENT_STARTS and "AS" not in expected


def field_alone(source: SourceText, token: Token) -> Diagnostic:
    """Return the diagnostic for a field's name where a statement should begin."""
    return Diagnostic(
        "LEGO104",
        f"expected a statement, found the field `{token}`",
        span_of(source, token),
        "this field is not in a block",
        ("put a `{` after the statement above that it belongs to",),
    )


def _expected(kinds: set[str]) -> str:
    if begins_statement(kinds):
        return "a statement or `}`" if "RBRACE" in kinds else "a statement"
    words: list[str] = []
    if "NAME" in kinds:
        kinds = kinds - {"AS", "IN"}  # a field or an argument may have these names
    if kinds >= _VALUE_STARTS:
        words.append("a value")
        kinds = kinds - _VALUE_STARTS
    elif {"KEYWORD", "NAME"} <= kinds:
        words.append("a field")
        kinds = kinds - STATEMENT_STARTS - {"NAME", "AS", "IN"}
    kinds = kinds - _CONTINUATIONS or kinds
    words += [_WORDS[kind] for kind in sorted(kinds) if kind in _WORDS]
    if len(words) == 1:
        return words[0]
    return ", ".join(words[:-1]) + " or " + words[-1]


def _found(token: Token) -> str:
    if token.type == LINE_END:
        return "the end of the line" if token else "the end of the file"
    return _shown(token)


def _shown(token: Token) -> str:
    if str(token).isprintable() and not combining(token[0]):
        return f"`{shortened(token)}`"
    return f"U+{ord(token[0]):04X}"


def unclosed(source: SourceText, opening: Token, before: Token | None = None) -> Diagnostic:
    """Return the diagnostic for a block without its closing brace.

    Args:
        source: The text.
        opening: The block's opening brace.
        before: What comes next although the block is open: the first word of a statement, or the
            `}` of an enclosing block; None at the end of the file.
    """
    where = "at the end of the file"
    if before is not None:
        where = f"before the next {'`}`' if before.type == 'RBRACE' else 'statement'}"
    return Diagnostic(
        "LEGO108",
        f"expected `}}` {where}: this block is not closed",
        span_of(source, opening),
        "this block is not closed",
        (_where_to_close(source, before),),
    )


def _where_to_close(source: SourceText, before: Token | None) -> str:
    if before is None:
        return "put a `}` at its end"
    return f"put a `}}` at its end, before line {span_of(source, before).line}"


def statement_inside(source: SourceText, statement: Token, opening: Token) -> Diagnostic:
    """Return the diagnostic for a statement inside a block.

    Args:
        source: The text.
        statement: Its first word.
        opening: The brace of the block.
    """
    line = span_of(source, opening).line
    return Diagnostic(
        "LEGO104",
        f"expected a field or `}}`, found the statement `{statement}`",
        span_of(source, statement),
        "not allowed inside this block",
        (f"move it out of the block that begins on line {line}, or close that block before it",),
    )


def surplus(source: SourceText, brace: Token) -> Diagnostic:
    """Return the diagnostic for a closing brace that closes more than its own block."""
    return Diagnostic(
        "LEGO104",
        "one `}` too many: this one closes a block further out",
        span_of(source, brace),
        "indented deeper than the block that it closes",
        ("remove it",),
    )
