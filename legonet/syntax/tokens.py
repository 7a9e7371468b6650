"""The tokens that the grammar's rules see."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

LINE_END = "_LINE_END"
OPENING = frozenset({"LPAR", "LSQB", "LBRACE"})
CLOSING = frozenset({"RPAR", "RSQB", "RBRACE"})
STATEMENT_STARTS = frozenset({"KEYWORD", "IMPORT", "LET", "FOR", "ADAPTER", "PATH"})


class Separators(PostLex):
    """Drops the line ends that separate nothing, and ends the last line.

    Line ends inside ``( )`` and ``[ ]`` mean nothing, and neither do those after ``{``, ``,`` or
    another line end. A brace closes any parenthesis that was left open, to keep one mistake small.
    """

    always_accept = ("UNCLOSED_STRING", "STRANGE")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Pass on the tokens that the rules see."""
        open_parentheses = 0
        previous = Token(LINE_END, "", start_pos=0, end_pos=0)
        for token in stream:
            kind = token.type
            if kind == LINE_END:
                if open_parentheses or previous.type in (LINE_END, "LBRACE", "COMMA"):
                    continue
            elif kind in ("LBRACE", "RBRACE") or _swallowed(token, "{", "}") > 0:
                open_parentheses = 0
            elif kind == "UNCLOSED_STRING":
                swallowed = _swallowed(token, "(", ")") + _swallowed(token, "[", "]")
                open_parentheses = max(0, open_parentheses - swallowed)
            elif kind in OPENING:
                open_parentheses += 1
            elif kind in CLOSING and open_parentheses:
                open_parentheses -= 1
            previous = token
            yield token
        in_block = previous.type in ("LBRACE", "COMMA") and not open_parentheses
        if previous.type != LINE_END and not in_block:
            end = previous.end_pos
            yield Token(LINE_END, "", start_pos=end, end_pos=end)


def _swallowed(token: Token, opening: str, closing: str) -> int:
    """Return how many closing brackets an unclosed string has swallowed."""
    if token.type != "UNCLOSED_STRING":
        return 0
    return token.count(closing) - token.count(opening)
