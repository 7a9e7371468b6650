"""What a parser would accept next, determined without advancing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser


def accepted_by(parser: InteractiveParser) -> set[str]:
    """Return the kinds of tokens that may come next."""
    kinds = parser.parser_state.parse_conf.states[parser.parser_state.state_stack[-1]]
    return {kind for kind in kinds if kind.isupper() and takes(parser, [kind])}


def takes(parser: InteractiveParser, kinds: Sequence[str]) -> bool:
    """Whether the parser would accept tokens of these kinds, one after another."""
    state = parser.parser_state
    stack = list(state.state_stack)
    return all(_shifts(state.parse_conf.states, stack, kind) for kind in kinds)


def _shifts(table: Any, stack: list[Any], kind: str) -> bool:
    """Advance a stack of states by one token; False if the table has no move for it."""
    while True:
        action, argument = table[stack[-1]].get(kind, (None, None))
        if action is None:
            return False
        if action is Shift:
            stack.append(argument)
            return True
        del stack[len(stack) - len(argument.expansion) :]
        stack.append(table[stack[-1]][argument.origin.name][1])
