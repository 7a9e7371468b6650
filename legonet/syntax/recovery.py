"""Takes a parser past a mistake, so that one mistake makes one error."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.parsers.lalr_interactive_parser import InteractiveParser

from legonet.diagnostics import Diagnostic, SourceText
from legonet.syntax import ast, mistakes
from legonet.syntax.tokens import CLOSING, LINE_END, OPENING, STATEMENT_STARTS

_BEHIND_STATEMENT_WORD = {
    "KEYWORD": frozenset({"LBRACE"}),
    "IMPORT": frozenset({LINE_END, "AS"}),
    "LET": frozenset({"EQUAL"}),
    "FOR": frozenset({"IN"}),
    "ADAPTER": frozenset({"ARROW", "DOT"}),
    "PATH": frozenset({"EQUAL"}),
}
"""What stands behind a statement's first word and name, but never behind those of a field."""


class Recovery:
    """Reports the mistakes of one text and finds where reading can go on.

    Args:
        source: The text.
        tokens: All of its tokens.
        parser: The parser, which has taken the tokens in front of a mistake.

    Attributes:
        diagnostics: The mistakes so far.
        lost: Words in the passages that were passed over.
        lost_any: Whether these may have declared names that are not known.
    """

    def __init__(self, source: SourceText, tokens: list[Token], parser: InteractiveParser) -> None:
        self._source = source
        self._tokens = tokens
        self._parser = parser
        self.diagnostics: list[Diagnostic] = []
        self.lost: set[str] = set()
        self.lost_any = False

    def go_on(self, position: int, bad: Diagnostic | None) -> int:
        """Report a mistake and return the position of the token to go on with.

        Args:
            position: Of the token that cannot stand there.
            bad: What to say of it, if it is wrong wherever it stands.
        """
        token = self._tokens[position]
        expected = accepted_by(self._parser)
        opened = self.open_brackets()
        if bad is None and self._statement_in_block(position, expected):
            return self._close_open_block(position, opened[-1])
        if bad is None and _begins_statement(expected) and self._is_field(position):
            self.diagnostics.append(mistakes.field_alone(self._source, token))
            return self._skip_fields(position)
        innermost = opened[-1] if opened else None
        report = bad or mistakes.unexpected(self._source, token, expected, innermost)
        self.diagnostics.append(report)
        if bad is None and LINE_END in expected and self._lacks_line_end(position):
            self._feed(LINE_END, token)
            return self._go_on_at(position)
        if bad is None and "LBRACE" in expected and self._lacks_brace(position):
            self._feed("LBRACE", token)
            return position + (token.type == LINE_END)
        if token.type == "LBRACE" and self._kind(position - 1) == "LBRACE":
            return position + 1
        if "NAME" in expected and self._kind(position - 1) in ("KEYWORD", "LET", "PATH"):
            self.lost_any = True
        self._unwind()
        if bad is None and token.type in STATEMENT_STARTS and self._begins_line(position):
            return position
        if token.type == "UNCLOSED_STRING":
            self._close_swallowed(token)
        return self._skip(position + 2 * self._opens_interpolation(position))

    def close_at_end(self) -> None:
        """Close the blocks that are still open behind the last token."""
        braces = [token for token in self.open_brackets() if token.type == "LBRACE"]
        if braces:
            self.diagnostics.append(mistakes.unclosed(self._source, braces[-1]))
        for _ in braces:
            self._close_block(len(self._source.text))

    def open_brackets(self) -> list[Token]:
        """Return the brackets that are open, the outermost first."""
        stack = self._parser.parser_state.value_stack
        return [item for item in stack if isinstance(item, Token) and item.type in OPENING]

    def _statement_in_block(self, position: int, expected: set[str]) -> bool:
        """Whether a statement began with the token before although a block is still open."""
        if position < 1 or "COLON" not in expected or not self._begins_line(position - 1):
            return False
        kinds = [self._kind(position + offset) for offset in (-1, 0, 1)]
        return kinds[1] in ("NAME", "STRING") and kinds[2] in _BEHIND_STATEMENT_WORD.get(
            kinds[0], ()
        )

    def _close_open_block(self, position: int, opening: Token) -> int:
        first = self._tokens[position - 1]
        self.diagnostics.append(mistakes.unclosed(self._source, opening, before=first))
        self._unwind()
        self._close_block(first.start_pos or 0)
        return position - 1

    def _lacks_line_end(self, position: int) -> bool:
        """Whether a line end is missing here between what is whole and what begins."""
        return (
            self._kind(position - 1) == "RBRACE"
            or self._is_field(position)
            or (self._kind(position) in STATEMENT_STARTS and not self._in_fields())
        )

    def _lacks_brace(self, position: int) -> bool:
        """Whether fields begin here although no brace opened their block."""
        if self._kind(position) == LINE_END:
            loop = self._first_on_line(position) == "FOR"
            begins = self._kind(position + 1) in STATEMENT_STARTS
            return self._is_field(position + 1) or (loop and begins)
        doubled = self._tokens[position] == self._tokens[position - 1]
        return self._is_field(position) and not doubled and self._closes_on_line(position)

    def _opens_interpolation(self, position: int) -> bool:
        """Whether a ``${`` stands here that is never closed, so that its brace counts for none."""
        begins = str(self._tokens[position]) == "$" and self._kind(position + 1) == "LBRACE"
        return begins and not self._closes_on_line(position + 2)

    def _first_on_line(self, position: int) -> str:
        while not self._begins_line(position):
            position -= 1
        return self._kind(position)

    def _closes_on_line(self, position: int) -> bool:
        for token in self._tokens[position:]:
            if token.type in (LINE_END, "LBRACE", "RBRACE"):
                return token.type == "RBRACE"
        return False

    def _in_fields(self) -> bool:
        return any(token.type == "LBRACE" for token in self.open_brackets()) and (
            "COMMA" in accepted_by(self._parser)
        )

    def _is_field(self, position: int) -> bool:
        words = STATEMENT_STARTS | {"NAME", "AS", "IN"}
        return self._kind(position) in words and self._kind(position + 1) == "COLON"

    def _kind(self, position: int) -> str:
        return self._tokens[position].type if 0 <= position < len(self._tokens) else ""

    def _begins_line(self, position: int) -> bool:
        before = self._tokens[position - 1].end_pos or 0 if position else 0
        between = self._source.text[before : self._tokens[position].start_pos]
        return position == 0 or self._kind(position - 1) == LINE_END or "\n" in between

    def _go_on_at(self, position: int) -> int:
        if self._kind(position) in accepted_by(self._parser):
            return position
        return self._skip(position)

    def _feed(self, kind: str, before: Token) -> None:
        place = before.start_pos
        self._parser.feed_token(Token(kind, "", start_pos=place, end_pos=place))

    def _close_block(self, place: int) -> None:
        for kind in ("RBRACE", LINE_END):
            self._parser.feed_token(Token(kind, "", start_pos=place, end_pos=place))

    def _close_swallowed(self, string: Token) -> None:
        """Close the blocks whose braces stand behind a missing quote, inside of the string."""
        opened = sum(token.type == "LBRACE" for token in self.open_brackets())
        for _ in range(min(opened, string.count("}") - string.count("{"))):
            self._close_block(string.start_pos or 0)

    def _unwind(self) -> None:
        """Take the parser back to where a statement or a field may begin."""
        state = self._parser.parser_state
        while True:
            accepted = accepted_by(self._parser)
            if accepted >= STATEMENT_STARTS and "STRING" not in accepted:
                return
            for name in _names(state.value_stack.pop()):
                self._lose(name)
            state.state_stack.pop()

    def _skip(self, position: int) -> int:
        """Return where the line, the block or a single field ends."""
        accepted = accepted_by(self._parser)
        start, comma = position, 0
        braces = parentheses = 0
        while position < len(self._tokens):
            kind = self._kind(position)
            if kind == "RBRACE" and not braces and "RBRACE" in accepted:
                break
            position += 1
            braces = max(0, braces + (kind == "LBRACE") - (kind == "RBRACE"))
            if braces or kind == "RBRACE":
                continue
            if kind == LINE_END:
                break
            parentheses += (kind in OPENING) - (kind in CLOSING)
            if parentheses < 0:  # closes what was opened in front of the mistake
                parentheses = comma = 0
            if kind == "COMMA" and not parentheses and not comma and "AS" in accepted:
                comma = position
        end = comma or position
        for token in self._tokens[start:end]:
            if token.type == "NAME":
                self._lose(token)
        return end

    def _skip_fields(self, position: int) -> int:
        """Return where fields that stand in no block end, with their closing brace."""
        while self._is_field(position):
            position = self._skip(position)
        if self._kind(position) == "RBRACE" and "RBRACE" not in accepted_by(self._parser):
            position = self._skip(position)
        return position

    def _lose(self, word: str) -> None:
        self.lost.add(str(word))
        self.lost_any = self.lost_any or "${" in word


def accepted_by(parser: InteractiveParser) -> set[str]:
    """Return the kinds of tokens that may come next."""
    kinds: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    return kinds


def _begins_statement(expected: set[str]) -> bool:
    return expected >= STATEMENT_STARTS and "AS" not in expected


def _names(dropped: object) -> Iterator[str]:
    """Return the names in what the parser had put together and has to let go."""
    match dropped:
        case Token(type="NAME"):
            yield str(dropped)
        case ast.Word():
            yield dropped.text
        case ast.Block() | ast.Let() | ast.Path():
            yield dropped.name.text
