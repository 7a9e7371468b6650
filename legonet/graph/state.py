"""How far the edges of a graph have come, for those who show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """How far an edge has come."""

    MISSING = "missing"
    LEARNING = "learning"
    BUILT = "built"
    FAILED = "failed"
    DIRECT = "direct"


@dataclass(frozen=True)
class EdgeState:
    """How far one edge has come, and how good it is.

    Args:
        state: How far.
        metrics: Such as ``error_rate`` and ``teacher_error_rate``, shares between 0 and 1.
        fraction: Of the work of one that is learning, 0 to 1.
        message: Of one that is learning, a few words such as ``step 40/150``; of one that failed,
            why.
    """

    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    fraction: float = 0.0
    message: str = ""
