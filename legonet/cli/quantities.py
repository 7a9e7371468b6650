"""Numbers as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a time such as ``0.4 s``, ``12 s``, ``3 min`` or ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size(number: float) -> str:
    """Return a number of bytes such as ``12 MiB`` or ``1.2 GiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1023.5:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
