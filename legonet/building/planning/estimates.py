"""How long a step may take and how much memory it may need, judging by earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from legonet.building.planning.cost_class import CostClass
from legonet.building.planning.plan import Estimate, Step
from legonet.building.storage.database import Database
from legonet.building.storage.file_list import FileList

MOST = 20_000
"""How many rows of runs are kept; the oldest are dropped."""

COMPARED = 5
"""How many of the latest runs an estimate is the median of."""


@dataclass(frozen=True)
class _Run:
    amount: float | None
    seconds: float
    memory: int | None

    def scaled(self, amount: float | None) -> float:
        """Return the seconds that another amount of work of the same kind would take."""
        return self.seconds * (amount / self.amount if amount and self.amount else 1.0)


class Runs:
    """The earlier runs of steps.

    Args:
        index: The index of the store, which keeps them.
        file_lists: The file lists of the steps' pictures, by their key.
    """

    def __init__(self, index: Database, file_lists: Mapping[str, FileList]) -> None:
        self._index = index
        self._file_lists = file_lists

    def add(self, step: Step, seconds: float, memory: int | None) -> None:
        """Record what a step took.

        Args:
            step: A network or an edge of the graph that was built.
            seconds: How long it took.
            memory: Its peak in bytes; None where unknown.

        Raises:
            DiagnosticError: The index cannot be written.
        """
        cost_class = self._cost_class(step)
        run = _Run(cost_class.amount, round(seconds, 3), memory)
        rows = [(name, run.amount, run.seconds, memory) for name in cost_class.classes]
        with self._index.writing() as index:
            insert = "INSERT INTO runs (class, amount, seconds, memory) VALUES (?, ?, ?, ?)"
            index.executemany(insert, rows)
            limit = "DELETE FROM runs WHERE number <= (SELECT max(number) FROM runs) - ?"
            index.execute(limit, (MOST,))
        for name in cost_class.classes:
            self._by_class.setdefault(name, []).append(run)

    def estimate(self, step: Step) -> Estimate | None:
        """Return what a step may take: the median of the latest of the most similar runs.

        Args:
            step: A network or an edge of the graph that is not direct.
        """
        if not self._by_class:
            return None
        cost_class = self._cost_class(step)
        for name in cost_class.classes:
            if runs := self._by_class.get(name, [])[-COMPARED:]:
                memory = [run.memory for run in runs if run.memory is not None]
                return Estimate(
                    median(run.scaled(cost_class.amount) for run in runs),
                    round(median(memory)) if memory else None,
                )
        return None

    @cached_property
    def _by_class(self) -> dict[str, list[_Run]]:
        found: dict[str, list[_Run]] = {}
        query = "SELECT class, amount, seconds, memory FROM runs ORDER BY number"
        for name, amount, seconds, memory in self._index.known(query):
            found.setdefault(name, []).append(_Run(amount, seconds, memory))
        return found

    def _cost_class(self, step: Step) -> CostClass:
        return CostClass.of(step, self._file_lists)
