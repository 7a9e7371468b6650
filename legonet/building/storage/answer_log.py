"""The digests of networks, adapters and routes when they were first seen: ``answers.sqlite``.

The digest seen first counts, until a module that it depends on is about to be built again. Unlike
the index, this is evidence that must not disappear unnoticed, so it has a file of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from legonet.building.storage.database import Database
from legonet.building.storage.keys import key_of

ANSWERS = "answers.sqlite"
"""The file in a store."""

Kind = Literal["network", "adapter", "route"]
Status = Literal["unchanged", "first", "rebuilt", "changed"]


@dataclass(frozen=True)
class Seen:
    """A digest that has to stay the same.

    Args:
        kind: Whether it is of a network's bits, an adapter's bits, or a route's answer.
        key: The content key of the network, the adapter or the route.
        name: Its name, as shown to people.
        sha256: The digest.
        modules: The content keys of the modules that it depends on.
        environment: What computed an answer; None for modules, whose bits depend on none.
    """

    kind: Kind
    key: str
    name: str
    sha256: str
    modules: tuple[str, ...]
    environment: Mapping[str, str | int] | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What it is looked up by."""
        return self.key, "" if self.environment is None else key_of(self.environment)


@dataclass(frozen=True)
class Record:
    """What was seen first.

    Args:
        sha256: The digest.
        since: When it was first seen, as an ISO date and time.
        settled: Whether it has to stay the same; False while a module it depends on is rebuilt.
    """

    sha256: str
    since: str
    settled: bool = True

    def status(self, sha256: str) -> Status:
        """Return the status of the record, given the digest seen now."""
        if sha256 == self.sha256:
            return "unchanged"
        return "changed" if self.settled else "rebuilt"


class AnswerLog:
    """The records of a store; several builds may add to them at once.

    Args:
        folder: The store's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / ANSWERS
        # If it is damaged, a build must not begin a new one as if nothing had ever been seen.
        self._database = Database(self.file, _TABLES, version=1, durable=True)

    def read(self) -> dict[tuple[str, str], Record]:
        """Return the records as they are now, by `Seen.identity`.

        Raises:
            DiagnosticError: The file cannot be read.
        """
        rows = self._database.read("SELECT key, environment, sha256, since, settled FROM answers")
        return {
            (key, environment): Record(sha256, since, bool(settled))
            for key, environment, sha256, since, settled in rows
        }

    def add(self, seen: Collection[Seen]) -> None:
        """Write what was seen; records that are already settled do not change.

        Raises:
            DiagnosticError: The file cannot be written.
        """
        if not seen:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        modules = [(module, *item.identity) for item in seen for module in item.modules]
        with self._database.writing() as answers:
            answers.executemany(_ADD, [(*item.identity, item.sha256, now) for item in seen])
            answers.executemany("INSERT OR IGNORE INTO modules VALUES (?, ?, ?)", modules)

    def rebuilding(self, key: str) -> None:
        """Note that a module is about to be built, so that its bits may differ afterwards.

        On the CPU they will be the same; on a GPU, or on another computer, they need not be. The
        note is written before the work, so that a build killed after it causes no violation.

        Args:
            key: The content key.

        Raises:
            DiagnosticError: The file cannot be written.
        """
        with self._database.writing() as answers:
            answers.execute(_UNSETTLE, (key,))


_TABLES = (
    """CREATE TABLE answers (
        key TEXT, environment TEXT, sha256 TEXT, since TEXT, settled INTEGER,
        PRIMARY KEY (key, environment)
    ) WITHOUT ROWID""",
    """CREATE TABLE modules (
        module TEXT, key TEXT, environment TEXT, PRIMARY KEY (module, key, environment)
    ) WITHOUT ROWID""",
)

_ADD = """
INSERT INTO answers VALUES (?, ?, ?, ?, 1)
ON CONFLICT (key, environment) DO UPDATE SET
    since = CASE WHEN sha256 = excluded.sha256 THEN since ELSE excluded.since END,
    sha256 = excluded.sha256,
    settled = 1
WHERE NOT settled
"""

_UNSETTLE = """
UPDATE answers SET settled = 0
WHERE (key, environment) IN (SELECT key, environment FROM modules WHERE module = ?)
"""
