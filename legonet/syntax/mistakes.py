"""What a person is told of a token that cannot stand where it stands."""

from __future__ import annotations

from unicodedata import combining

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span, did_you_mean, shortened
from legonet.syntax.tokens import LINE_END, STATEMENT_STARTS

DEEPEST_NESTING = 64
"""Brackets inside brackets, at most."""

LONGEST_NUMBER = 64
"""Characters of the longest number."""

LONGEST_NAME = 256
"""Characters of the longest name."""

MOST_MISTAKES = 200
"""Mistakes in a text, at most; one with more is hardly a spec, and reading stops."""

TOO_DEEP = "LEGO106"

STATEMENTS = ("import", "let", "for", "data", "network", "category", "task", "adapter", "path")

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
_HINTS = {
    "'": "a string stands in double quotes",
    "\N{LEFT DOUBLE QUOTATION MARK}": "a string stands in straight double quotes",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "a string stands in straight double quotes",
    ";": "a statement ends with its line, and fields stand behind commas",
    "/": "a comment begins with `#`, and a path stands in quotes",
}
_VALUE_STARTS = frozenset({"STRING", "INTEGER", "DECIMAL", "TRUE", "FALSE", "LSQB", "NAME"})


def bad_token(source: SourceText, token: Token, depth: int) -> Diagnostic | None:
    """Return what to say of a token that is wrong wherever it stands; None if it is not."""
    span = span_of(source, token)
    if token.type == "UNCLOSED_STRING":
        return Diagnostic(
            "LEGO105",
            "this string is not closed",
            span,
            "no closing quote on this line",
            ('put a `"` behind the string',),
        )
    if token.type == "STRANGE":
        message = f"unexpected character {_shown(token)}"
        helps = (_HINTS[token],) if token in _HINTS else ()
        return Diagnostic("LEGO104", message, span, "nothing begins so", helps)
    if depth > DEEPEST_NESTING:
        message = f"brackets are nested deeper than {DEEPEST_NESTING}"
        return Diagnostic(TOO_DEEP, message, span, "one bracket too many")
    if token.type in ("INTEGER", "DECIMAL") and len(token) > LONGEST_NUMBER:
        return too_long("number", len(token), LONGEST_NUMBER, span)
    if token.type == "NAME" and len(token) > LONGEST_NAME:
        return too_long("name", len(token), LONGEST_NAME, span)
    return None


def too_long(noun: str, length: int, longest: int, span: Span) -> Diagnostic:
    """Return what to say of a name or number that is longer than any needs to be."""
    message = f"a {noun} has at most {longest} characters, found {length:,}"
    return Diagnostic("LEGO107", message, span, "too long")


def too_many(source: SourceText, token: Token) -> Diagnostic:
    """Return what to say at the place from which on a text is not read."""
    message = f"more than {MOST_MISTAKES} mistakes; the rest of the text is not read"
    return Diagnostic("LEGO109", message, span_of(source, token), "not read from here on")


def unexpected(
    source: SourceText, token: Token, expected: set[str], opening: Token | None
) -> Diagnostic:
    """Return what to say of a token where the grammar expects one of others.

    Args:
        source: The text.
        token: The token that cannot stand there.
        expected: The kinds of those that can.
        opening: The innermost bracket that is open, if any.
    """
    span = span_of(source, token)
    if expected >= STATEMENT_STARTS and "AS" not in expected and token.type == "NAME":
        return Diagnostic(
            "LEGO201",
            f"unknown statement `{token}`",
            span,
            "no statement begins so",
            did_you_mean(token, STATEMENTS, "statement")
            or ("statements are: " + ", ".join(STATEMENTS),),
        )
    found = _found(token)
    wanted = _expected(expected - {"$END"})
    if token.type in ("NAME", "KEYWORD") and "RBRACE" in expected and "COMMA" in expected:
        wanted = "a comma or a new line"
    message = f"expected {wanted}, found {found}"
    helps = _helps(source, token, expected, opening)
    return Diagnostic("LEGO104", message, span, f"expected {wanted}", helps)


def field_alone(source: SourceText, token: Token) -> Diagnostic:
    """Return what to say of a field's name where a statement should begin."""
    return Diagnostic(
        "LEGO104",
        f"expected a statement, found the field `{token}`",
        span_of(source, token),
        "this field stands in no block",
        ("put a `{` behind the statement above that it belongs to",),
    )


def _helps(
    source: SourceText, token: Token, expected: set[str], opening: Token | None
) -> tuple[str, ...]:
    kind = token.type
    if kind in STATEMENT_STARTS | {"RBRACE", LINE_END} and {"RSQB", "RPAR"} & expected and opening:
        return (f"the `{opening}` on line {span_of(source, opening).line} is not closed",)
    if kind in ("NAME", "KEYWORD") and "RBRACE" in expected and "COMMA" in expected:
        return ("fields stand one a line or behind commas",)
    if kind in STATEMENT_STARTS and "NAME" in expected:
        return (f"`{token}` is a word of the language and cannot be a name here",)
    if kind in STATEMENT_STARTS and LINE_END in expected:
        return ("each statement stands on a line of its own",)
    if kind == "STRING" and "NAME" in expected:
        return ("a name stands without quotes",)
    if kind == "EQUAL" and "COLON" in expected:
        return ("a field's value stands behind a colon: `name: value`",)
    if kind == "RBRACE" and opening is None:
        return ("no block is open here",)
    return ()


def _expected(kinds: set[str]) -> str:
    if kinds >= STATEMENT_STARTS and "AS" not in kinds:
        return "a statement or `}`" if "RBRACE" in kinds else "a statement"
    words: list[str] = []
    if "NAME" in kinds:
        kinds = kinds - {"AS", "IN"}  # a field or an argument may be called so
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


def span_of(source: SourceText, token: Token) -> Span:
    """Return a token's place; a line end's is the point in front of it."""
    start = token.start_pos or 0
    end = token.end_pos or start
    if token.type == LINE_END:
        end = start
    return Span(source, start, end)


def unclosed(source: SourceText, opening: Token, before: Token | None = None) -> Diagnostic:
    """Return what to say of a block without its closing brace.

    Args:
        source: The text.
        opening: The block's opening brace.
        before: The statement that begins although the block is open; None at the file's end.
    """
    where = "before the next statement" if before else "at the end of the file"
    return Diagnostic(
        "LEGO108",
        f"expected `}}` {where}: this block is not closed",
        span_of(source, opening),
        "this block is not closed",
        ("put a `}` at its end",),
    )
