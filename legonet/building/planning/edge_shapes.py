"""How the features of an edge get from one network to the other, as far as shapes go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from legonet.modules.layout import Layout


@dataclass(frozen=True)
class EdgeShapes:
    """What ``legonet check --shapes`` shows of an edge.

    Args:
        category: Its category module.
        task: Its task module.
        gives: The layout of the category module's features.
        takes: The layout of the features that the task module takes; None for a direct edge.
        resized: How heights and widths are changed, in words; None if they are not.
        size: Height and width of its pictures.
        input: What the category's network expects of its pictures where that is not the usual,
            in words.
    """

    category: str
    task: str
    gives: Layout
    takes: Layout | None
    resized: str | None
    size: int
    input: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What tables show of it besides its name."""
        takes = "the same, direct" if self.takes is None else self.takes.words
        return self.gives.words, takes, self.resized or "", f"{self.size}x{self.size}", self.input

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "category": self.category,
            "task": self.task,
            "gives": _described(self.gives),
            "takes": _described(self.takes or self.gives),
            "direct": self.takes is None,
            "resized": self.resized,
            "size": self.size,
            "input": self.input or None,
        }


def _described(layout: Layout) -> dict[str, Any]:
    return {"layout": layout.kind, "shape": list(layout.shape), "prefix": layout.prefix}
