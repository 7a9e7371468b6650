"""The goals: the kinds of answers that networks give, and everything that depends on the kind."""

from __future__ import annotations

from collections.abc import Mapping

from legonet.goals.goal import AGAINST_TEACHER, GOALS, Goal
from legonet.goals.void import VOID
from legonet.registry import UnusableError

__all__ = [
    "AGAINST_TEACHER",
    "GOALS",
    "VOID",
    "Goal",
    "goal_named",
    "goal_of",
    "is_against_teacher",
]


def goal_named(name: str) -> Goal:
    """Return the goal of a name.

    Raises:
        KeyError: There is none.
        UnusableError: Its package cannot be used.
    """
    return GOALS.get(name)()


def goal_of(metrics: Mapping[str, float]) -> Goal | None:
    """Return the goal that figures are about; None where they have no error."""
    for name in GOALS.names:
        try:
            goal = goal_named(name)
        except UnusableError:  # its figures cannot have come from here
            continue
        if goal.figure in metrics or goal.against_teacher in metrics:
            return goal
    return None


def is_against_teacher(metrics: Mapping[str, float]) -> bool:
    """Return whether figures take the teacher's answers for the right ones, which nobody knows."""
    return any(name.startswith(AGAINST_TEACHER) for name in metrics)
