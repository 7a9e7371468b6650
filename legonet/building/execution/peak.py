"""The most memory that a stretch of work takes."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Lock
from typing import Any

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")

_LOCK = Lock()
"""Held while high-water marks are read and reset."""


class Peak:
    """A context manager that gives the peak memory, in bytes, of what ran inside it.

    On a GPU it is what torch's tensors took of the device; otherwise it is the resident set of the
    whole process, libraries included. Work in other threads at the same time counts too. Where the
    system cannot reset its high-water mark, the peak is that of the process's life so far.

    Args:
        device: Where torch computes, such as ``cpu`` or ``cuda:1``.
    """

    _open: list[Peak] = []  # noqa: RUF012 - shared on purpose

    def __init__(self, device: str) -> None:
        self.bytes: int | None = None
        """The peak, once the work is done; None where the system does not report it."""
        self._device = device

    def __enter__(self) -> Peak:
        """Start measuring."""
        with _LOCK:
            # Otherwise the open ones would lose what came before the reset.
            self._note()
            _reset(self._device)
            self._open.append(self)
        return self

    def __exit__(self, *raised: Any) -> None:
        """Record the peak."""
        with _LOCK:
            self._note()
            self._open.remove(self)

    def _note(self) -> None:
        """Record this device's high-water mark in all that are open on it."""
        mark = _high_water(self._device)
        for peak in self._open:
            if mark is not None and peak._device == self._device:  # noqa: SLF001
                peak.bytes = max(mark, peak.bytes or 0)


def _reset(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        # 5 resets VmHWM, see proc_pid_clear_refs(5).
        _RESET.write_text("5")
    except OSError:
        # Another system, or a container that forbids it.
        return


def _high_water(device: str) -> int | None:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        lines = []
    marks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return marks[0] if marks else _largest_ever()


def _largest_ever() -> int | None:
    """Return the largest resident set of the process's life, where Python can tell."""
    try:
        import resource
    except ImportError:
        return None
    # macOS counts bytes, all others kilobytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
