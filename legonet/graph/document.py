"""The texts that a graph was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from legonet.diagnostics import SourceText
from legonet.language import Loaded, Override, Spec

UNSAVED = "<unsaved graph>"
"""What a graph without a file is called."""


@dataclass(frozen=True)
class Document:
    """What a spec was read from.

    Args:
        path: The resolved path of the spec's file, or where it would be.
        texts: The texts as they were read, by the files' resolved paths; the spec's own first.
        spec: What they said.
        overrides: Values that override those in the texts.
        saved: The last known contents of the files: at first the texts as they were read, later
            what was written.
        trust: Files whose code the user trusts, besides those that the spec's project lists.
    """

    path: Path
    texts: Mapping[Path, SourceText]
    spec: Spec
    overrides: tuple[Override, ...] = ()
    saved: Mapping[Path, SourceText] = field(default_factory=dict)
    trust: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        path: Path,
        overrides: tuple[Override, ...],
        trust: tuple[Path, ...] = (),
    ) -> Document:
        """Return the document of a spec that was loaded.

        Args:
            loaded: The spec.
            path: The path under which it was requested.
            overrides: Values that override those in the texts.
            trust: Files whose code the user trusts.
        """
        first = next(iter(loaded.texts), path.absolute())
        return cls(first, loaded.texts, loaded.spec, overrides, loaded.texts, trust)

    @classmethod
    def empty(cls) -> Document:
        """Return a document without a file; relative paths are relative to the current folder."""
        path = Path.cwd() / "graph.lego"
        return cls(path, {path: SourceText(UNSAVED, "")}, Spec())

    @property
    def on_disk(self) -> bool:
        """Whether the spec has a file."""
        return self.path in self.saved

    @property
    def shown_as(self) -> str:
        """The name by which users know the file."""
        return self.texts[self.path].path if self.path in self.texts else str(self.path)
