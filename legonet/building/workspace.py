"""A spec's store with its records, and the way from a graph to a finished build."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from legonet.building.event_log import EVENTS, EventLog
from legonet.building.events import Event, Listener, unheard
from legonet.building.execution.executor import executor_class
from legonet.building.execution.resources import Resources, machine_memory
from legonet.building.planning.plan import EdgeStep, Plan
from legonet.building.planning.planner import make_plan
from legonet.building.report import Report
from legonet.building.run import Run, counts
from legonet.building.storage.build_history import BuildHistory
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.remote import open_store
from legonet.data import open_source
from legonet.diagnostics import DiagnosticError, in_order
from legonet.graph import ModuleGraph

STORE = ".legonet"
"""The name of the default store's folder, beside the spec."""


class MisfitError(DiagnosticError):
    """Modules do not fit each other, or pictures do not suffice: a mistake found by a build."""


class Workspace:
    """Where the built things of a spec are.

    Args:
        spec: The ``.lego`` file. A link to one stands for the file that it leads to.
        store: The store's folder, or the URL of a remote one, such as ``s3://bucket/store``, whose
            mirror is then ``.legonet`` beside the spec. Default: ``.legonet`` is the store itself.
    """

    def __init__(self, spec: Path, store: Path | str | None = None) -> None:
        self.spec = spec
        # Where its pictures and imports are, so that all links to a spec share what is built.
        folder = (spec.resolve() if spec.is_symlink() else spec).parent
        self.store = open_store(store, folder / STORE)
        self.contents = DigestCache(self.store.index)
        self.history = BuildHistory(spec, self.store.index)

    def fetch(self, graph: ModuleGraph) -> None:
        """Download the missing pictures of all data that the spec marks for download.

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
        plan = make_plan(graph, self.store, self.contents, self.history)
        if self.store.folder.is_dir():
            # Remembering digests only saves time; a plan works with a read-only store, too.
            with suppress(DiagnosticError):
                self.contents.remember()
        return plan

    def check(self, plan: Plan, edge: EdgeStep | None = None, memory: int | None = None) -> None:
        """Check that the modules of what a plan builds fit together, and that pictures suffice.

        Modules are checked on the meta device, and pictures are counted; none is read.

        Args:
            plan: The plan.
            edge: The only edge to check; default: all edges.
            memory: Bytes of main memory where it is built; None if unknown.

        Raises:
            MisfitError: They do not; it lists every mismatch.
        """
        from legonet.building.planning.data_check import check_counts
        from legonet.building.planning.shapes import check_shapes

        networks = plan.networks if edge is None else plan.networks_of(edge)
        edges = plan.edges if edge is None else (edge,)
        chosen = (
            {step.name for step in networks if step.action == "build"},
            {step.edge.ends for step in edges if step.action != "reuse"},
        )
        # What both find, such as data that do not fit their goal, is told once.
        misfits = in_order(
            [*check_shapes(plan.graph, *chosen), *check_counts(plan.graph, *chosen, memory)]
        )
        if misfits:
            raise MisfitError(*misfits)

    def begin(self, plan: Plan) -> None:
        """Prepare for a build: the folder, and what others have to know about the build.

        Args:
            plan: The plan.

        Raises:
            DiagnosticError: The store cannot be written.
        """
        self.store.prepare()
        self.contents.remember()
        wanted = (step.key for step in plan.steps if step.key)
        self.history.begin(wanted, plan.file_lists)

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
            listener: Is told about every step.
            resources: What to compute with; default: one step at a time in this process.
            prove: Prove that nothing changed, even if there is nothing to build.

        Raises:
            DiagnosticError: The store cannot be written.
            MisfitError: The modules do not fit each other.
        """
        resources = resources or Resources()
        if plan.to_build:
            report = self._build(plan, listener, resources, prove=prove)
        else:
            run = Run(plan, self.store, self.history, listener, resources)
            report = run.report(lambda: None, prove=prove)
        damage = self.store.index.damage
        return report if damage is None else replace(report, warnings=(damage, *report.warnings))

    def _build(
        self, plan: Plan, listener: Listener, resources: Resources, *, prove: bool
    ) -> Report:
        """Do what there is to do, and log it."""
        log = EventLog(self.store.folder / EVENTS, self.spec)

        def hear(event: Event) -> None:
            log.hear(event)
            listener(event)

        run = Run(plan, self.store, self.history, hear, resources)
        self.begin(plan)
        log.begin(len(plan.to_build))
        started = time.perf_counter()
        report = None
        try:
            # What `--memory` says limits how much runs at once, not how large a step may be.
            memory = None if executor_class(resources.executor).remote else machine_memory()
            report = run.report(lambda: self.check(plan, memory=memory), prove=prove)
            if report.proof is not None:
                log.write("proved", **report.proof.counts)
        finally:
            outcomes = {} if report is None else counts(report)
            log.end(outcomes, time.perf_counter() - started)
        return replace(report, warnings=log.trouble.diagnostics if log.trouble else ())
