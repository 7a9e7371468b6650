"""``legonet build``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from legonet.cli.arguments import (
    Device,
    Memory,
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
)
from legonet.cli.exits import Exit
from legonet.cli.output import document, show, tell

if TYPE_CHECKING:
    from legonet.build import Report
    from legonet.build.execution.resources import Resources
    from legonet.cli.tally import Tally
    from legonet.spec import Override

WHOLE_DIAGNOSTICS = 20
"""Failures that are shown as a whole, at most; the others stand in the table and in the log."""

GPU_FILES = ("nvidia*", "nvhost*", "dxg", "kfd")
"""What the drivers of GPUs that torch knows as ``cuda`` put into the folder ``/dev``."""


@click.command
@spec_file
@settings
@store_folder
@click.option(
    "--device",
    metavar="DEVICE",
    type=Device(),
    help="Where torch computes: cpu, cuda or cuda:N; cuda where this machine has one, and cpu on a"
    " cluster, unless said.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Networks and edges at once; as many as the device or the cluster takes unless said.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    type=Memory(),
    help="Main memory to use, such as 8GiB; three quarters of the machine's unless said.",
)
@click.option(
    "--executor",
    metavar="KIND",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="What computes: local, this machine, or ray, a Ray cluster that is there.",
)
@click.option("--address", metavar="URL", help="Of the Ray cluster, such as ray://head:10001.")
@click.option("--prove", is_flag=True, help="Show that nothing has changed that stood before.")
@click.option("--watch", is_flag=True, help="Build again after each edit, until Ctrl-C.")
@json_document
def build(
    spec: Path,
    settings: tuple[str, ...],
    store: Path | str | None,
    prove: bool,
    watch: bool,
    as_json: bool,
    **means: Any,
) -> None:
    """Build what is missing or changed.

    Each edge is shown beside its teacher. What is finished stays, whatever happens: after Ctrl-C
    the same command goes on where it was. The store's events.jsonl tells each step of all builds.

    With --watch, an edit is a saved change of SPEC or of a file that it imports; one that comes
    while a build runs is taken up behind it. Mistakes are shown, and the next edit is waited for.
    Ctrl-C while it waits ends it with exit code 0. With --json each build gives a document in one
    line.
    """
    if means["address"] is not None and means["executor"] != "ray":
        raise click.UsageError("--address names a Ray cluster; say --executor ray, too")
    request = _Request(spec, overrides(settings), store, prove, as_json, watch, Means(**means))
    if not watch:
        raise click.exceptions.Exit(request.build())
    from legonet.cli.watching import watched

    watched(spec, request.overrides, request.build_or_tell)


@dataclass(frozen=True)
class Means:
    """With what to compute, as it was said; None where nothing was said."""

    device: str | None
    jobs: int | None
    memory: int | None
    executor: str
    address: str | None

    def resources(self) -> Resources:
        """Return what there is.

        Raises:
            click.BadParameter: There is no such device here.
        """
        from legonet.build.execution.resources import Resources

        if self.executor == "ray":
            # The nodes of a cluster may have what this machine has not.
            return Resources.of_cluster(self.device or "cpu", self.jobs, self.memory, self.address)
        return Resources.of_machine(self._device(), self.jobs, self.memory)

    def _device(self) -> str:
        if self.device == "cpu" or (self.device is None and not _may_have_gpu()):
            return "cpu"
        import torch

        if self.device is None:
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            message = f"torch cannot compute on `{self.device}`: {reason}"
            raise click.BadParameter(message, param_hint="--device") from None
        return self.device


def _may_have_gpu() -> bool:
    """Whether there may be a GPU for torch, which takes seconds to be asked itself.

    Where there is none, the processes that compute start without waiting for that.
    """
    if sys.platform != "linux":
        return sys.platform == "win32"
    return any(any(Path("/dev").glob(pattern)) for pattern in GPU_FILES)


@dataclass(frozen=True)
class _Request:
    """What a command line asks for."""

    spec: Path
    overrides: Sequence[Override]
    store: Path | str | None
    prove: bool
    as_json: bool
    as_line: bool
    means: Means

    def build_or_tell(self) -> None:
        """Build once, and show what stands in the way of it."""
        from legonet.diagnostics import DiagnosticError

        try:
            self.build()
        except DiagnosticError as error:
            tell(error.diagnostics, as_json=self.as_json, as_line=self.as_line)

    def build(self) -> Exit:
        """Build once, show what came out, and return the exit code.

        Raises:
            DiagnosticError: The spec has mistakes, or what it names cannot be found.
        """
        from legonet.build import Workspace
        from legonet.build.workspace import MisfitError
        from legonet.cli.progress import watcher
        from legonet.cli.tally import Tally
        from legonet.diagnostics import DiagnosticError, Severity
        from legonet.graph import check_file

        graph, diagnostics = check_file(self.spec, self.overrides)
        if any(item.severity is Severity.ERROR for item in diagnostics):
            raise DiagnosticError(*diagnostics)
        show(diagnostics)
        workspace = Workspace(self.spec, self.store)
        workspace.fetch(graph)
        plan = workspace.plan(graph)
        # Torch, which knows the devices, is imported only where something is to be computed.
        resources = self.means.resources() if plan.to_build or self.prove else None
        tally = Tally(plan)
        try:
            with watcher(tally) as watching:
                report = workspace.build(plan, watching.hear, resources, prove=self.prove)
        except MisfitError:
            raise
        except DiagnosticError as error:
            tell(error.diagnostics, as_json=self.as_json, as_line=self.as_line)
            return Exit.FAILED
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(tally.words())
            raise
        return self._told(report, tally)

    def _told(self, report: Report, tally: Tally) -> Exit:
        from legonet.cli.report_table import show_report

        proof = report.proof
        violations = proof.failures if proof else ()
        show([*report.warnings, *(proof.warnings if proof else ()), *violations])
        failures = [item for result in report.failed for item in result.diagnostics]
        show(failures, WHOLE_DIAGNOSTICS)
        if self.as_json:
            document(report.to_json(), as_line=self.as_line)
        else:
            show_report(report, tally.most_at_once, prove=self.prove)
        return Exit.FAILED if report.failed or violations else Exit.GOOD
