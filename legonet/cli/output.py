"""Writing to the two streams."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from legonet.diagnostics import Diagnostic
from legonet.diagnostics.text import summary, to_text, wants_colour

if TYPE_CHECKING:
    from rich.console import Console


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to standard error, with a line that counts them."""
    found = list(diagnostics)
    colour = wants_colour(sys.stderr.isatty())
    for diagnostic in found:
        print(to_text(diagnostic, colour=colour), file=sys.stderr, end="\n\n")
    if found:
        print(summary(found), file=sys.stderr)


def document(contents: Any) -> None:
    """Write one JSON document to standard output."""
    print(json.dumps(contents, indent=2, ensure_ascii=False))


def console(*, error: bool = False) -> Console:
    """Return a console for tables and progress on one of the streams."""
    from rich.console import Console

    return Console(stderr=error, highlight=False)


def percent(share: float | None) -> str:
    """Return a share between 0 and 1 in percent, such as ``4.2 %``."""
    return "" if share is None else f"{100 * share:.1f} %"


def quality(metrics: dict[str, float], *, teacher: bool = False) -> str:
    """Return an edge's error, or its pixel accuracy, or those of its teacher, in words."""
    prefix = "teacher_" if teacher else ""
    error = metrics.get(f"{prefix}error_rate")
    if error is not None:
        return f"{percent(error)} error"
    accuracy = metrics.get(f"{prefix}pixel_accuracy")
    overlap = metrics.get(f"{prefix}iou")
    if accuracy is None:
        return "not measured"
    return f"{percent(accuracy)} pixels" + (f", {percent(overlap)} IoU" if overlap else "")
