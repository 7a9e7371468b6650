"""Diagnostics in certificates: what is wrong with an artifact, whatever its name in a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from legonet.diagnostics import Diagnostic, Severity


def value_of(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as a value of JSON, without its place: names and places change."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": list(diagnostic.help),
    }


def diagnostic_of(value: Mapping[str, Any]) -> Diagnostic:
    """Return the diagnostic that `value_of` turned into this value."""
    return Diagnostic(
        value["code"],
        value["message"],
        label=value["label"],
        help=tuple(value["help"]),
        severity=Severity(value["severity"]),
    )
