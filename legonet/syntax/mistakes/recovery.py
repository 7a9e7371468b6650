"""Takes a parser past a mistake, so that one mistake causes one error."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lark import Token, Tree
from lark.parsers.lalr_interactive_parser import InteractiveParser

from legonet.diagnostics import Diagnostic, SourceText
from legonet.syntax import ast
from legonet.syntax.mistakes import messages
from legonet.syntax.mistakes.braces import indentation, line_start, surplus_brace, unclosed_brace
from legonet.syntax.mistakes.lookahead import accepted_by, takes
from legonet.syntax.mistakes.repair import find_repair, is_invisible
from legonet.syntax.mistakes.surroundings import Surroundings
from legonet.syntax.mistakes.words import BrokenWord, broken_word
from legonet.syntax.tokens import CLOSING, LINE_END, OPENING, STATEMENT_STARTS

FARTHEST = 100_000
"""Characters after a mistake in which its end is searched for."""

MOST_REPEATED = 1_000
"""How often a mistake is skipped silently because it was reported before, at most."""

MOST_RESTARTS = 8
"""How often a text is read again with its braces repaired, at most."""

_BEHIND_STATEMENT_WORD = {
    "KEYWORD": frozenset({"LBRACE"}),
    "IMPORT": frozenset({LINE_END, "AS"}),
    "LET": frozenset({"EQUAL"}),
    "FOR": frozenset({"IN"}),
    "ADAPTER": frozenset({"ARROW", "DOT"}),
    "PATH": frozenset({"EQUAL"}),
}
"""What may follow a statement's first word and name, but never those of a field."""

_REPEATED = frozenset(
    {
        LINE_END,
        "COMMANAME",
        "COMMASTRING",
        "COMMAINTEGER",
        "COMMADECIMAL",
        "COLONEQUAL",
        "NAMESTRING",
    }
)
"""Changes that are often needed several times on a line for the same reason."""


