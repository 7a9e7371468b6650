"""A comparison as text."""

from __future__ import annotations

from collections.abc import Iterator

from legonet.render.comparison import KINDS, SIGNS, Change, Compared, Comparison
from legonet.render.words import error_words

_NOUNS = {"adapter": "edge"}


def to_text(comparison: Comparison) -> str:
    """Return a line for each statement that changed, and one that counts edges and networks."""
    lines = [
        line
        for kind in KINDS
        for item in comparison.of_kind(kind)
        if item.change is not Change.SAME or item.was is not None
        for line in _lines(item)
    ]
    return "\n".join([*lines, *_counts(comparison)])


def change_words(item: Compared) -> str:
    """Return what became of a statement, such as ``better: error 13.6 % → 9.7 %``."""
    before, after = (error_words(state) for state in (item.before, item.after))
    if item.change is Change.ADDED:
        figures = after
    elif item.change is Change.REMOVED:
        figures = before
    else:
        figures = f"{before} → {after.rpartition('error ')[2]}" if before and after else ""
        if before == after:
            figures = after
    if item.change is Change.SAME:
        return figures or item.change.value
    return f"{item.change.value}: {figures}" if figures else item.change.value


def _lines(item: Compared) -> Iterator[str]:
    noun = _NOUNS.get(item.key[0], item.key[0])
    was = f" (was {' -> '.join(item.was[1:])})" if item.was is not None else ""
    yield f"{SIGNS[item.change] or '='} {noun} {item.name}{was}: {change_words(item)}"
    if item.fields:
        yield f"    {', '.join(change.field for change in item.fields)}"


def _counts(comparison: Comparison) -> Iterator[str]:
    for kind in ("adapter", "network"):
        counts = comparison.counts(kind)
        number = sum(counts.values())
        noun = f"{_NOUNS.get(kind, kind)}{'s' * (number != 1)}"
        parts = ", ".join(f"{count} {change.value}" for change, count in counts.items())
        yield f"{number} {noun}" + (f": {parts}" if parts else "")
