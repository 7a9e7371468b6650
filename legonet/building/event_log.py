"""What the builds of a store did, as JSON lines that any program can follow: ``events.jsonl``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legonet.building.events import Event
from legonet.building.planning.step_status import EVENTS
from legonet.building.storage.files import append_line
from legonet.diagnostics import DiagnosticError
from legonet.diagnostics.json import to_json
from legonet.text_bytes import json_text

__all__ = ["EVENTS", "LARGEST", "NEWS_EVERY", "EventLog"]

LARGEST = 32 * 2**20
"""Bytes after which a new file is begun; one old file is kept."""

NEWS_EVERY = 0.5
"""Seconds between two lines about a step's progress, and between two about its loss."""


class EventLog:
    """Writes the events of one build; several builds may write to one file at once.

    A log that cannot be written does not stop the build: `trouble` says what went wrong.

    Args:
        file: The file.
        spec: The spec that is built.
    """

    def __init__(self, file: Path, spec: Path) -> None:
        self.trouble: DiagnosticError | None = None
        self._file = file
        self._spec = str(spec)
        self._build = f"{time.time_ns():x}-{os.getpid()}"
        self._told: dict[tuple[str, str], float] = {}

    def begin(self, to_build: int) -> None:
        """Write that a build begins, and how many steps it has."""
        self._make_room()
        self._write({"event": "build started", "spec": self._spec, "to_build": to_build})

    def end(self, counts: Mapping[str, int], seconds: float) -> None:
        """Write how a build ended: the number of steps by their outcome."""
        self._write({"event": "build ended", **counts, "seconds": round(seconds, 3)})

    def hear(self, event: Event) -> None:
        """Write an event, unless one of the same kind was just written about the same step."""
        kind = event.kind
        now = time.monotonic()
        last = event.loss is not None and event.loss.step == event.loss.steps
        if kind in ("progress", "loss") and not last:
            if now - self._told.get((kind, event.step.key), -NEWS_EVERY) < NEWS_EVERY:
                return
            self._told[kind, event.step.key] = now
        self._write(
            {
                "event": kind,
                "kind": event.step.kind,
                "name": event.step.name,
                "key": event.step.key,
                **_details(event),
            }
        )

    def write(self, event: str, **details: Any) -> None:
        """Write an event that concerns the build as a whole."""
        self._write({"event": event, **details})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self.trouble is not None:
            return
        whole = {"at": time.time(), "build": self._build, **line}
        try:
            append_line(self._file, b"\n" + json_text(whole, ascii_only=True).encode())
        except DiagnosticError as error:
            self.trouble = error

    def _make_room(self) -> None:
        try:
            if self._file.stat().st_size > LARGEST:
                self._file.replace(self._file.with_suffix(".old.jsonl"))
        except OSError:
            # There is none yet, or another build was faster. Any other error shows up on writing.
            return


def _details(event: Event) -> dict[str, Any]:
    match event.kind:
        case "progress":
            return {"fraction": round(event.fraction, 4), "message": event.message}
        case "loss" if event.loss is not None:
            point = event.loss
            held_out = {} if point.held_out is None else {"held_out": point.held_out}
            run = {"run": point.run, "step": point.step, "steps": point.steps}
            return {**run, "losses": dict(point.losses), **held_out}
        case "started":
            return {"reason": event.step.reason}
        case _:
            found = [to_json(item) for item in event.diagnostics]
            details = {"diagnostics": found} if found else {}
            trace = {"traceback": event.trace} if event.trace else {}
            seconds = {"seconds": round(event.seconds, 3), "memory": event.memory}
            return {**seconds, **details, **trace}
