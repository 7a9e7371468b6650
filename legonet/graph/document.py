"""The texts behind a graph, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from legonet.diagnostics import SourceText
from legonet.spec import Loaded, Override, Spec

UNSAVED = "<unsaved graph>"
"""What a graph without a file is called."""


@dataclass(frozen=True)
class Document:
    """What a spec was read from.

    Args:
        path: The one true path of the spec's file, or where it would stand.
        texts: By the files' one true paths, the texts as they were read; the spec's own first.
        spec: What they said.
        overrides: The values that were given on top of them.
        saved: What stands in the files, as far as is known: the same at first, what was written
            later.
    """

    path: Path
    texts: Mapping[Path, SourceText]
    spec: Spec
    overrides: tuple[Override, ...] = ()
    saved: Mapping[Path, SourceText] = field(default_factory=dict)

    @classmethod
    def of(cls, loaded: Loaded, path: Path, overrides: tuple[Override, ...]) -> Document:
        """Return the document of a spec that was loaded.

        Args:
            loaded: The spec.
            path: The path under which it was asked for.
            overrides: The values that were given on top of the texts.
        """
        first = next(iter(loaded.texts), path.absolute())
        return cls(first, loaded.texts, loaded.spec, overrides, loaded.texts)

    @classmethod
    def empty(cls) -> Document:
        """Return a document without a file, whose relative paths begin in the current folder."""
        path = Path.cwd() / "graph.lego"
        return cls(path, {path: SourceText(UNSAVED, "")}, Spec())

    @property
    def on_disk(self) -> bool:
        """Whether the spec has a file."""
        return self.path in self.saved

    @property
    def shown_as(self) -> str:
        """What a person calls the file."""
        return self.texts[self.path].path if self.path in self.texts else str(self.path)
