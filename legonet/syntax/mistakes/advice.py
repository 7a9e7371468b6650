"""Help for a token that cannot appear where it does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lark import Token

from legonet.diagnostics import SourceText, did_you_mean
from legonet.syntax.mistakes.repair import is_invisible
from legonet.syntax.tokens import CLOSING, LINE_END, STATEMENT_STARTS

STATEMENTS = ("import", "let", "for", "data", "network", "category", "task", "adapter", "path")

_FORMS = {
    "import": '`import "FILE"` or `import "FILE" as NAME`',
    "let": "`let NAME = VALUE`",
    "for": "`for NAME in [..] { .. }`",
    "data": "`data NAME { .. }`",
    "network": "`network NAME { .. }`",
    "category": "`category NAME { .. }`",
    "task": "`task NAME { .. }`",
    "adapter": "`adapter CATEGORY -> TASK { .. }`",
    "path": "`path NAME = CATEGORY -> TASK` or `path NAME = [CATEGORY, ..] -> TASK`",
}
_OF_OTHER_LANGUAGES = {
    **dict.fromkeys(("const", "var", "def", "set", "local", "val", "define"), "let"),
    **dict.fromkeys(("from", "include", "require", "use", "load", "using"), "import"),
    **dict.fromkeys(("loop", "repeat", "while"), "for"),
    **dict.fromkeys(("model", "net", "module"), "network"),
    **dict.fromkeys(("edge", "connect", "join"), "adapter"),
    **dict.fromkeys(("source", "images"), "data"),
}
_CLOSED_BY = {"LPAR": ")", "LSQB": "]"}
_CONDITIONS = frozenset({"if", "else", "elif", "elseif", "endif", "unless", "when", "switch"})
_QUOTES = frozenset(
    "'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{DOUBLE LOW-9 QUOTATION MARK}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
)
_BY_TEXT = (
    (re.compile(r"(<<<<<<<|=======|>>>>>>>)"), "keep one side of this merge conflict"),
    (re.compile(r"//|/\*|--(?!>)"), "a comment begins with `#`"),
    (re.compile(r"\.{0,2}/"), "put a path in quotes"),
    (re.compile(r"[+*%]"), "values are not computed; use `${name}` in a string to join strings"),
)


def for_unknown_statement(word: str, after: str) -> tuple[str, ...]:
    """Return help for a word that does not begin a statement.

    Args:
        word: The word.
        after: The kind of the token after it.
    """
    if word in _CONDITIONS:
        return ("a spec has no conditions; use lists and loops for what differs",)
    if word in _OF_OTHER_LANGUAGES:
        return (f"write {_FORMS[_OF_OTHER_LANGUAGES[word]]}",)
    if after == "EQUAL":
        return (f"a constant is written `let {word} = ..`",)
    if after == "LBRACE":
        return (f"a block begins with what it declares, such as `network {word} {{ .. }}`",)
    return did_you_mean(word, STATEMENTS, "statement") or (
        "statements are: " + ", ".join(STATEMENTS),
    )


def advice(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    expected: set[str],
    opening: Token | None,
) -> tuple[str, ...]:
    """Return help for a token where the grammar expects another one.

    Args:
        source: The text.
        tokens: All of its tokens.
        position: The position of the token that is not allowed there.
        expected: The kinds of tokens that are allowed.
        opening: The innermost open bracket, if any.
    """
    token = tokens[position]
    found = (
        _by_text(source, token, in_block=opening is None or opening.type == "LBRACE")
        or _by_bracket(source, tokens, position, expected, opening)
        or _by_kind(tokens, position, expected, opening)
        or _by_statement(source, tokens, position, expected, opening)
    )
    return (found,) if found else ()


def _by_text(source: SourceText, token: Token, *, in_block: bool) -> str | None:
    if token.type == "STRANGE" and is_invisible(token):
        again = source.text.find(str(token), token.end_pos or 0) > 0
        where = "here and wherever else it occurs" if again else "here"
        return f"replace it {where} with a plain space, or remove it: this character is invisible"
    if source.text.startswith("```", token.start_pos or 0):
        return "leave out the lines with ```"
    if token.type == "STRANGE" and str(token) in _QUOTES:
        return 'put a string in straight double quotes: `".."`'
    if str(token) == ";" and in_block:
        return "a statement ends at the end of its line; separate fields with commas"
    for pattern, text in _BY_TEXT:
        if token.type in ("STRANGE", "EQUAL", "DOT") and pattern.match(
            source.text, token.start_pos or 0
        ):
            return text
    return None


def _by_bracket(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    expected: set[str],
    opening: Token | None,
) -> str | None:
    """Name the bracket that was left open, if a new line or block follows."""
    kind = tokens[position].type
    if opening is None or opening.type == "LBRACE" or not {"RSQB", "RPAR"} & expected:
        return None
    line = source.position(opening.start_pos or 0)[0]
    ends = kind in STATEMENT_STARTS | {"RBRACE", LINE_END}
    if ends or line != source.position(tokens[position].start_pos or 0)[0]:
        return f"the `{opening}` on line {line} is not closed"
    if kind in CLOSING:
        closing = _CLOSED_BY[opening.type]
        return f"the `{opening}` before it must be closed first, with a `{closing}`"
    return None


def _by_kind(
    tokens: Sequence[Token], position: int, expected: set[str], opening: Token | None
) -> str | None:
    token = tokens[position]
    kind = token.type
    before = tokens[position - 1].type if position else LINE_END
    in_call = opening is not None and opening.type == "LPAR"
    in_brackets = opening is not None and opening.type != "LBRACE"
    following = tokens[position + 1].type if position + 1 < len(tokens) else ""
    if {"COLON", "LBRACE"} <= expected and following == "COLON":
        return f"put a block's fields in braces: `{tokens[position - 1]} {{ .. }}`"
    if "COLON" in expected and kind in ("EQUAL", "NAME", "STRING", "INTEGER", "DECIMAL"):
        noun = "an argument's" if in_call else "a field's"
        if kind == "EQUAL" or not in_call:
            return f"{noun} value comes after a colon: `name: value`"
    if kind in ("STRING", "LBRACE", "LSQB") and before == "NAME" and "LPAR" in expected:
        return f"put a call's arguments in parentheses: `{tokens[position - 1]}(..)`"
    if kind in ("NAME", "KEYWORD") and "RBRACE" in expected and "COMMA" in expected:
        return "put each field on its own line, or separate fields with commas"
    if kind == "COMMA" and before == "RBRACE" and LINE_END in expected:
        return "put each statement on its own line, without commas"
    if kind == "INTEGER" and before == "COMMA" and "RBRACE" in expected:
        return "a number is written without commas: `1000`"
    if kind == "COMMA" and LINE_END in expected and not expected & {"AS", "RBRACE"}:
        return "write a list in square brackets: `[..]`"
    if in_brackets and "COMMA" in expected and kind not in ("RPAR", "RSQB"):
        return "separate values and arguments with commas"
    if kind == "LBRACE" and before == "COLON":
        return f"write a block without a colon: `{tokens[position - 2]} {{ .. }}`"
    if kind == "LBRACE" and before == LINE_END:
        return "put a block's `{` on the same line as its statement"
    if kind == "LBRACE" and "LSQB" in expected:
        return "write a list in square brackets: `[..]`"
    if kind == "LPAR" and "LSQB" in expected:
        return "write a list in square brackets: `[..]`"
    if kind == "STRING" and "NAME" in expected:
        return "write a name without quotes"
    if kind in STATEMENT_STARTS and "NAME" in expected and before != LINE_END:
        return f"`{token}` is a word of the language and cannot be a name here"
    if kind in STATEMENT_STARTS and LINE_END in expected:
        return "put each statement on its own line"
    if kind == LINE_END and [str(item) for item in tokens[position + 1 : position + 2]] == ["-"]:
        return "write a list in square brackets: `[..]`"
    if kind == LINE_END and before in ("EQUAL", "COLON"):
        return "a value goes on the same line as its name"
    if kind == "RBRACE" and opening is None:
        return "no block is open here"
    return None


def _by_statement(
    source: SourceText,
    tokens: Sequence[Token],
    position: int,
    expected: set[str],
    opening: Token | None,
) -> str | None:
    """Show how to write a statement whose first line cannot be read."""
    if opening is not None and opening.type != "LBRACE":
        return None
    line = source.text.rfind("\n", 0, tokens[position].start_pos or 0)
    if tokens[position].type == LINE_END and "RBRACE" not in expected:
        position -= 1
        line = source.text.rfind("\n", 0, tokens[position].start_pos or 0)
    first = position
    while (
        first and (tokens[first - 1].start_pos or 0) > line and tokens[first - 1].type != LINE_END
    ):
        first -= 1
        if tokens[first].type == "LBRACE":
            return None
    word = str(tokens[first])
    if tokens[first].type not in STATEMENT_STARTS or expected >= {"STRING", "NAME"}:
        return None
    return f"write {_FORMS[word]}" if word in _FORMS else None
