"""Text to an Ast, with all the syntax errors of the text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lark import Token, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from legonet.diagnostics import Diagnostic, SourceText
from legonet.syntax import ast, mistakes
from legonet.syntax.builder import AstBuilder
from legonet.syntax.grammar import compile_grammar
from legonet.syntax.tokens import CLOSING, LINE_END, OPENING, STATEMENT_STARTS

if TYPE_CHECKING:
    from lark import Lark


@dataclass(frozen=True)
class Parsed:
    """A text's tree with its syntax errors.

    Args:
        ast: What could be read.
        diagnostics: The syntax errors.
        lost: Words in the passages that could not be read; to miss what they may have declared
            would be a second error that only follows from the first.
        whole: Whether the text was read to its end.
    """

    ast: ast.Ast
    diagnostics: tuple[Diagnostic, ...]
    lost: frozenset[str]
    whole: bool = True


@cache
def _compiled() -> tuple[Lark, AstBuilder]:
    builder = AstBuilder()
    return compile_grammar(builder), builder


def parse(source: SourceText) -> Parsed:
    """Parse a whole spec; a mistake spoils its own line or block and nothing else."""
    lark, builder = _compiled()
    with builder.reading(source):
        return _Run(source, lark).spec()


def parse_value(source: SourceText) -> ast.Value | None:
    """Parse a single value, as on the command line; None where the text is none."""
    lark, builder = _compiled()
    with builder.reading(source):
        return _Run(source, lark).value()


class _Run:
    """One pass over one text."""

    def __init__(self, source: SourceText, lark: Lark) -> None:
        self.source = source
        self.lark = lark
        self.tokens = list(lark.lex(source.text))
        self.diagnostics: list[Diagnostic] = []
        self.lost: set[str] = set()

    def value(self) -> ast.Value | None:
        parser = self.lark.parse_interactive(start="value")
        depth = 0
        for token in self.tokens:
            depth += (token.type in OPENING) - (token.type in CLOSING)
            if token.type == LINE_END:
                continue
            if mistakes.bad_token(self.source, token, depth):
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
        parser = self.lark.parse_interactive(start="spec")
        position = depth = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            depth += (token.type in OPENING) - (token.type in CLOSING)
            bad = mistakes.bad_token(self.source, token, depth)
            if bad and bad.code == mistakes.TOO_DEEP:
                return self._given_up(bad)
            if len(self.diagnostics) >= mistakes.MOST_MISTAKES:
                return self._given_up(mistakes.too_many(self.source, token))
            if bad is None:
                try:
                    parser.feed_token(token)
                except UnexpectedToken:
                    pass
                else:
                    position += 1
                    continue
            position = self._recover(parser, position, bad)
            depth = sum(token.type in OPENING for token in _tokens_on(parser))
        tree = self._end(parser)
        return Parsed(tree, tuple(self.diagnostics), frozenset(self.lost))

    def _given_up(self, reason: Diagnostic) -> Parsed:
        tree = ast.Ast(self.source, ())
        diagnostics = (*self.diagnostics, reason)
        return Parsed(tree, diagnostics, frozenset(self.lost), whole=False)

    def _end(self, parser: InteractiveParser) -> ast.Ast:
        end = len(self.source.text)
        unclosed = [token for token in _tokens_on(parser) if token.type == "LBRACE"]
        if unclosed:
            self.diagnostics.append(mistakes.unclosed(self.source, unclosed[-1]))
        for _ in unclosed:
            _close_block(parser, end)
        tree: Any = parser.feed_eof()  # type: ignore[no-untyped-call]
        return tree if isinstance(tree, ast.Ast) else ast.Ast(self.source, ())

    def _recover(self, parser: InteractiveParser, position: int, bad: Diagnostic | None) -> int:
        """Report a mistake, take the parser back to where a line may begin, find that line."""
        token = self.tokens[position]
        expected = _accepted(parser)
        opened = [item for item in _tokens_on(parser) if item.type in OPENING]
        if bad is None and self._next_statement(position, expected):
            before = self.tokens[position - 1]
            self.diagnostics.append(mistakes.unclosed(self.source, opened[-1], before=before))
            self._unwind(parser)
            _close_block(parser, before.start_pos or 0)
            return position - 1
        innermost = opened[-1] if opened else None
        self.diagnostics.append(bad or mistakes.unexpected(self.source, token, expected, innermost))
        accepted = self._unwind(parser)
        if bad is None and token.type in STATEMENT_STARTS and self._begins_line(position):
            return position
        if token.type == "UNCLOSED_STRING":
            self._close_swallowed(parser, token)
            accepted = _accepted(parser)
        return self._skip(position, accepted)

    def _begins_line(self, position: int) -> bool:
        start = self.tokens[position].start_pos or 0
        end = self.tokens[position - 1].end_pos or 0
        return position > 0 and "\n" in self.source.text[end:start]

    def _close_swallowed(self, parser: InteractiveParser, string: Token) -> None:
        """Close the blocks whose braces stand behind a missing quote, inside of the string."""
        opened = sum(item.type == "LBRACE" for item in _tokens_on(parser))
        for _ in range(min(opened, string.count("}") - string.count("{"))):
            _close_block(parser, string.start_pos or 0)

    def _next_statement(self, position: int, expected: set[str]) -> bool:
        """Whether a statement begins here although a block is still open."""
        return (
            position >= 2
            and "COLON" in expected
            and self.tokens[position].type in ("NAME", "STRING")
            and self.tokens[position - 1].type in STATEMENT_STARTS
            and (
                self.tokens[position - 2].type in (LINE_END, "LBRACE", "COMMA")
                or self._begins_line(position - 1)
            )
        )

    def _unwind(self, parser: InteractiveParser) -> set[str]:
        state = parser.parser_state
        while True:
            accepted = _accepted(parser)
            if accepted >= STATEMENT_STARTS and "STRING" not in accepted:
                return accepted
            dropped = state.value_stack.pop()
            state.state_stack.pop()
            if isinstance(dropped, Token) and dropped.type == "NAME":
                self.lost.add(str(dropped))
            elif isinstance(dropped, ast.Word):
                self.lost.add(dropped.text)

    def _skip(self, position: int, accepted: set[str]) -> int:
        separators = (LINE_END, "COMMA") if "AS" in accepted else (LINE_END,)
        braces = parentheses = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            kind = token.type
            if kind == "LBRACE":
                braces += 1
            elif kind == "RBRACE":
                if not braces and "RBRACE" in accepted:
                    return position
                braces -= braces > 0
            elif not braces and kind in (separators if not parentheses else (LINE_END,)):
                return position + 1
            elif kind == "NAME":
                self.lost.add(str(token))
            parentheses += (kind in ("LPAR", "LSQB")) - (kind in ("RPAR", "RSQB"))
            position += 1
        return position


def _accepted(parser: InteractiveParser) -> set[str]:
    kinds: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    return kinds


def _tokens_on(parser: InteractiveParser) -> list[Token]:
    return [value for value in parser.parser_state.value_stack if isinstance(value, Token)]


def _close_block(parser: InteractiveParser, place: int) -> None:
    for kind in ("RBRACE", LINE_END):
        parser.feed_token(Token(kind, "", start_pos=place, end_pos=place))
