"""Finds the smallest change after which the rest of a line can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lark import Token
from lark.parsers.lalr_interactive_parser import InteractiveParser

from legonet.diagnostics import SourceText
from legonet.syntax.mistakes.lookahead import takes
from legonet.syntax.tokens import LINE_END, STATEMENT_STARTS

_SIGNS = ("ARROW", "COLON", "EQUAL", "IN", "AS")
_NEEDLESS = frozenset({"COMMA", "COLON", "EQUAL", "ARROW"})
_LITERALS = frozenset({"STRING", "INTEGER", "DECIMAL"})
_OPERATOR = re.compile(r"[-=~<>:→⇒⟶]+")
_FARTHEST = 60  # tokens of a long line that are examined


@dataclass(frozen=True)
class Repair:
    """Tokens to insert, and how many to leave out.

    Args:
        feed: The tokens to give to the parser.
        drop: How many tokens of the text to skip.
    """

    feed: tuple[Token, ...]
    drop: int


def find_repair(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    parser: InteractiveParser,
    expected: set[str],
    opening: Token | None,
) -> Repair | None:
    """Return the repair after which the line can be read to its end; None if there is none.

    Names and values are never made up or left out, so that what is read is what was meant.

    Args:
        source: The text.
        tokens: All of its tokens.
        position: The position of the token that is not allowed there.
        parser: The parser, which has accepted the tokens before it.
        expected: The kinds of tokens that may come next.
        opening: The innermost open bracket, if any.
    """
    for repair in _candidates(source, tokens, position, expected, opening):
        start = position + repair.drop
        rest = [token.type for token in _line(source, tokens, start)]
        if rest and takes(parser, [token.type for token in repair.feed] + rest):
            return repair
    return None


def _candidates(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    expected: set[str],
    opening: Token | None,
) -> Iterator[Repair]:
    token = tokens[position]
    width = _width(source, tokens, position)
    name = _as_name(token)
    if name is not None:
        yield Repair((_put("NAME", token, name),), 1)
    for kind in _SIGNS:
        if kind not in expected or ("NAME" in expected and kind in ("IN", "AS")):
            continue  # a field may have this name
        if kind != "COLON":
            yield Repair((_put(kind, token),), 0)
        if token.type == "NAME" or operator_at(source, token)[:1] not in ("", "<"):
            yield Repair((_put(kind, token),), width)
    before = tokens[position - 1] if position else None
    if before is not None and (token.type, str(token)) == (before.type, str(before)):
        yield Repair((), 1)
    if before is not None and _lacks_comma(tokens, position, opening):
        yield Repair((_put("COMMA", token),), 0)
    in_block = opening is None or opening.type == "LBRACE"
    needless = token.type in _NEEDLESS and in_block
    if needless or _is_needless(source, tokens, position):
        yield Repair((), width)


def _line(source: SourceText, tokens: Sequence[Token], start: int) -> Sequence[Token]:
    """Return the tokens to the end of their line, or to the next comma or brace on it."""
    end = start
    depth = 0
    while end < min(len(tokens), start + _FARTHEST):
        kind = tokens[end].type
        begins = "\n" in source.text[tokens[end - 1].end_pos or 0 : tokens[end].start_pos]
        if end > start and begins:
            break
        end += 1
        depth += (kind in ("LPAR", "LSQB")) - (kind in ("RPAR", "RSQB"))
        if kind in ("LBRACE", "RBRACE", LINE_END) or (kind == "COMMA" and depth <= 0):
            break
    return tokens[start:end]


def operator_at(source: SourceText, token: Token) -> str:
    """Return the operator that begins with a token, such as ``=>``; empty if there is none."""
    found = _OPERATOR.match(source.text, token.start_pos or 0)
    return found[0] if found and token.type != LINE_END else ""


def _width(source: SourceText, tokens: Sequence[Token], position: int) -> int:
    """Return how many tokens an operator such as ``=>`` or a row of strange spaces spans."""
    token = tokens[position]
    end = (token.start_pos or 0) + max(1, len(operator_at(source, token)))
    width = 1
    while position + width < len(tokens):
        following = tokens[position + width]
        row = token.type == following.type == "STRANGE" and is_invisible(token + following)
        if not row and ((following.end_pos or 0) > end or following.type == LINE_END):
            break
        width += 1
    return width


def _as_name(token: Token) -> str | None:
    """Return the name that a quoted string or a reserved word could be, if it could be one."""
    if token.type == "STRING" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", token[1:-1]):
        return token[1:-1]
    return str(token) if token.type in STATEMENT_STARTS else None


def _lacks_comma(tokens: Sequence[Token], position: int, opening: Token | None) -> bool:
    token, before = tokens[position], tokens[position - 1]
    if before.end_pos == token.start_pos or opening is None or opening.type == "LBRACE":
        return False
    named = (
        token.type == "NAME" and position + 1 < len(tokens) and tokens[position + 1].type == "COLON"
    )
    alike = before.type == token.type or (before.type in _LITERALS and token.type in _LITERALS)
    return named or (opening.type == "LSQB" and alike and token.type in _LITERALS | {"NAME"})


def _is_needless(source: SourceText, tokens: Sequence[Token], position: int) -> bool:
    token = tokens[position]
    before = tokens[position - 1] if position else None
    following = tokens[position + 1] if position + 1 < len(tokens) else None
    if token.type == LINE_END and following is not None:
        opens = following.type == "LBRACE"
        begun = before is not None and before.type in ("EQUAL", "COLON")
        return opens or (begun and _ends_line(tokens, position + 2))
    if token.type != "STRANGE":
        return False
    around = (
        source.text[max(0, (token.start_pos or 0) - 1)]
        + source.text[token.end_pos : (token.end_pos or 0) + 1]
    )
    return str(token) == ";" or is_invisible(token) or not re.search(r"[\w$\"'{]", around)


def _ends_line(tokens: Sequence[Token], position: int) -> bool:
    return position < len(tokens) and tokens[position].type in (LINE_END, "LPAR", "DOT", "RBRACE")


def is_invisible(text: str) -> bool:
    """Whether all characters look like spaces or are invisible."""
    return all(letter.isspace() or not letter.isprintable() for letter in text)


def _put(kind: str, before: Token, text: str = "") -> Token:
    place = before.start_pos
    end = before.end_pos if text else place
    return Token(kind, text, start_pos=place, end_pos=end)
