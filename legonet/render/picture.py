"""A graph, or a comparison of two, as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from legonet.graph import ModuleGraph, load
from legonet.language.spec import PARTS
from legonet.render.built import Built
from legonet.render.comparison import KINDS, SIGNS, Change, Comparison, change_words
from legonet.render.composition import compose
from legonet.render.diagram import Diagram, Links
from legonet.render.drawing import Drawing, write_file
from legonet.render.grouping import By
from legonet.render.page import page
from legonet.render.selection import Wanted, applications_of, select
from legonet.render.style import EdgeStyle, Line
from legonet.render.view import COLLAPSE_ABOVE, Mark, View
from legonet.render.words import STATES
from legonet.text_bytes import to_bytes

if TYPE_CHECKING:
    from legonet.building import Plan
    from legonet.network import TransplantNetwork


@dataclass(frozen=True)
class Picture(Drawing):
    """A graph as a picture; `legonet.draw` makes one.

    It does not change, whatever happens to the graph.

    Args:
        view: What it shows.
    """

    view: View

    def highlight(self, *applications: Wanted) -> Picture:
        """Return the picture with more applications in red.

        Args:
            applications: Names of paths, or edges: ``"cat -> classify"``, ``("cat", "classify")``.

        Raises:
            DiagnosticError: LEGO802, the spec has no such path; LEGO806, it has no such edge.
        """
        found = applications_of(self.view.graph, list(applications))
        red = tuple(dict.fromkeys((*self.view.applications, *found)))
        return Picture(replace(self.view, applications=red))

    def diagram(self, links: Links) -> Diagram:
        """Return what is drawn.

        Args:
            links: Returns the address that a click on a statement leads to; empty for none.
        """
        return compose(self.view, links)

    def title(self) -> str:
        """Return what it is, in a few words."""
        return "Module graph"

    def description(self) -> str:
        """Return what it shows, for those who cannot see it."""
        shown, built = self.view.shown, self.view.built
        states = Counter(built.state(adapter).state for adapter in shown.adapters)
        edges = ", ".join(
            f"{states[state]} {word}" for state, word in STATES.items() if states[state]
        )
        red = "".join(
            f" In red: {item.name}, {_listed(item.categories)} to {_listed(item.tasks)}."
            for item in self.view.applications
        )
        return (
            f"{len(shown.categories)} category modules, {len(shown.tasks)} task modules and "
            f"{len(shown.adapters)} edges between them" + (f": {edges}." if edges else ".") + red
        )

    def linked(self) -> ModuleGraph:
        """Return the graph whose statements clicks lead to."""
        return self.view.graph


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def draw(
    subject: ModuleGraph | Plan | TransplantNetwork | Path | str,
    file: Path | str | None = None,
    *,
    path: Wanted | Iterable[Wanted] = (),
    only: str | Iterable[str] = (),
    collapse: int = COLLAPSE_ABOVE,
    group: By | None = None,
) -> Picture:
    """Draw a graph: category modules, adapters and task modules in columns.

    Example:
        >>> legonet.draw("animals.lego", "animals.svg", path="pet_finder")  # doctest: +SKIP

    Args:
        subject: A graph, drawn from its spec alone; a plan or a network, which also know how far
            each edge has come and how good it is; or a spec's file, for which a plan is made.
        file: Where to write the picture, if anywhere; ``.svg``, ``.png``, ``.pdf`` or ``.dot``, or
            ``.html`` for an interactive page, which is never drawn in groups.
        path: Applications in red, one or a list of several: names of paths, or edges as
            ``"cat -> classify"`` or ``("cat", "classify")``.
        only: What is shown, one pattern or several, such as ``"cat*"`` or ``"cat* -> classify"``;
            see `select`.
        collapse: The number of edges above which modules are drawn in groups.
        group: What the modules of a group have in common: the beginning of their names
            (``prefix``), the ancestor or the model that their networks come from (``network``), or
            what they are joined to (``neighbours``). Modules are then drawn in groups however few
            edges there are.

    Raises:
        DiagnosticError: The graph has errors, or its pictures cannot be found; LEGO802 or LEGO806,
            no such path or edge; LEGO807, a pattern chooses nothing; what `Picture.save` raises.
    """
    graph, plan = _known(subject)
    built = Built() if plan is None else Built.of(plan)
    patterns = (only,) if isinstance(only, str) else tuple(only)
    view = View(
        graph, built, select(graph, patterns), applications_of(graph, path), collapse, group
    )
    picture = Picture(view)
    if file is not None and Path(file).suffix.lower() == ".html":
        write_file(Path(file), to_bytes(page(graph, plan, path=path, only=patterns)))
    elif file is not None:
        picture.save(file)
    return picture


def _known(
    subject: ModuleGraph | Plan | TransplantNetwork | Path | str,
) -> tuple[ModuleGraph, Plan | None]:
    """Return a graph as it is now, and the plan that knows what is built of it, if any."""
    if isinstance(subject, ModuleGraph):
        return subject.sound(), None
    from legonet.building import Plan, Workspace

    if isinstance(subject, str | Path):
        subject = Workspace(Path(subject)).plan(load(subject))
    plan = subject if isinstance(subject, Plan) else subject.plan
    return plan.graph, plan


LOOKS: Mapping[Change, EdgeStyle] = {
    change: EdgeStyle(line, change.value, SIGNS[change])
    for change, line in (
        (Change.ADDED, Line("#1a7f37", width=2.4)),
        (Change.REMOVED, Line("#cf222e", "dashed", 2.4)),
        (Change.BETTER, Line("#08519c", width=2.4)),
        (Change.WORSE, Line("#a3580c", width=2.4)),
        (Change.REBUILT, Line("#7b3fc4", width=1.7)),
        (Change.SAME, Line("#70757a", width=1)),
    )
}
"""How each change looks, in the order of the legend."""


@dataclass(frozen=True)
class ComparisonPicture(Drawing):
    """A comparison as a picture; `legonet diff` makes one.

    Args:
        comparison: What it shows.
        only: Patterns that choose what is shown; if there are none, everything is.
        collapse: The number of edges above which modules are drawn in groups.
    """

    comparison: Comparison
    only: tuple[str, ...] = ()
    collapse: int = COLLAPSE_ABOVE

    def diagram(self, links: Links) -> Diagram:
        """Return what is drawn.

        Args:
            links: Returns the address that a click on a statement leads to; empty for none.
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
        """Return the graph whose statements clicks lead to."""
        return self._both

    @cached_property
    def _both(self) -> ModuleGraph:
        """The second graph, followed by what was removed from the first."""
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
    """Return what is known about either version; the second one takes precedence."""
    both = [Built.of(v.plan) for v in (comparison.before, comparison.after) if v.plan is not None]
    return Built(
        {ends: state for built in both for ends, state in built.states.items()},
        {name: state for built in both for name, state in built.networks.items()},
        both[-1].sizes if both else Built().sizes,
    )
