"""The comments of a text, which are not part of the Ast."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

_STRING_OR_COMMENT = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|(#[^\n]*)')


class Comments:
    """The comments of a text without syntax errors, to be taken one after another.

    Args:
        text: The whole text.
    """

    def __init__(self, text: str) -> None:
        found = [match for match in _STRING_OR_COMMENT.finditer(text) if match[1]]
        self._starts = [match.start() for match in found]
        self._texts = [match[1].rstrip() for match in found]
        self._taken = 0

    def within(self, start: int, end: int) -> bool:
        """Return whether a comment begins at or after ``start``, and before ``end``."""
        following = bisect_left(self._starts, start)
        return following < len(self._starts) and self._starts[following] < end

    def next_at(self, start: int) -> bool:
        """Return whether the next comment begins exactly at ``start``."""
        return self._taken < len(self._starts) and self._starts[self._taken] == start

    def take(self) -> tuple[int, str]:
        """Take the next comment; return where it begins and its text without trailing blanks."""
        taken = self._taken
        self._taken += 1
        return self._starts[taken], self._texts[taken]

    def take_before(self, end: int) -> Iterator[tuple[int, str]]:
        """Take the comments that begin before ``end``, as `take` does."""
        while self._taken < len(self._starts) and self._starts[self._taken] < end:
            yield self.take()
