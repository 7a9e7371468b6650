"""Keeps Python's garbage collector from scanning trees while they grow."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the collector while a tree is built.

    It would scan the whole tree each time it has grown by a quarter, and find nothing, since a tree
    has no cycles; that takes as long as reading a large spec.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
