"""Makes real builds easy to hurt.

Every step of a training is a checkpoint. A process may kill itself, or all of its group, before its
n-th touch of a file in a store; the moments that matter are there, and no clock is needed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from legonet.building.storage import checkpoints

KILL = "KILL_AT_TOUCH"
"""Such as ``worker 12 group``: who, at which touch, and whether all of the group."""

TOUCHES = {"open", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect"}
"""Audit events of Python."""


def make_fragile(role: str) -> None:
    """Prepare this process, which is a ``worker`` or the ``parent``."""
    checkpoints.INTERVAL = 0.0
    checkpoints.LARGEST_SHARE = float("inf")
    if KILL in os.environ:
        who, number, whom = os.environ[KILL].split()
        if who == role:
            kill_at(int(number), whom == "group")


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
