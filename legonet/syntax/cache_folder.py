"""Where legonet keeps files that only save time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "LEGONET_CACHE_DIR"
"""The environment variable that names another folder; if it is empty, nothing is kept."""


def cache_folder() -> Path | None:
    """Return the user's own folder for files that can be lost, or None if there is none.

    Only its owner gets access to it, since its contents are trusted.
    """
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    if named is None:
        from platformdirs import user_cache_path

        folder = user_cache_path("legonet", appauthor=False)
    else:
        folder = Path(named)
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder if os.access(folder, os.W_OK) else None
