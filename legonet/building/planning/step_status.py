"""What builds are doing right now and what failed, according to a store's locks and event log."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from legonet.building.storage.locks import ENDING, try_lock
from legonet.building.storage.store import LOCKS
from legonet.diagnostics import DiagnosticError
from legonet.graph import EdgeState, State

EVENTS = "events.jsonl"
"""The file in a store in which builds log what they do."""

_ABOUT = re.compile(rb'"event": "(\w+)".*?"key": "(\w+)"')
_FURTHER = {b"progress", b"started"}
_ENDS = {b"failed", b"finished", b"stopped"}


class StepStatus:
    """The status of steps that are not finished.

    Args:
        folder: The store's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, keys: Collection[str]) -> dict[str, EdgeState]:
        """Return how far steps have come, by key; a step that was never begun has no entry.

        A step is learning while its lock is held; the lock ends with the build that holds it,
        however that build ends. A step has failed if its last event says so.

        Args:
            keys: The steps' content keys.
        """
        found = {}
        for key, (kind, line) in self._last_events(keys).items():
            if self._is_held(key):
                fraction = float(line.get("fraction", 0.0))
                found[key] = EdgeState(
                    State.LEARNING, fraction=fraction, message=str(line.get("message", ""))
                )
            elif kind == b"failed":
                found[key] = EdgeState(State.FAILED, message=_reason(line))
        return found

    def _is_held(self, key: str) -> bool:
        folder = self._folder / LOCKS
        # A store that cannot be written has no running builds.
        with suppress(DiagnosticError):
            if not (folder / f"{key}{ENDING}").exists():
                return False
            lock = try_lock(folder, key)
            if lock is None:
                return True
            lock.release()
        return False

    def _last_events(self, keys: Collection[str]) -> dict[str, tuple[bytes, Mapping[str, Any]]]:
        """Return the last event about each step, and its kind."""
        found: dict[str, tuple[bytes, Mapping[str, Any]]] = {}
        wanted = {key.encode() for key in keys}
        for line in self._newest_first():
            if not wanted:
                break
            about = _ABOUT.search(line)
            if about is None or about[2] not in wanted or about[1] not in _FURTHER | _ENDS:
                continue
            # A line that a full disk cut short is skipped.
            with suppress(ValueError):
                found[about[2].decode()] = (about[1], json.loads(line))
                wanted.discard(about[2])
        return found

    def _newest_first(self) -> Iterator[bytes]:
        # A log that cannot be read gives no status; a build reports its own store problems.
        with suppress(OSError):
            yield from reversed((self._folder / EVENTS).read_bytes().splitlines())


def _reason(line: Mapping[str, Any]) -> str:
    diagnostics = line.get("diagnostics") or [{}]
    return str(diagnostics[0].get("message", ""))
