"""A graph as a picture, made from whatever holds the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from legonet.graph import ModuleGraph, load
from legonet.render.applications import Wanted, applications_of
from legonet.render.boxes import Links
from legonet.render.composition import compose
from legonet.render.drawing import Drawing
from legonet.render.files import write_file
from legonet.render.grouping import By
from legonet.render.selection import select
from legonet.render.sheet import Sheet
from legonet.render.view import COLLAPSE_ABOVE, Built, View
from legonet.render.words import STATES

if TYPE_CHECKING:
    from legonet.build import Plan
    from legonet.network import TransplantNetwork


@dataclass(frozen=True)
class Picture(Drawing):
    """A graph as a picture; `legonet.draw` makes one.

    It stays as it is, whatever becomes of the graph.

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

    def sheet(self, links: Links) -> Sheet:
        """Return what is drawn.

        Args:
            links: Gives the address that a click on a statement leads to; empty for none.
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
            f" In red: {item.name}, {item.category} to {item.task}."
            for item in self.view.applications
        )
        return (
            f"{len(shown.categories)} category modules, {len(shown.tasks)} task modules and "
            f"{len(shown.adapters)} edges between them" + (f": {edges}." if edges else ".") + red
        )

    def linked(self) -> ModuleGraph:
        """Return the graph whose statements a click leads to."""
        return self.view.graph


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
        subject: A graph, of which nothing is known but its spec; a plan or a network, which also
            know how far each edge has come and how good it is; or a spec's file, which is planned.
        file: Where to write the picture, if anywhere; ``.svg``, ``.png``, ``.pdf`` or ``.dot``, or
            ``.html`` for a page to walk through, which is never drawn in groups.
        path: Applications in red, one or a list of several: names of paths, or edges as
            ``"cat -> classify"`` or ``("cat", "classify")``.
        only: What is shown, one pattern or several, such as ``"cat*"`` or ``"cat* -> classify"``;
            see `select`.
        collapse: Edges above which modules are drawn in groups.
        group: What the modules of a group have in common: the beginning of their names
            (``prefix``), the ancestor or the model that their networks come from (``network``), or
            what they are joined with (``neighbours``). They are then drawn in groups however few
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
        from legonet.render.page import page

        write_file(Path(file), page(graph, plan, path=path, only=patterns).encode())
    elif file is not None:
        picture.save(file)
    return picture


def _known(
    subject: ModuleGraph | Plan | TransplantNetwork | Path | str,
) -> tuple[ModuleGraph, Plan | None]:
    """Return a graph as it is now, and the plan that knows what is built of it, if any."""
    if isinstance(subject, ModuleGraph):
        return subject.sound(), None
    from legonet.build import Plan, Workspace

    if isinstance(subject, str | Path):
        subject = Workspace(Path(subject)).plan(load(subject))
    plan = subject if isinstance(subject, Plan) else subject.plan
    return plan.graph, plan
