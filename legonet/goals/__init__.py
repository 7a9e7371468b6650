"""The goals: the kinds of answers that networks give, and everything that depends on the kind."""

from __future__ import annotations

from collections.abc import Mapping

from legonet.goals.goal import GOALS, Goal
from legonet.goals.void import VOID
from legonet.registry import UnusableError

__all__ = ["GOALS", "VOID", "Goal", "goal_named", "goal_of"]


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
        if goal.figure in metrics:
            return goal
    return None
