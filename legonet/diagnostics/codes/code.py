"""A diagnostic's code with its long text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A diagnostic's code, for ``legonet explain``.

    Args:
        name: ``LEGO`` and three digits.
        title: One line, lower case.
        explanation: What is wrong, why it matters and how to fix it, in Markdown.
    """

    name: str
    title: str
    explanation: str
