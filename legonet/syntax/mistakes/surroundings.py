"""The tokens around a token."""

from __future__ import annotations

from lark import Token

from legonet.diagnostics import SourceText
from legonet.syntax.tokens import CLOSING, LINE_END, STATEMENT_STARTS


class Surroundings:
    """Answers questions about the tokens of a text, by their positions.

    Args:
        source: The text.
        tokens: Its tokens; they may change.
    """

    def __init__(self, source: SourceText, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens

    def kind(self, position: int) -> str:
        """Return a token's kind; empty before the first token and after the last one."""
        return self._tokens[position].type if 0 <= position < len(self._tokens) else ""

    def begins_line(self, position: int) -> bool:
        """Whether a token is the first one on its line."""
        before = self._tokens[position - 1].end_pos or 0 if position else 0
        between = self._source.text[before : self._tokens[position].start_pos]
        return position == 0 or self.kind(position - 1) == LINE_END or "\n" in between

    def first_on_line(self, position: int) -> str:
        """Return the kind of the first token on a token's line."""
        while not self.begins_line(position):
            position -= 1
        return self.kind(position)

    def closes_on_line(self, position: int) -> bool:
        """Whether a `}` follows before a `{` and before the end of the line."""
        for token in self._tokens[position:]:
            if token.type in (LINE_END, "LBRACE", "RBRACE"):
                return token.type == "RBRACE"
        return False

    def is_field(self, position: int) -> bool:
        """Whether a field's name and its colon begin here."""
        words = STATEMENT_STARTS | {"NAME", "AS", "IN"}
        return self.kind(position) in words and self.kind(position + 1) == "COLON"

    def end_of_string(self, position: int) -> int:
        """Return the position of the quote that ends a string some lines below, if there is one."""
        after = position + 1
        while self.kind(after) != "UNCLOSED_STRING":
            begins = self.is_field(after) or self.kind(after) in STATEMENT_STARTS | CLOSING
            if self.kind(after) == "" or (begins and self.begins_line(after)):
                return position
            after += 1
        return after if str(self._tokens[after]) == '"' else position

    def after(self, offset: int, position: int) -> int:
        """Return the position of the first token, from a given one on, at or after an offset.

        Args:
            offset: The offset, in characters.
            position: The position of the token to begin with.
        """
        while position < len(self._tokens) and (self._tokens[position].start_pos or 0) < offset:
            position += 1
        return position
