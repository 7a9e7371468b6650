"""Diagnostics as workflow commands, which GitHub shows next to the lines of a pull request."""

from __future__ import annotations

from legonet.diagnostics.diagnostic import Diagnostic

_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def to_github(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as a line that annotates the code when a GitHub workflow prints it."""
    properties = {"title": diagnostic.code}
    span = diagnostic.span
    if span is not None:
        properties |= {
            "file": span.source.path,
            "line": str(span.line),
            "col": str(span.column),
            "endLine": str(span.end_line),
            "endColumn": str(span.end_column),
        }
    shown = ",".join(f"{name}={text.translate(_IN_PROPERTY)}" for name, text in properties.items())
    message = "\n".join((diagnostic.message, *diagnostic.help)).translate(_IN_MESSAGE)
    return f"::{diagnostic.severity.value} {shown}::{message}"
