"""One order from its beginning to its ending; whatever goes wrong with it is in its ending."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from legonet.build.execution.executor import Advance, Ending, Outcome
from legonet.build.execution.peak import Peak
from legonet.build.execution.stopping import StopSign
from legonet.build.storage.checkpoints import Stopped
from legonet.build.storage.store import DamagedError
from legonet.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from legonet.build.execution.order import Order
    from legonet.build.execution.workshop import Workshop
    from legonet.distill.progress import Point

Tell = Callable[["Advance | Point"], None]
"""Takes news of an order while it is filled."""


def fill(workshop: Workshop, order: Order, tell: Tell, stop: StopSign, device: str) -> Ending:
    """Fill an order and return how it ended.

    Args:
        workshop: Where.
        order: The order.
        tell: Told how far it is, and of every point of its loss curves.
        stop: Asks it to stop.
        device: The one of the workshop.
    """
    started = time.perf_counter()

    def progress(fraction: float, message: str) -> None:
        if stop.urgent:
            raise Stopped
        tell(Advance(fraction, message))

    def ending(outcome: Outcome, **found: Any) -> Ending:
        return Ending(outcome, time.perf_counter() - started, peak.bytes, **found)

    peak = Peak(device)
    try:
        with peak:
            workshop.fill(order, progress, tell, stop)
    except Stopped:
        return ending("stopped")
    except DamagedError as error:
        return ending("damaged", diagnostics=error.diagnostics, damaged=(error.kind, error.key))
    except DiagnosticError as error:
        return ending("failed", diagnostics=error.diagnostics)
    except BaseException as error:
        # A network's own code runs here, which may raise anything at all, such as SystemExit.
        return ending(
            "failed",
            diagnostics=(_unforeseen(order.step.name, error),),
            trace=traceback.format_exc(),
        )
    return ending("made")


def _unforeseen(name: str, error: BaseException) -> Diagnostic:
    reason = (_words(error).splitlines() or [""])[0]
    if not isinstance(error, RuntimeError):
        reason = f"{type(error).__name__}: {reason}"
    return Diagnostic(
        "LEGO706",
        f"{name} could not be computed: {reason}",
        help=(
            "with less memory at hand, choose a smaller `size` or `batch_size`",
            "the traceback stands in the store's `events.jsonl`",
        ),
    )


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # An error of somebody's own that cannot even be shown has a name at least.
        return ""
