"""Asking an order to stop: it keeps a checkpoint first, where it has one to keep."""

from __future__ import annotations

import time

PATIENCE = 0.5
"""Seconds after which an order that is asked to stop does not wait for its next checkpoint."""


class StopSign:
    """Set by one thread, seen by the one that fills an order."""

    def __init__(self) -> None:
        self._since: float | None = None

    def set(self) -> None:
        """Ask to stop."""
        if self._since is None:
            self._since = time.monotonic()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._since is not None

    @property
    def urgent(self) -> bool:
        """Whether it was asked for a while ago, so that no checkpoint can be waited for."""
        return self._since is not None and time.monotonic() - self._since > PATIENCE
