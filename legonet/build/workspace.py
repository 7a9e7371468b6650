"""A spec's store with what is remembered of it, and the way from a graph to a finished build."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from legonet.build.events import Listener
from legonet.build.planning.plan import Plan, make_plan
from legonet.build.report import Report
from legonet.build.run import run_plan
from legonet.build.storage.contents import Contents
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.store import Store
from legonet.data import open_source
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph

STORE = ".legonet"
"""The store's folder beside a spec, where no other is named."""


class Workspace:
    """Where the built things of a spec live.

    Args:
        spec: The ``.lego`` file.
        store: The store's folder; ``.legonet`` beside the spec unless said.
    """

    def __init__(self, spec: Path, store: Path | None = None) -> None:
        folder = store if store is not None else spec.parent / STORE
        self.store = Store(folder)
        self.contents = Contents(folder / "contents.json")
        self.ledger = Ledger.of(spec, folder / LEDGERS)

    def fetch(self, graph: ModuleGraph) -> None:
        """Download the pictures for which the spec says so and which are not there yet.

        Raises:
            DiagnosticError: A download failed.
        """
        for name, data in graph.spec.data.items():
            if not getattr(data.source, "download", False):
                continue
            try:
                open_source(data.source).fetch()
            except DiagnosticError as error:
                located = (
                    graph.spec.locate(item, ("data", name), "source") for item in error.diagnostics
                )
                raise DiagnosticError(*located) from None

    def plan(self, graph: ModuleGraph) -> Plan:
        """Return what a build of the graph would do.

        Raises:
            DiagnosticError: Weights or pictures cannot be found.
        """
        plan = make_plan(graph, self.store, self.contents, self.ledger)
        if self.store.folder.is_dir():
            # To remember digests saves time and nothing else; a plan of a read-only store is good.
            with suppress(DiagnosticError):
                self.contents.remember()
        return plan

    def check(self, plan: Plan) -> None:
        """Check on the meta device that the modules of a plan fit each other.

        Raises:
            DiagnosticError: They do not; every misfit at once.
        """
        from legonet.build.planning.shapes import check_shapes

        misfits = check_shapes(plan.graph)
        if misfits:
            raise DiagnosticError(*misfits)

    def build(self, plan: Plan, listener: Listener, *, device: str = "cpu") -> Report:
        """Do what a plan says.

        Args:
            plan: The plan.
            listener: Hears of every step.
            device: Where torch computes.

        Raises:
            DiagnosticError: The store cannot be written.
        """
        if plan.to_build:
            self.store.prepare()
            self.contents.remember()
            self.ledger.begin(step.key for step in plan.to_build)
        return run_plan(plan, self.store, self.ledger, listener, device=device)
