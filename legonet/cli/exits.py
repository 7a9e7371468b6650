"""Exit codes."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code means; 2 is wrong usage, which click itself reports."""

    GOOD = 0
    MISTAKES = 1
    FAILED = 3
    BUG = 70
    INTERRUPTED = 130
