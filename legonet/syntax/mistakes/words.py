"""Words that were meant as a name, a number or an interpolation, but are malformed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark import Token

from legonet.diagnostics import Diagnostic, SourceText, Span, shortened
from legonet.syntax.limits import LONGEST_NAME
from legonet.syntax.tokens import LINE_END

_INTERPOLATION = re.compile(
    r"[$%]\{+[^\s{}\",:()\[\]]*\}+\w*"  # closed, with something strange inside
    r"|[$%]\{+[ \t]+[^\s{}\",:()\[\]]*[ \t]*\}+\w*"  # with spaces inside
    r"|[$%]\{+[^\s{}\",:()\[\]]*"  # not closed
    r"|\{[A-Za-z_]\w*\}\w*|\$\([^\s)]*\)\w*|\$\w+|\$"
)
_NUMBER_BEGUN = re.compile(r"(?<![\w.])[-+]?[0-9][\w.]*$")
_NUMBER = re.compile(r"(\+|\.|--)?[0-9][\w.%]*([-+][0-9]*)?|\.[\w.]*|[\w%][\w.%]*[-+]?[0-9]*")
_NAME_BEGUN = re.compile(r"\w+$")
_NAME = re.compile(r"(-?\w+)+")
_DOTTED_BEGUN = re.compile(r"[A-Za-z_]\w*(\.\w+)*\.$")
_DOTTED = re.compile(r"[\w.-]+")

_LONGEST = 300
"""Characters before a mistake that are examined."""


@dataclass(frozen=True)
class BrokenWord:
    """A word that is not valid in the language.

    Args:
        start: Where it begins.
        end: The offset after its last character.
        report: The diagnostic for it.
        name: The name that was clearly intended, if any.
    """

    start: int
    end: int
    report: Diagnostic
    name: str | None = None


def broken_word(source: SourceText, token: Token, expected: set[str]) -> BrokenWord | None:
    """Return the malformed word at a token that is not allowed there; None if there is none.

    Args:
        source: The text.
        token: The first token that is not allowed there, which may begin inside the word.
        expected: The kinds of tokens that are allowed.
    """
    if token.type == LINE_END:
        return None
    at = token.start_pos or 0
    line = source.text.rfind("\n", 0, at) + 1
    before = source.text[max(line, at - _LONGEST) : at]
    sound = token.type == "NAME"  # where something else was expected
    return (
        (None if sound else _interpolation(source, at, before))
        or _number(source, at, before)
        or _name(source, token, before, expected)
    )


def _interpolation(source: SourceText, at: int, before: str) -> BrokenWord | None:
    found = _INTERPOLATION.match(source.text, at)
    if found is None:
        return None
    begun = _NAME_BEGUN.search(before)
    start = at - len(begun[0]) if begun else at
    name = re.search(r"\w+", found[0])
    if found[0].count("{") == 1 and "}" not in found[0] and name:
        advice = f"put a `}}` after the constant's name: `${{{name[0]}}}`"
    elif re.match(r"\$\{[ \t]+\w+[ \t]*\}", found[0]) and name:
        advice = f"write it without spaces: `${{{name[0]}}}`"
    elif re.match(r"\$\{[^}]*\W[^}]*\}", found[0]):
        advice = (
            "a constant's name has only letters, digits and `_`,"
            " after an alias and a dot if it is imported"
        )
    else:
        advice = "put a constant's name in braces, as in `${animal}_net`"
    word = source.text[start : found.end()]
    report = Diagnostic(
        "LEGO104",
        f"expected `${{name}}`, found `{shortened(word)}`",
        Span(source, start, found.end()),
        "not an interpolation",
        (advice,),
    )
    return BrokenWord(start, found.end(), report)


def _number(source: SourceText, at: int, before: str) -> BrokenWord | None:
    begun = _NUMBER_BEGUN.search(before) or _thousands(source, at, before)
    follows = source.text[at : at + 2]
    signed = re.match(r"[+][0-9.]|\.[0-9]|--", follows) and not re.search(r"[\w.)\]]$", before)
    if begun is None and not signed:
        return None
    found = _NUMBER.match(source.text, at)
    if found is None:
        return None
    start = at - len(begun[0]) if begun else at
    word = source.text[start : found.end()]
    report = Diagnostic(
        "LEGO104",
        f"`{shortened(word)}` is not a number",
        Span(source, start, found.end()),
        "not a number",
        (_number_advice(word),),
    )
    return BrokenWord(start, found.end(), report)


def _thousands(source: SourceText, at: int, before: str) -> re.Match[str] | None:
    """Return the digits before a comma that separates thousands."""
    parts = re.match(r"[0-9]{3}(?![\w.])", source.text[at : at + 4])
    return re.search(r"(?<![\w.])[0-9]{1,3},$", before) if parts else None


def _number_advice(word: str) -> str:
    if re.fullmatch(r"-?[0-9]+([_,][0-9]+)+", word):
        return f"write only its digits: `{re.sub('[_,]', '', word)}`"
    if re.fullmatch(r"[0-9]+\.\.+[0-9]+", word):
        return "there are no ranges: write the values as a list, such as `[1, 2, 3]`"
    if re.fullmatch(r"-?[0-9]*\.[0-9]*", word):
        whole, _, part = word.partition(".")
        return f"write digits on both sides of the point: `{whole or '0'}.{part or '0'}`"
    if re.fullmatch(r"-?[0-9.]+[eE][-+]?", word):
        return "write digits after the `e`, as in `1e-3`"
    if re.fullmatch(r"0[xXoObB]\w+", word):
        return "numbers are written in decimal"
    if word.startswith(("+", "--")):
        return f"leave out the sign: `{word.lstrip('+-')}`"
    if word.endswith("%"):
        return "write a share as a number, such as `0.2`"
    if word.count(".") > 1:
        return f'put a string in quotes: `"{shortened(word)}"`'
    return "a number has no unit, a name begins with a letter, and a string is written in quotes"


def _name(source: SourceText, token: Token, before: str, expected: set[str]) -> BrokenWord | None:
    at = token.start_pos or 0
    text = source.text
    dotted = _DOTTED_BEGUN.search(before)
    if dotted and token.type in ("INTEGER", "DECIMAL"):
        return _text_without_quotes(source, at - len(dotted[0]), at)
    begun = _NAME_BEGUN.search(before)
    strange = not text[at].isascii() and text[at].isalnum()
    joined = begun and re.match(r"-\w", text[at : at + 2])
    digits = token.type == "INTEGER" and "NAME" in expected and not expected & {"INTEGER", "RBRACE"}
    if not (strange or joined or digits):
        return None
    found = _NAME.match(text, at)
    if found is None:
        return None
    start = at - len(begun[0]) if begun else at
    word = text[start : found.end()]
    name = word.replace("-", "_")
    sound = name.isascii() and not name[0].isdigit() and len(name) <= LONGEST_NAME
    advice = (
        f"a name has only letters, digits and `_`: write `{shortened(name)}`"
        if sound
        else "a name has only plain letters, digits and `_`, and does not begin with a digit"
    )
    report = Diagnostic(
        "LEGO104",
        f"`{shortened(word)}` is not a name",
        Span(source, start, found.end()),
        "not a name",
        (advice,),
    )
    return BrokenWord(start, found.end(), report, name if sound else None)


def _text_without_quotes(source: SourceText, start: int, at: int) -> BrokenWord:
    found = _DOTTED.match(source.text, at)
    end = found.end() if found else at + 1
    word = source.text[start:end]
    report = Diagnostic(
        "LEGO104",
        f"`{shortened(word)}` is not a name",
        Span(source, start, end),
        "not a name",
        (f'put a string in quotes: `"{shortened(word)}"`',),
    )
    return BrokenWord(start, end, report)
