"""Python's garbage collector, kept from going through trees that grow."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the collector while a tree is built.

    It would go through the whole tree again each time that it has grown by a quarter, and find
    nothing, since a tree has no circles; that takes as long as to read a large spec.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
