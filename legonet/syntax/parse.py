"""Parses text into an Ast, with all of the text's syntax errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from lark import Token, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from legonet.diagnostics import Diagnostic, SourceText
from legonet.syntax import ast, limits, strings
from legonet.syntax.builder import AstBuilder
from legonet.syntax.collection import without_collection
from legonet.syntax.grammar import compile_grammar
from legonet.syntax.tokens import CLOSING, LINE_END, OPENING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lark import Lark

    from legonet.syntax.mistakes.recovery import Recovery


@dataclass(frozen=True)
class Parsed:
    """A text's tree with its syntax errors.

    Args:
        ast: What could be read.
        diagnostics: The syntax errors.
        lost: Words in the passages that could not be read. Reporting a name that they may have
            declared as unknown would be a second error that only follows from the first.
        whole: Whether every name that the text declares was read or is among the lost words.
    """

    ast: ast.Ast
    diagnostics: tuple[Diagnostic, ...]
    lost: frozenset[str]
    whole: bool = True


_ONE_AT_A_TIME = Lock()
"""The builder that the parser calls handles one text at a time, so threads take turns."""


@cache
def _compiled() -> tuple[Lark, AstBuilder]:
    builder = AstBuilder()
    return compile_grammar(builder), builder


def parse(source: SourceText) -> Parsed:
    """Parse a whole spec; a mistake affects only its own line or block."""
    lark, builder = _compiled()
    with _ONE_AT_A_TIME, without_collection(), builder.reading(source):
        return _Run(source, lark).spec()


def parse_value(source: SourceText) -> ast.Value | None:
    """Parse a single value, as on the command line; None if the text is not a value."""
    lark, builder = _compiled()
    with _ONE_AT_A_TIME, builder.reading(source):
        return _Run(source, lark).value()


class _Run:
    """One pass over one text."""

    def __init__(self, source: SourceText, lark: Lark) -> None:
        self.source = source
        self.lark = lark
        self.tokens: list[Token] = []
        self.left_out = False
        strange = 0
        for token in lark.lex(source.text):
            self.tokens.append(token)
            strange += token.type == "STRANGE"
            if strange > limits.MOST_STRANGE:
                self.left_out = True
                break

    def value(self) -> ast.Value | None:
        parser = self.lark.parse_interactive(start="value")
        depth = 0
        for token in self.tokens:
            depth += (token.type in OPENING) - (token.type in CLOSING)
            if token.type == LINE_END:
                continue
            if limits.bad_token(self.source, token, depth):
                return None
            try:
                parser.feed_token(token)
            except UnexpectedToken:
                return None
        try:
            value: ast.Value = parser.feed_eof()  # type: ignore[no-untyped-call]
        except UnexpectedToken:
            return None
        return value

    def spec(self) -> Parsed:
        return self._sound() or self._mended()

    def _sound(self) -> Parsed | None:
        """Read a text without mistakes; None if there is a mistake."""
        if self.left_out:
            return None
        parser = self.lark.parse_interactive(start="spec")
        depth = 0
        for token in self.tokens:
            depth += (token.type in OPENING) - (token.type in CLOSING)
            bad = limits.bad_token(self.source, token, depth)
            if bad or any(self._in_string(token)) or not _takes(parser, token):
                return None
        try:
            tree: ast.Ast = parser.feed_eof()  # type: ignore[no-untyped-call]
        except UnexpectedToken:
            return None
        return Parsed(tree, (), frozenset())

    def _mended(self) -> Parsed:
        """Read a text again, continuing after each of its mistakes."""
        # Most texts have no mistakes, and importing this code takes a while.
        from legonet.syntax.mistakes.recovery import Recovery

        parser = self.lark.parse_interactive(start="spec")
        recovery = Recovery(self.source, self.tokens, parser)
        position = depth = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            depth += (token.type in OPENING) - (token.type in CLOSING)
            bad = limits.bad_token(self.source, token, depth)
            if bad and bad.code == limits.TOO_DEEP:
                return self._given_up(recovery, bad)
            if len(recovery.diagnostics) >= limits.MOST_MISTAKES:
                return self._given_up(recovery, limits.too_many(self.source, token))
            recovery.diagnostics += self._in_string(token)
            if bad is None and _takes(parser, token):
                position += 1
            else:
                position = recovery.go_on(position, bad)
                depth = len(recovery.open_brackets())
        if self.left_out:
            return self._given_up(recovery, limits.too_many(self.source, self.tokens[-1]))
        recovery.close_at_end()
        tree: Any = parser.feed_eof()  # type: ignore[no-untyped-call]
        if not isinstance(tree, ast.Ast):
            tree = ast.Ast(self.source, ())
        lost = frozenset(recovery.lost)
        return Parsed(tree, tuple(recovery.diagnostics), lost, whole=not recovery.lost_any)

    def _in_string(self, token: Token) -> Iterable[Diagnostic]:
        return strings.mistakes_in(self.source, token) if token.type == "STRING" else ()

    def _given_up(self, recovery: Recovery, reason: Diagnostic) -> Parsed:
        diagnostics = (*recovery.diagnostics, reason)
        tree = ast.Ast(self.source, ())
        return Parsed(tree, diagnostics, frozenset(recovery.lost), whole=False)


def _takes(parser: InteractiveParser, token: Token) -> bool:
    try:
        parser.feed_token(token)
    except UnexpectedToken:
        return False
    return True
