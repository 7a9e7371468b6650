"""What Python imports at its start where PYTHONPATH leads here: it makes real builds easy to hurt.

Every step of a training is a checkpoint. A process may kill itself, or all of its group, in front
of its n-th touch of a file in a store; the moments that matter are there, and no clock is needed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from legonet.build.storage import checkpoints

KILL = "KILL_AT_TOUCH"
"""Such as ``worker 12 group``: who, at which touch, and whether all of the group."""

TOUCHES = {"open", "os.mkdir", "os.remove", "os.rename"}
"""Audit events of Python."""


def kill_at(touch: int, group: bool) -> None:
    """Kill at a touch of a file in a store."""
    seen = 0

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in TOUCHES and "/.legonet/" in str(arguments[0]):
            seen += 1
            if seen == touch:
                os.kill(0 if group else os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)


checkpoints.INTERVAL = 0.0
checkpoints.LARGEST_SHARE = float("inf")
if KILL in os.environ:
    who, number, whom = os.environ[KILL].split()
    if who == ("worker" if "legonet.build.execution.worker" in sys.orig_argv else "parent"):
        kill_at(int(number), whom == "group")
