"""Where legonet keeps what only saves time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

VARIABLE = "LEGONET_CACHE_DIR"
"""The environment variable that names another folder; where it is empty, nothing is kept."""


def cache_folder() -> Path | None:
    """Return the user's own folder for what can be lost, or None where there is none.

    It is made for its owner alone, since what lies in it is believed.
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
