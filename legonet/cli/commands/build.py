"""``legonet build``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from legonet.cli.arguments import (
    Device,
    ExecutorName,
    Memory,
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
    trust,
)
from legonet.cli.output import Exit, document, show, tell

if TYPE_CHECKING:
    from legonet.building import Report
    from legonet.building.execution.resources import Resources
    from legonet.cli.progress import BuildProgress, Watcher
    from legonet.language import Override

WHOLE_DIAGNOSTICS = 20
"""How many failures are shown in full, at most; the others are in the table and in the log."""

GPU_FILES = ("nvidia*", "nvhost*", "dxg", "kfd")
"""Files in ``/dev`` from the drivers of GPUs that torch calls ``cuda``."""


@click.command
@spec_file
@settings
@trust
@store_folder
@click.option(
    "--device",
    metavar="DEVICE",
    type=Device(),
    help="Where torch computes: cpu, cuda or cuda:N; default: cuda if this machine has a GPU,"
    " and cpu otherwise or on a cluster.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many networks and edges to build at once; default: as many as the device or the"
    " cluster takes.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    type=Memory(),
    help="Main memory to use, such as 8GiB; default: three quarters of the machine's.",
)
@click.option(
    "--executor",
    metavar="KIND",
    type=ExecutorName(),
    default="local",
    help="What runs the jobs: processes, threads, ray (an existing Ray cluster), one of another"
    " package, or local: whatever is the default on the device.",
)
@click.option(
    "--address", metavar="URL", help="The address of the cluster, such as ray://head:10001."
)
@click.option("--prove", is_flag=True, help="Prove that nothing built before has changed.")
@click.option("--watch", is_flag=True, help="Build again after each edit, until Ctrl-C.")
@json_document
def build(
    spec: Path,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    prove: bool,
    watch: bool,
    as_json: bool,
    **means: Any,
) -> None:
    """Build what is missing or changed.

    Each edge is shown with its teacher. Finished steps are kept, whatever happens: after Ctrl-C,
    the same command continues where it stopped. The store's events.jsonl records every step of
    all builds.

    With --watch, an edit is a saved change to SPEC or to a file that it imports; an edit during a
    build takes effect after it. Mistakes are shown, and then it waits for the next edit. Ctrl-C
    while it waits ends it with exit code 0. With --json, each build writes a document on one line.
    """
    found = Means(**means)
    if found.address is not None and not found.remote:
        raise click.UsageError("--address names a Ray cluster; add --executor ray")
    request = _Request(spec, overrides(settings), trust, store, prove, as_json, watch, found)
    if not watch:
        raise click.exceptions.Exit(request.build())
    from legonet.cli.watching import watched

    watched(spec, request.overrides, request.build_or_tell)


@dataclass(frozen=True)
class Means:
    """What to compute with, as given on the command line; None where nothing was given."""

    device: str | None
    jobs: int | None
    memory: int | None
    executor: str | None
    address: str | None

    @property
    def remote(self) -> bool:
        """Whether other machines compute, which may have devices that this one lacks."""
        if self.executor is None:
            return False
        from legonet.building.execution.executor import executor_class

        return executor_class(self.executor).remote

    def resources(self) -> Resources:
        """Return the resources to use.

        Raises:
            click.BadParameter: There is no such device here.
        """
        from legonet.building.execution.executor import default_resources

        device = self.device or "cpu" if self.remote else self._device()
        return default_resources(device, self.jobs, self.memory, self.executor, self.address)

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
    """Whether there may be a GPU for torch; asking torch itself takes seconds.

    If there is none, the processes that compute start without that wait.
    """
    if sys.platform != "linux":
        return sys.platform == "win32"
    return any(any(Path("/dev").glob(pattern)) for pattern in GPU_FILES)


@dataclass(frozen=True)
class _Request:
    """What a command line asks for."""

    spec: Path
    overrides: Sequence[Override]
    trust: Sequence[Path]
    store: Path | str | None
    prove: bool
    as_json: bool
    as_line: bool
    means: Means

    def build_or_tell(self) -> None:
        """Build once, and show what prevents it."""
        from legonet.diagnostics import DiagnosticError

        try:
            self.build()
        except DiagnosticError as error:
            tell(error.diagnostics, as_json=self.as_json, as_line=self.as_line)

    def build(self) -> Exit:
        """Build once, show the outcome, and return the exit code.

        Raises:
            DiagnosticError: The spec has mistakes, or what it names cannot be found.
        """
        from legonet.building import Workspace
        from legonet.building.workspace import MisfitError
        from legonet.cli.progress import BuildProgress
        from legonet.diagnostics import DiagnosticError, Severity
        from legonet.graph import check_file

        graph, diagnostics = check_file(self.spec, self.overrides, self.trust)
        if any(item.severity is Severity.ERROR for item in diagnostics):
            raise DiagnosticError(*diagnostics)
        show(diagnostics)
        workspace = Workspace(self.spec, self.store)
        workspace.fetch(graph)
        plan = workspace.plan(graph)
        show(plan.warnings)
        # Torch, which knows the devices, is imported only if there is something to compute.
        resources = self.means.resources() if plan.to_build or self.prove else None
        progress_so_far = BuildProgress(plan)
        try:
            with _watcher(progress_so_far) as watching:
                report = workspace.build(plan, watching.hear, resources, prove=self.prove)
        except MisfitError:
            raise
        except DiagnosticError as error:
            tell(error.diagnostics, as_json=self.as_json, as_line=self.as_line)
            return Exit.FAILED
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(progress_so_far.words())
            raise
        return self._told(report, progress_so_far)

    def _told(self, report: Report, progress_so_far: BuildProgress) -> Exit:
        from legonet.cli.report_table import show_report

        proof = report.proof
        violations = proof.failures if proof else ()
        show([*report.warnings, *(proof.warnings if proof else ()), *violations])
        failures = [item for result in report.failed for item in result.diagnostics]
        show(failures, WHOLE_DIAGNOSTICS)
        if self.as_json:
            document(report.to_json(), as_line=self.as_line)
        else:
            show_report(report, progress_so_far.most_at_once, prove=self.prove)
        return Exit.FAILED if report.failed or violations else Exit.GOOD


def _watcher(progress_so_far: BuildProgress) -> Watcher:
    """Return what suits standard error: progress bars on a terminal, else lines of text.

    Args:
        progress_so_far: The progress of the build, with nothing in it yet.
    """
    from legonet.cli.progress import Lines

    moves = sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    if not moves or not progress_so_far.total:
        return Lines(progress_so_far)
    from legonet.cli.bars import Bars
    from legonet.cli.tables import console

    return Bars(progress_so_far, console(error=True))
