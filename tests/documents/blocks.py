"""The code blocks of README.md and docs, as a reader of Markdown sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]

COMMENT = re.compile(r"<!-- (.+?) -->\s*", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        page: The file.
        line: Of its first line, counted from 1.
        language: The word after the opening fence.
        text: The text between the fences.
        mark: The text of an HTML comment directly before it.
        shown: The ``text`` block directly after it, where there is one.
    """

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    shown: str | None = None

    @property
    def name(self) -> str:
        """The page and the line, for messages."""
        return f"{page_name(self.page)}:{self.line}"

    @property
    def not_run(self) -> str | None:
        """Why it is not run, where the page says so."""
        return self.mark.removeprefix("not run: ") if self.mark.startswith("not run") else None

    @property
    def file(self) -> str | None:
        """The name of the file that the page shows in it."""
        return self._said("file")

    @property
    def wrong(self) -> str | None:
        """The code of the one mistake that a spec is shown for."""
        return self._said("wrong")

    def _said(self, word: str) -> str | None:
        said = re.search(rf"(?:^|, ){word}: (\S+?)(?:,|$)", self.mark)
        return said[1] if said else None


def page_name(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    return blocks_in(text, page)


def blocks_in(text: str, page: Path) -> list[Block]:
    """Return the blocks of a text of Markdown that is, or could be, in a page."""
    tokens = [Token("start", "", 0), *MarkdownIt().parse(text), Token("end", "", 0)]
    found = []
    for place, (before, token) in enumerate(pairwise(tokens), start=1):
        if token.type == "fence" and token.map is not None:
            comment = COMMENT.fullmatch(before.content) if before.type == "html_block" else None
            after = tokens[place + 1]
            shown = after.content if after.type == "fence" and after.info == "text" else None
            mark = comment[1] if comment else ""
            found.append(Block(page, token.map[0] + 2, token.info, token.content, mark, shown))
    return found
