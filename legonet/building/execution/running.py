"""One job from beginning to end; its result says whatever went wrong."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from legonet.building.execution.job import Job, JobProgress, JobResult, Outcome, StopSign
from legonet.building.execution.peak import Peak
from legonet.building.storage.checkpoints import Stopped
from legonet.building.storage.store import DamagedError
from legonet.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from legonet.building.execution.step_runner import StepRunner
    from legonet.distill.progress import Point

Tell = Callable[["JobProgress | Point"], None]
"""Takes updates of a job while it runs."""


def run_job(runner: StepRunner, job: Job, tell: Tell, stop: StopSign, device: str) -> JobResult:
    """Run a job and return how it ended.

    Args:
        runner: Runs the job.
        job: The job.
        tell: Receives how far the job has come, and every point of its loss curves.
        stop: Asks the job to stop.
        device: The device of the step runner.
    """
    started = time.perf_counter()

    def progress(fraction: float, message: str) -> None:
        if stop.urgent:
            raise Stopped
        tell(JobProgress(fraction, message))

    def result(outcome: Outcome, **found: Any) -> JobResult:
        return JobResult(outcome, time.perf_counter() - started, peak.bytes, **found)

    peak = Peak(device)
    try:
        with peak:
            runner.run(job, progress, tell, stop)
    except Stopped:
        return result("stopped")
    except DamagedError as error:
        return result("damaged", diagnostics=error.diagnostics, damaged=(error.kind, error.key))
    except DiagnosticError as error:
        return result("failed", diagnostics=error.diagnostics)
    except BaseException as error:
        # A network's own code runs here, and it may raise anything at all, such as SystemExit.
        return result(
            "failed",
            diagnostics=(_unforeseen(job.step.name, error),),
            trace=traceback.format_exc(),
        )
    return result("made")


def _unforeseen(name: str, error: BaseException) -> Diagnostic:
    reason = (_words(error).splitlines() or [""])[0]
    if not isinstance(error, RuntimeError):
        reason = f"{type(error).__name__}: {reason}"
    return Diagnostic(
        "LEGO706",
        f"{name} could not be computed: {reason}",
        help=(
            "if memory is short, choose a smaller `size` or `batch_size`",
            "the traceback is in the store's `events.jsonl`",
        ),
    )


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # A custom error that cannot even be shown at least has a name.
        return ""
