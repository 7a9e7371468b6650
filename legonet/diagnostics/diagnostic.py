"""What legonet tells users about their mistakes: as data, apart from how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from legonet.diagnostics.span import Span


class Severity(StrEnum):
    """How serious a diagnostic is; only an error stops the work."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Trace:
    """One step on the way to a mistake: an import or an iteration of a loop."""

    message: str
    span: Span


@dataclass(frozen=True)
class Diagnostic:
    """One mistake: what was expected, what was found, where, and what to do.

    Args:
        code: A code of ``legonet.diagnostics.codes``, such as ``LEGO203``.
        message: One line, lower case, without a full stop.
        span: The narrowest place of the mistake, or None if it is not in a text.
        label: A few words about the place itself, shown after the carets.
        help: What to do about it, one sentence per item.
        trace: The imports and loops that led there, innermost first.
        severity: How serious it is. Default: an error.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    help: tuple[str, ...] = ()
    trace: tuple[Trace, ...] = ()
    severity: Severity = Severity.ERROR

    def at(self, span: Span | None, trace: Sequence[Trace] = ()) -> Diagnostic:
        """Return this diagnostic with a place, if it has none yet."""
        if self.span is not None or span is None:
            return self
        return replace(self, span=span, trace=tuple(trace))


class DiagnosticError(Exception):
    """Carries one or more diagnostics to the code that shows them."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(item.message for item in diagnostics))
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        """Return what a traceback shows: each message with its place and its help."""
        return "\n".join(_in_words(item) for item in self.diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is recreated from its text.
        return type(self), self.diagnostics

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        label: str = "",
        help: Iterable[str] = (),  # noqa: A002 - the field's name
    ) -> DiagnosticError:
        """Return an error with one diagnostic."""
        return cls(Diagnostic(code, message, span, label, tuple(help)))


def _in_words(item: Diagnostic) -> str:
    place = "" if item.span is None else f"{item.span.source.path}:{item.span.line}: "
    advice = "".join(f"\n  help: {line}" for line in item.help)
    return f"{place}{item.message} [{item.code}]{advice}"


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics sorted by place, each once, with its first trace."""

    def place(item: Diagnostic) -> tuple[str, int, int, str, str]:
        if item.span is None:
            return ("", 0, 0, item.code, item.message)
        span = item.span
        return (span.source.path, span.start, span.end, item.code, item.message)

    unique: dict[tuple[str, int, int, str, str], Diagnostic] = {}
    for item in diagnostics:
        unique.setdefault(place(item), item)
    return sorted(unique.values(), key=place)


def did_you_mean(word: str, candidates: Iterable[str], kind: str) -> tuple[str, ...]:
    """Return a help line that names the candidate closest to a misspelled word, if any is close."""
    names = sorted(set(candidates))
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        close = [name for name in names if name.lower() == word.lower()]
    article = "an" if kind[0] in "aeiou" else "a"
    return (f"{article} {kind} with a similar name exists: `{close[0]}`",) if close else ()


def shortened(text: str, longest: int = 60) -> str:
    """Return a text for use inside a message: on one line, and truncated if it is long."""
    shown = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in shown)
