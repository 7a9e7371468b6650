"""Diagnostics for programs, as plain values for a JSON document."""

from __future__ import annotations

from typing import TypedDict

from legonet.diagnostics.diagnostic import Diagnostic


class JsonDiagnostic(TypedDict):
    """A diagnostic as ``legonet check --json`` prints it; lines and columns count from 1."""

    code: str
    severity: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    help: list[str]


def to_json(diagnostic: Diagnostic) -> JsonDiagnostic:
    """Return a diagnostic as a value for `json.dumps`; without a span, its place is null."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": span.source.path if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "help": list(diagnostic.help),
    }
