"""What networks, adapters and routes were when they were first seen: ``probes.jsonl``.

A file of JSON lines that only grows, so that two builds at once and a killed one do it no harm.
What was seen first counts, until somebody begins to build a module again that it depends on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from legonet.build.storage.files import append_line
from legonet.build.storage.keys import key_of
from legonet.diagnostics import DiagnosticError

PROBES = "probes.jsonl"
"""The file in a store."""

Kind = Literal["network", "adapter", "route"]
Status = Literal["unchanged", "first", "rebuilt", "changed"]


@dataclass(frozen=True)
class Seen:
    """A digest that has to stay what it is.

    Args:
        kind: Of a network's bits, of an adapter's, or of what a route answered.
        key: The content key of the network, the adapter or the route.
        name: What a person calls it.
        sha256: The digest.
        modules: The content keys of the modules that it depends on.
        environment: What computed an answer; the bits of a module depend on none.
    """

    kind: Kind
    key: str
    name: str
    sha256: str
    modules: tuple[str, ...]
    environment: Mapping[str, str | int] | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """By what it is found again."""
        return self.key, "" if self.environment is None else key_of(self.environment)


@dataclass(frozen=True)
class Record:
    """What was seen first.

    Args:
        sha256: The digest.
        since: When it was seen first, as an ISO date and time.
        settled: Whether it has to stay; else a module that it depends on is built again.
    """

    sha256: str
    since: str
    settled: bool = True

    def status(self, sha256: str) -> Status:
        """Return what has become of it, now that this digest is seen."""
        if sha256 == self.sha256:
            return "unchanged"
        return "changed" if self.settled else "rebuilt"


class Probes:
    """The records of a store; several builds may add to one file at once.

    Args:
        file: Where they stand.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[tuple[str, str], Record]:
        """Return the records as they are now, by `Seen.identity`.

        Raises:
            DiagnosticError: The file cannot be read.
        """
        records: dict[tuple[str, str], Record] = {}
        users: dict[str, set[tuple[str, str]]] = {}
        for line in _lines(self.file):
            match line:
                case {"rebuilding": str(key)}:
                    for identity in users.get(key, ()):
                        records[identity] = replace(records[identity], settled=False)
                case {
                    "key": str(key),
                    "sha256": str(sha256),
                    "modules": [*modules],
                    "environment": {} | None as environment,
                    "at": str(at),
                }:
                    seen = Seen("route", key, "", sha256, tuple(map(str, modules)), environment)
                    _add(records, seen, at)
                    for module in seen.modules:
                        users.setdefault(module, set()).add(seen.identity)
        return records

    def add(self, seen: Collection[Seen]) -> None:
        """Write what was seen; what is known and settled is not changed by it.

        Raises:
            DiagnosticError: The file cannot be written.
        """
        if seen:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._write([{**vars(item), "at": at} for item in seen])

    def rebuilding(self, key: str) -> None:
        """Note that a module is about to be built, so that its bits may be others afterwards.

        On the CPU they will be the same; on a GPU, or on another computer, they need not be. It is
        written in front of the work, so that a kill behind the work does not make it a violation.

        Args:
            key: The content key.

        Raises:
            DiagnosticError: The file cannot be written.
        """
        self._write([{"rebuilding": key}])

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        append_line(self.file, b"\n".join(json.dumps(line).encode() for line in lines))


def _add(records: dict[tuple[str, str], Record], seen: Seen, at: str) -> None:
    known = records.get(seen.identity)
    if known is not None and known.settled:
        return
    since = known.since if known is not None and known.sha256 == seen.sha256 else at
    records[seen.identity] = Record(seen.sha256, since)


def _lines(file: Path) -> Iterator[Any]:
    """Give what stands in the lines; one that was cut off by a crash says nothing."""
    try:
        contents = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiagnosticError.of(
            "LEGO702",
            f"cannot read `{file}`: {error.strerror or error}",
            help=["permit reading, or remove it: what stands is then recorded anew"],
        ) from None
    for line in contents.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
