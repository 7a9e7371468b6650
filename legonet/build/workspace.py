"""A spec's store with what is remembered of it, and the way from a graph to a finished build."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from legonet.build.event_log import EVENTS, EventLog
from legonet.build.events import Event, Listener, unheard
from legonet.build.execution.resources import Resources
from legonet.build.planning.plan import EdgeStep, Plan
from legonet.build.planning.planner import make_plan
from legonet.build.report import Report
from legonet.build.run import Run, counts
from legonet.build.storage.contents import Contents
from legonet.build.storage.inventory import EVIDENCE, Inventories
from legonet.build.storage.ledger import LEDGERS, Ledger
from legonet.build.storage.remote import open_store
from legonet.data import open_source
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph

STORE = ".legonet"
"""The store's folder beside a spec, where no other is named."""


class MisfitError(DiagnosticError):
    """The modules of a spec do not fit each other: a mistake in the spec, found by a build."""


class Workspace:
    """Where the built things of a spec live.

    Args:
        spec: The ``.lego`` file.
        store: The store's folder, or the URL of a remote one, such as ``s3://bucket/store``, whose
            mirror is then ``.legonet`` beside the spec; that folder is the store unless said.
    """

    def __init__(self, spec: Path, store: Path | str | None = None) -> None:
        self.spec = spec
        self.store = open_store(store, spec.parent / STORE)
        folder = self.store.folder
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
        self.store.survey()
        plan = make_plan(graph, self.store, self.contents, self.ledger)
        if self.store.folder.is_dir():
            # To remember digests saves time and nothing else; a plan of a read-only store is good.
            with suppress(DiagnosticError):
                self.contents.remember()
        return plan

    def check(self, plan: Plan, edge: EdgeStep | None = None) -> None:
        """Check on the meta device that the modules fit each other of which a plan builds parts.

        Args:
            plan: The plan.
            edge: The only edge to look at; all of them unless given.

        Raises:
            MisfitError: They do not; every misfit at once.
        """
        from legonet.build.planning.shapes import check_shapes

        networks = plan.networks if edge is None else plan.networks_of(edge)
        edges = plan.edges if edge is None else (edge,)
        misfits = check_shapes(
            plan.graph,
            {step.name for step in networks if step.action == "build"},
            {(s.adapter.category, s.adapter.task) for s in edges if s.action != "reuse"},
        )
        if misfits:
            raise MisfitError(*misfits)

    def begin(self, plan: Plan) -> None:
        """Make ready for a build: the folder, and what others have to know of it.

        Args:
            plan: The plan.

        Raises:
            DiagnosticError: The store cannot be written.
        """
        self.store.prepare()
        self.contents.remember()
        self.ledger.begin(step.key for step in (*plan.networks, *plan.edges) if step.key)
        Inventories(self.store.folder / EVIDENCE).keep(plan.inventories)

    def build(
        self,
        plan: Plan,
        listener: Listener = unheard,
        resources: Resources | None = None,
        *,
        prove: bool = False,
    ) -> Report:
        """Do what a plan says.

        Args:
            plan: The plan.
            listener: Hears of every step.
            resources: With what to compute; one step at a time in this process unless given.
            prove: Prove that nothing changed, even where nothing is to be built.

        Raises:
            DiagnosticError: The store cannot be written.
            MisfitError: The modules do not fit each other.
        """
        resources = resources or Resources()
        if not plan.to_build:
            run = Run(plan, self.store, self.ledger, listener, resources)
            return run.report(lambda: None, prove=prove)
        log = EventLog(self.store.folder / EVENTS, self.spec)

        def hear(event: Event) -> None:
            log.hear(event)
            listener(event)

        run = Run(plan, self.store, self.ledger, hear, resources)
        self.begin(plan)
        log.begin(len(plan.to_build))
        started = time.perf_counter()
        report = None
        try:
            report = run.report(lambda: self.check(plan), prove=prove)
            if report.proof is not None:
                log.write("proved", **report.proof.counts)
        finally:
            outcomes = {} if report is None else counts(report)
            log.end(outcomes, time.perf_counter() - started)
        return replace(report, warnings=log.trouble.diagnostics if log.trouble else ())
