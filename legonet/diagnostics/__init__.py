"""What is wrong, where, and what to do about it: diagnostics as data, and their renderers."""

from __future__ import annotations

from legonet.diagnostics.codes import CODES, Code
from legonet.diagnostics.diagnostic import (
    Diagnostic,
    DiagnosticError,
    Severity,
    Trace,
    did_you_mean,
    in_order,
    shortened,
)
from legonet.diagnostics.span import SourceText, Span

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "DiagnosticError",
    "Severity",
    "SourceText",
    "Span",
    "Trace",
    "did_you_mean",
    "in_order",
    "shortened",
]
