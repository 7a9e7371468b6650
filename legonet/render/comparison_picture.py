"""A comparison as a picture: what was added, removed, rebuilt, and what became better or worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from legonet.graph import ModuleGraph
from legonet.render.boxes import Links
from legonet.render.comparison import KINDS, SIGNS, Change, Comparison
from legonet.render.comparison_text import change_words
from legonet.render.composition import compose
from legonet.render.drawing import Drawing
from legonet.render.looks import Look
from legonet.render.selection import select
from legonet.render.sheet import Sheet
from legonet.render.style import Line
from legonet.render.view import COLLAPSE_ABOVE, Built, Mark, View
from legonet.spec.spec import PARTS

LOOKS: Mapping[Change, Look] = {
    change: Look(line, change.value, SIGNS[change])
    for change, line in (
        (Change.ADDED, Line("#1a7f37", width=2.4)),
        (Change.REMOVED, Line("#cf222e", "dashed", 2.4)),
        (Change.BETTER, Line("#08519c", width=2.4)),
        (Change.WORSE, Line("#a3580c", width=2.4)),
        (Change.REBUILT, Line("#7b3fc4", width=1.7)),
        (Change.SAME, Line("#70757a", width=1)),
    )
}
"""How what changed looks, in the order in which the legend explains it."""


@dataclass(frozen=True)
class ComparisonPicture(Drawing):
    """A comparison as a picture; `legonet diff` makes one.

    Args:
        comparison: What it shows.
        only: Patterns that choose what is shown; everything where there is none.
        collapse: Edges above which modules are drawn in groups.
    """

    comparison: Comparison
    only: tuple[str, ...] = ()
    collapse: int = COLLAPSE_ABOVE

    def sheet(self, links: Links) -> Sheet:
        """Return what is drawn.

        Args:
            links: Gives the address that a click on a statement leads to; empty for none.
        """
        marks = {
            key: Mark(LOOKS[item.change], change_words(item))
            for key, item in self.comparison.compared.items()
            if key[0] == "adapter" or item.change is not Change.SAME
        }
        view = View(
            self._both,
            _built(self.comparison),
            select(self._both, self.only),
            limit=self.collapse,
            marks=marks,
            order=tuple(LOOKS.values()),
        )
        return compose(view, links)

    def title(self) -> str:
        """Return what it is, in a few words."""
        return "Difference of two module graphs"

    def description(self) -> str:
        """Return what it shows, for those who cannot see it."""
        edges = self.comparison.counts("adapter")
        return "Edges: " + (
            ", ".join(f"{n} {change.value}" for change, n in edges.items()) or "none"
        )

    def linked(self) -> ModuleGraph:
        """Return the graph whose statements a click leads to."""
        return self._both

    @cached_property
    def _both(self) -> ModuleGraph:
        """The second graph, and behind it what was removed from the first."""
        before, after = self.comparison.before.graph.spec, self.comparison.after.graph.spec
        removed = [
            item.key for item in self.comparison.compared.values() if item.change is Change.REMOVED
        ]
        parts: dict[str, Any] = {}
        for kind in KINDS:
            gone = {
                _name(key): before.of_kind(kind)[_name(key)] for key in removed if key[0] == kind
            }
            parts[PARTS[kind]] = {**after.of_kind(kind), **gone}
        return ModuleGraph(replace(after, **parts, origins={**before.origins, **after.origins}))


def _name(key: tuple[str, ...]) -> Any:
    return key[1:] if key[0] == "adapter" else key[1]


def _built(comparison: Comparison) -> Built:
    """Return what is known of either version, of the second where it is known of both."""
    both = [Built.of(v.plan) for v in (comparison.before, comparison.after) if v.plan is not None]
    return Built(
        {ends: state for built in both for ends, state in built.states.items()},
        {name: state for built in both for name, state in built.networks.items()},
        both[-1].sizes if both else Built().sizes,
    )