class Recovery:
    """Reports the mistakes in one text and finds where reading can continue.

    Args:
        source: The text.
        tokens: All of its tokens.
        parser: The parser, which has accepted the tokens before a mistake.

    Attributes:
        diagnostics: The mistakes so far.
        lost: Words in the passages that were skipped.
        lost_any: Whether these passages may have declared names that are not known.
    """

    def __init__(self, source: SourceText, tokens: list[Token], parser: InteractiveParser) -> None:
        self._source = source
        self._tokens = tokens
        self._at = Surroundings(source, tokens)
        self._parser = parser
        self.diagnostics: list[Diagnostic] = []
        self.lost: set[str] = set()
        self.lost_any = False
        self._mended: list[Diagnostic] = []
        self._restarts = 0
        self._repeated = 0
        self._told: set[tuple[str, str]] = set()
        if source.text.count("{") != source.text.count("}"):
            self._balance()
            self.diagnostics += self._mended

    def go_on(self, position: int, bad: Diagnostic | None) -> int:
        """Report a mistake and return the position of the token to continue with.

        Args:
            position: The position of the token that is not allowed there.
            bad: The diagnostic for it, if it is wrong in any position.
        """
        if self._is_put_in(position):
            return position + 1 + self._is_put_in(position + 1, LINE_END)
        expected = accepted_by(self._parser)
        opened = self.open_brackets()
        if bad is not None:
            self.diagnostics.append(bad)
            return self._pass_over(position, expected)
        if self._repeated < MOST_REPEATED and self._lost_line_end(position, expected):
            self._repeated += 1
            self._feed(LINE_END, self._tokens[position])
            return position
        if self._statement_in_block(position, expected):
            return self._leave_block(position, opened[-1])
        going_on = self._mend(position, expected)
        if going_on is not None:
            return going_on
        word = broken_word(self._source, self._tokens[position], expected)
        if word is not None:
            return self._pass_word(position, word)
        innermost = opened[-1] if opened else None
        report = messages.unexpected(self._source, self._tokens, position, expected, innermost)
        return self._repaired(position, report, expected, innermost)

    def _is_put_in(self, position: int, kind: str = "RBRACE") -> bool:
        """Whether a token is not in the text, but was inserted to close a block."""
        return self._at.kind(position) == kind and not self._tokens[position]

    def _repaired(
        self, position: int, report: Diagnostic, expected: set[str], innermost: Token | None
    ) -> int:
        token = self._tokens[position]
        if "LBRACE" in expected and self._lacks_brace(position):
            self.diagnostics.append(report)
            self._feed("LBRACE", token)
            return position + (token.type == LINE_END)
        if LINE_END in expected and self._lacks_line_end(position):
            self._report_once(report, position, LINE_END)
            self._feed(LINE_END, token)
            return self._go_on_at(position)
        if self._leaves_brackets(position, expected, innermost):
            self.diagnostics.append(report)
            self._unwind()
            return self._go_on_at(position)
        repair = find_repair(
            self._source, self._tokens, position, self._parser, expected, innermost
        )
        self.lost_any = self.lost_any or self._at.first_on_line(position) == "FOR"
        if repair is not None:
            change = "".join(item.type for item in repair.feed) + token.type
            self._report_once(report, position, change)
            for item in repair.feed:
                self._parser.feed_token(item)
            return position + repair.drop
        self._report_once(report, position, "")
        if (
            token.type == "LBRACE"
            and self._at.kind(position - 1) == "COLON"
            and (self._at.kind(position + 1) == "RBRACE" or self._at.is_field(position + 1))
        ):
            self._drop_top()
            return position
        if token.type == "LBRACE" and self._at.kind(position - 1) == "LBRACE":
            return position + 1
        return self._pass_over(position, expected)

    def _pass_over(self, position: int, expected: set[str]) -> int:
        """Skip the line, the field or the block that cannot be read."""
        token = self._tokens[position]
        if "NAME" in expected and self._at.kind(position - 1) in ("KEYWORD", "LET", "PATH"):
            self.lost_any = True
        self._unwind()
        if token.type in STATEMENT_STARTS and self._at.begins_line(position):
            return position
        if token.type == "UNCLOSED_STRING":
            self._close_swallowed(token)
            position = self._at.end_of_string(position)
        start = token.start_pos or 0
        if self._source.text.startswith("/*", start):
            end = self._source.text.find("*/", start, start + FARTHEST)
            position = self._at.after(end + 2, position)
            return position + (end < 0 or self._at.kind(position) == LINE_END)
        self._drop_other_side(token)
        header = "LBRACE" in expected and "COLON" not in expected
        position = self._skip(position)
        while self._tokens[position : position + 1] == ["-"] and self._at.begins_line(position):
            position = self._skip(position)  # a list written with dashes
        return self._skip_fields(position) if header else position

    def _drop_other_side(self, token: Token) -> None:
        """Leave out the second side of a merge conflict, which usually repeats the first."""
        start = token.start_pos or 0
        if not self._source.text.startswith("<<<<<<<", start):
            return
        middle = self._source.text.find("\n=======", start, start + FARTHEST)
        end = self._source.text.find("\n>>>>>>>", max(start, middle), start + FARTHEST)
        if 0 < middle < end:
            end = self._source.text.find("\n", end + 1)
            first = self._at.after(middle + 1, 0)
            del self._tokens[first : self._at.after(end + 1, first) if end > 0 else None]

    def _pass_word(self, position: int, word: BrokenWord) -> int:
        """Report a broken word, and replace it with a name if one was clearly intended."""
        self.diagnostics.append(word.report)
        after = self._at.after(word.end, position)
        stack = self._parser.parser_state.value_stack
        if word.name is not None:
            begun = (
                stack
                and isinstance(stack[-1], Token)
                and stack[-1].end_pos == (self._tokens[position].start_pos)
            )
            if begun and stack[-1].type == "NAME":
                self._drop_top()
            name = Token("NAME", word.name, start_pos=word.start, end_pos=word.end)
            if takes(self._parser, ["NAME"]):
                self._parser.feed_token(name)
                self._lose(word.name)
                return after
        if self._at.kind(position - 1) in ("KEYWORD", "LET", "PATH") or self._in_header(position):
            self.lost_any = True
        self._unwind()
        if self._at.kind(after) == "UNCLOSED_STRING":
            self._close_swallowed(self._tokens[after])
        return self._skip(after)

    def _balance(self) -> None:
        """Insert the one `}` that is missing, if the indentation tells where it belongs."""
        kinds = [token.type for token in self._tokens]
        doubled = ("LBRACE", "LBRACE") in pairwise(kinds)
        if "STRANGE" in kinds or "UNCLOSED_STRING" in kinds or doubled:
            return  # these mistakes explain the brace better
        if kinds.count("LBRACE") - kinds.count("RBRACE") == 1:
            self._put_in_brace()

    def _put_in_brace(self) -> None:
        found = unclosed_brace(self._source, self._tokens)
        if found is None:
            return
        opening, position = found
        token = self._tokens[position]
        self._mended.append(messages.unclosed(self._source, opening, token))
        place = token.start_pos
        kinds = ["RBRACE"] if token.type == "RBRACE" else ["RBRACE", LINE_END]
        self._tokens[position:position] = [
            Token(kind, "", start_pos=place, end_pos=place) for kind in kinds
        ]

    def _mend(self, position: int, expected: set[str]) -> int | None:
        """Repair a block's braces and read the text again; None if they are not the problem."""
        token = self._tokens[position]
        if token.type == "RBRACE" and not self.open_brackets() and not self._restarts:
            surplus = surplus_brace(self._source, self._tokens)
            if surplus is not None:
                return self._leave_out_brace(surplus)
        if not messages.begins_statement(expected):
            return None
        if self._at.is_field(position):
            return self._field_alone(position)
        restarts = self._restarts < MOST_RESTARTS
        if token.type == "LBRACE" and self._bare_adapter_before() and restarts:
            report = messages.unexpected(self._source, self._tokens, position, expected, None)
            del self._tokens[position - 1]
            return self._start_over(report)
        return None

    def _leave_out_brace(self, position: int) -> int:
        report = messages.surplus(self._source, self._tokens[position])
        alone = self._at.kind(position - 1) in (LINE_END, "LBRACE", "COMMA")
        del self._tokens[position : position + 1 + alone]
        return self._start_over(report)

    def _field_alone(self, position: int) -> int:
        report = messages.field_alone(self._source, self._tokens[position])
        if self._bare_adapter_before() and self._restarts < MOST_RESTARTS:
            place = self._tokens[position - 1].start_pos
            self._tokens[position - 1] = Token("LBRACE", "", start_pos=place, end_pos=place)
            return self._start_over(report)
        self.diagnostics.append(report)
        return self._skip_fields(position)

    def _bare_adapter_before(self) -> bool:
        """Whether the parser last accepted an adapter without a body, and the end of its line."""
        stack = self._parser.parser_state.value_stack
        before = stack[-2] if len(stack) > 1 else None
        while isinstance(before, Tree) and before.children:
            before = before.children[-1]
        return isinstance(before, ast.Adapter) and before.fields is None

    def _start_over(self, report: Diagnostic) -> int:
        self._restarts += 1
        self._mended.append(report)
        self.diagnostics[:] = self._mended
        self.lost.clear()
        self.lost_any = False
        self._told.clear()
        state = self._parser.parser_state
        del state.state_stack[1:]
        state.value_stack.clear()
        return 0

    def close_at_end(self) -> None:
        """Close the blocks that are still open after the last token."""
        self._unwind()
        braces = [token for token in self.open_brackets() if token.type == "LBRACE"]
        if braces:
            self.diagnostics.append(messages.unclosed(self._source, braces[-1]))
        for _ in braces:
            self._close_block(len(self._source.text))

    def open_brackets(self) -> list[Token]:
        """Return the open brackets, outermost first."""
        opened: list[Token] = []
        for item in self._parser.parser_state.value_stack:
            if isinstance(item, Token) and item.type in OPENING:
                opened.append(item)
            elif isinstance(item, Token) and item.type in CLOSING:
                opened.pop()  # of a call or list that is complete but not assembled yet
        return opened

    def _statement_in_block(self, position: int, expected: set[str]) -> bool:
        """Whether a statement began with the previous token although a block is still open."""
        if position < 1 or "COLON" not in expected or not self._at.begins_line(position - 1):
            return False
        kinds = [self._at.kind(position + offset) for offset in (-1, 0, 1)]
        return kinds[1] in ("NAME", "STRING") and kinds[2] in _BEHIND_STATEMENT_WORD.get(
            kinds[0], ()
        )

    def _leave_block(self, position: int, opening: Token) -> int:
        """Close the block before a statement, or skip a statement that was put inside it."""
        first = self._tokens[position - 1]
        if indentation(self._source, first) > indentation(self._source, opening):
            report = messages.statement_inside(self._source, first, opening)
            self.diagnostics.append(report)
            self._unwind()
            return self._skip(position)
        self.diagnostics.append(messages.unclosed(self._source, opening, before=first))
        self._unwind()
        self._close_block(first.start_pos or 0)
        return position - 1

    def _lost_line_end(self, position: int, expected: set[str]) -> bool:
        """Whether the preceding line end was dropped because a bracket was not closed."""
        return (
            LINE_END in expected
            and self._at.kind(position) in STATEMENT_STARTS | {"NAME"}
            and self._at.kind(position - 1) != LINE_END
            and self._at.begins_line(position)
        )

    def _leaves_brackets(self, position: int, expected: set[str], innermost: Token | None) -> bool:
        """Whether what comes next no longer belongs to the list or call that is still open."""
        if innermost is None or innermost.type == "LBRACE" or not {"RPAR", "RSQB"} & expected:
            return False
        if self._at.kind(position) in ("RBRACE", LINE_END):
            return True
        begins = self._at.begins_line(position)
        block = self._at.kind(position + 1) in ("COLON", "LBRACE")
        return begins and (self._at.kind(position) in STATEMENT_STARTS or block)

    def _report_once(self, report: Diagnostic, position: int, change: str) -> None:
        """Report a mistake unless the same change was needed earlier on its line."""
        line = line_start(self._source, self._tokens[position])
        token = self._tokens[position]
        everywhere = token.type == "STRANGE" and (is_invisible(token) or str(token) == "`")
        told = ("", str(token)) if everywhere else (change, str(line))
        if told in self._told and self._repeated < MOST_REPEATED:
            self._repeated += 1
        else:
            self.diagnostics.append(report)
        if change in _REPEATED or everywhere:
            self._told.add(told)

    def _in_header(self, position: int) -> bool:
        return self._at.first_on_line(position) in ("KEYWORD", "LET", "PATH") and not any(
            token.type == "LBRACE" for token in self._tokens[max(0, position - 3) : position]
        )

    def _lacks_line_end(self, position: int) -> bool:
        """Whether a line end is missing here, between a complete item and the next one."""
        return (
            self._at.kind(position - 1) == "RBRACE"
            or self._at.is_field(position)
            or (self._at.kind(position) in STATEMENT_STARTS and not self._in_fields())
        )

    def _lacks_brace(self, position: int) -> bool:
        """Whether fields begin here although no brace opened their block."""
        if self._at.kind(position) == LINE_END:
            loop = self._at.first_on_line(position) == "FOR"
            begins = self._at.kind(position + 1) in STATEMENT_STARTS
            return self._at.is_field(position + 1) or (loop and begins)
        doubled = self._tokens[position] == self._tokens[position - 1]
        return self._at.is_field(position) and not doubled and self._at.closes_on_line(position)

    def _in_fields(self) -> bool:
        return any(token.type == "LBRACE" for token in self.open_brackets()) and (
            "COMMA" in accepted_by(self._parser)
        )

    def _go_on_at(self, position: int) -> int:
        if self._at.kind(position) in accepted_by(self._parser):
            return position
        return self._skip(position)

    def _feed(self, kind: str, before: Token) -> None:
        place = before.start_pos
        self._parser.feed_token(Token(kind, "", start_pos=place, end_pos=place))

    def _close_block(self, place: int) -> None:
        for kind in ("RBRACE", LINE_END):
            self._parser.feed_token(Token(kind, "", start_pos=place, end_pos=place))

    def _close_swallowed(self, string: Token) -> None:
        """Close the blocks whose braces were swallowed by an unclosed string."""
        opened = sum(token.type == "LBRACE" for token in self.open_brackets())
        for _ in range(min(opened, string.count("}") - string.count("{"))):
            self._close_block(string.start_pos or 0)

    def _drop_top(self) -> None:
        state = self._parser.parser_state
        state.value_stack.pop()
        state.state_stack.pop()

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
            kind = self._at.kind(position)
            if kind == "RBRACE" and not braces and "RBRACE" in accepted:
                break
            position += 1
            braces = max(0, braces + (kind == "LBRACE") - (kind == "RBRACE"))
            if braces or kind == "RBRACE":
                continue
            if kind == LINE_END:
                break
            parentheses += (kind in OPENING) - (kind in CLOSING)
            if parentheses < 0:  # closes what was opened before the mistake
                parentheses = comma = 0
            if kind == "COMMA" and not parentheses and not comma and "AS" in accepted:
                comma = position
        end = comma or position
        for token in self._tokens[start:end]:
            if token.type == "NAME":
                self._lose(token)
        return end

    def _skip_fields(self, position: int) -> int:
        """Return where fields outside any block end, including their closing brace."""
        begun = position
        while self._at.is_field(position):
            position = self._skip(position)
        if position > begun and self._at.kind(position) == "RBRACE" and self._own_brace(position):
            position += 1
            if self._at.kind(position) == LINE_END:
                position += 1
        return position

    def _own_brace(self, position: int) -> bool:
        """Whether a `}` closes the fields before it, and not the block around them."""
        around = self.open_brackets()
        if not around:
            return True
        brace = self._tokens[position]
        return indentation(self._source, brace) != indentation(self._source, around[-1])

    def _lose(self, word: str) -> None:
        self.lost.add(str(word))
        self.lost_any = self.lost_any or "${" in word


def _names(dropped: object) -> Iterator[str]:
    """Yield the names in a node that the parser had assembled and has to discard."""
    match dropped:
        case Token(type="NAME"):
            yield str(dropped)
        case ast.Word():
            yield dropped.text
        case ast.Block() | ast.Let() | ast.Path():
            yield dropped.name.text
