"""The cases of the pages in ``docs/diagnostics``: specs, and what ``legonet check`` says of them.

A case is a section of a page. Its ``lego`` blocks are the files of a folder and its ``console``
block is a command in that folder, with the output. The paragraph above a block names the file:
```NAME`:`` or, where the block writes some bytes as Python does (``\\t``, ``\\xe9``),
```NAME`, with escapes:``. The file that the command checks needs no name above it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir

from filelock import FileLock
from markdown_it import MarkdownIt

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "diagnostics"
PAGES = sorted(FOLDER.glob("*.md"))

_FILE = re.compile(r"`([^`]+)`(, with escapes)?:")
_COMMAND = re.compile(r"\$ legonet check (--shapes )?(\S+)\n(.*)", re.DOTALL)


@dataclass
class Case:
    """A section of a page.

    Args:
        page: The page.
        title: The heading of the section.
        shapes: Whether ``--shapes`` is checked too, which needs torch.
        spec: The name of the file that is checked.
        shown: What the page says that is printed.
        files: The contents of each file by its name, the spec included.
    """

    page: Path
    title: str
    shapes: bool = False
    spec: str = ""
    shown: str = ""
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The page and the heading, for messages."""
        return f"{self.page.stem}: {self.title}"

    def write(self, folder: Path) -> None:
        """Write the files of the case into a folder."""
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def update(self, printed: str) -> None:
        """Replace what the page shows by what is printed; several processes may do so at once."""
        with FileLock(Path(gettempdir()) / f"{self.page.name}.lock"):
            text = self.page.read_text(encoding="utf-8")
            start = text.index(f"\n## {self.title}\n")
            start = text.index("\n", text.index("\n$ legonet check ", start) + 1) + 1
            assert text.startswith(self.shown, start)
            text = text[:start] + printed + text[start + len(self.shown) :]
            self.page.write_text(text, encoding="utf-8")


def cases_of(page: Path) -> list[Case]:
    """Return the cases of a page, from top to bottom.

    Raises:
        AssertionError: A section is not one spec, with the files that it needs, and one command.
    """
    cases: list[Case] = []
    name, escapes = "", False
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.tag == "h2":
            cases.append(Case(page, token.content))
        elif token.type == "inline" and (named := _FILE.fullmatch(token.content)):
            name, escapes = named[1], bool(named[2])
        elif token.type == "fence" and token.info == "lego":
            content = token.content.encode()
            if escapes:
                content = content.decode("unicode_escape").encode("latin-1")
            assert name not in cases[-1].files, f"{cases[-1].name}: two files of one name"
            cases[-1].files[name] = content
            name, escapes = "", False
        elif token.type == "fence":
            case = cases[-1]
            command = _COMMAND.fullmatch(token.content)
            assert command, f"{case.name}: expected `legonet check`, found {token.content!r}"
            assert not case.spec, f"{case.name}: two commands"
            case.shapes, case.spec, case.shown = bool(command[1]), command[2], command[3]
            if "" in case.files:
                case.files[case.spec] = case.files.pop("")
    for case in cases:
        assert case.spec, f"{case.name}: there is no command"
        assert case.spec in case.files, f"{case.name}: there is no {case.spec}"
    return cases
