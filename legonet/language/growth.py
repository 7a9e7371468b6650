"""How large a spec may grow while its imports, lets and loops are expanded."""

from __future__ import annotations

from collections.abc import Collection

from legonet.diagnostics import Diagnostic, DiagnosticError, Span, did_you_mean

MOST_VALUES = 600_000
"""Statements, turns of loops and values in a spec, at most; a long text counts as several."""

CHARACTERS_A_VALUE = 64
"""Characters of a text that count as one value."""

VALUES_AN_IMPORT = 20
"""How many values an import counts as, since it needs the file system."""

MOST_COMPARISONS = 50_000
"""Pairs of names that are compared to find the correct spelling of a name, at most."""


class TooLargeError(DiagnosticError):
    """The spec has grown larger than any spec needs to be; expansion stops."""


class Growth:
    """Counts how large a spec grows, since nested loops multiply quickly."""

    def __init__(self) -> None:
        self._values = 0
        self._comparisons = 0

    def add(self, values: int, span: Span) -> None:
        """Count some values.

        Args:
            values: How many more.
            span: Where they come from.

        Raises:
            TooLargeError: There are too many.
        """
        self.foresee(values, span)
        self._values += values

    def foresee(self, values: int, span: Span) -> None:
        """Refuse values that are still to come, before any work is done for them.

        Args:
            values: How many more, at least.
            span: Where they come from.

        Raises:
            TooLargeError: There are too many.
        """
        if self._values + values > MOST_VALUES:
            raise TooLargeError(
                Diagnostic(
                    "LEGO215",
                    f"the spec grows to more than {MOST_VALUES:,} statements and values",
                    span,
                    "the limit is exceeded here",
                    ("loop over fewer values, or divide the spec",),
                )
            )

    def add_text(self, length: int, span: Span) -> None:
        """Count a text by its length in characters; see `add`."""
        self.add(1 + length // CHARACTERS_A_VALUE, span)

    def similar(self, word: str, candidates: Collection[str], kind: str) -> tuple[str, ...]:
        """Return a help line like `did_you_mean`, until too many names have been compared."""
        self._comparisons += len(candidates)
        return did_you_mean(word, candidates, kind) if self._comparisons < MOST_COMPARISONS else ()
