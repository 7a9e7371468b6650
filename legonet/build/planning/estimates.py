"""How long a step may take and how much memory it may need, judged by earlier runs.

Runs are kept in a file of JSON lines in the store. A lost one costs estimates and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from legonet.build.planning.likeness import Likeness
from legonet.build.storage.files import append_line, write_whole
from legonet.build.storage.inventory import Inventory
from legonet.graph import ModuleGraph

if TYPE_CHECKING:
    from legonet.build.planning.plan import Step

RUNS = "runs.jsonl"
"""The file in a store that keeps runs."""

LARGEST = 1 << 20
"""Bytes of that file, about; the older half is forgotten then."""

COMPARED = 5
"""Runs whose median an estimate is, the latest ones."""


@dataclass(frozen=True)
class Estimate:
    """What a step may take.

    Args:
        seconds: Of its work.
        memory: Bytes at its peak; None where no run like it has measured them.
    """

    seconds: float
    memory: int | None


@dataclass(frozen=True)
class _Run:
    likeness: Likeness
    seconds: float
    memory: int | None

    def scaled(self, amount: float | None) -> float:
        """Return the seconds that another amount of work of the same kind would take."""
        own = self.likeness.amount
        return self.seconds * (amount / own if amount and own else 1.0)


class Runs:
    """The earlier runs of steps.

    Args:
        file: Where they are kept.
        graph: The graph whose steps are asked about.
        inventories: The files behind the steps' pictures, by their key.
    """

    def __init__(
        self, file: Path, graph: ModuleGraph, inventories: Mapping[str, Inventory]
    ) -> None:
        self._file = file
        self._graph = graph
        self._inventories = inventories

    def add(self, step: Step, seconds: float, memory: int | None) -> None:
        """Note what a step took.

        Args:
            step: A network or an edge of the graph that was built.
            seconds: That it took.
            memory: Bytes at its peak; None where they are not known.

        Raises:
            DiagnosticError: The file cannot be written.
        """
        run = _Run(self._likeness(step), seconds, memory)
        document = {
            "classes": run.likeness.classes,
            "amount": run.likeness.amount,
            "seconds": round(seconds, 3),
            "memory": memory,
        }
        self._forget()
        # The line end stands in front, so that a line which a crash cut off spoils no other.
        append_line(self._file, b"\n" + json.dumps(document).encode())
        self._enter(self._by_class, run)

    def estimate(self, step: Step) -> Estimate | None:
        """Return what a step may take: the median of the latest runs that are most alike.

        Args:
            step: A network or an edge of the graph that is not direct.
        """
        if not self._by_class:
            return None
        likeness = self._likeness(step)
        for name in likeness.classes:
            if runs := self._by_class.get(name, [])[-COMPARED:]:
                memory = [run.memory for run in runs if run.memory is not None]
                return Estimate(
                    median(run.scaled(likeness.amount) for run in runs),
                    round(median(memory)) if memory else None,
                )
        return None

    @cached_property
    def _by_class(self) -> dict[str, list[_Run]]:
        found: dict[str, list[_Run]] = {}
        for run in _read(self._file):
            self._enter(found, run)
        return found

    @staticmethod
    def _enter(runs: dict[str, list[_Run]], run: _Run) -> None:
        for name in run.likeness.classes:
            runs.setdefault(name, []).append(run)

    def _likeness(self, step: Step) -> Likeness:
        return Likeness.of(step, self._graph, self._inventories)

    def _forget(self) -> None:
        """Keep the file from growing without end; what two builds add meanwhile may be lost."""
        try:
            if self._file.stat().st_size <= LARGEST:
                return
        except FileNotFoundError:
            return
        lines = self._file.read_bytes().splitlines()
        write_whole(self._file, b"\n".join(lines[len(lines) // 2 :]))


def _read(file: Path) -> Iterator[_Run]:
    try:
        lines: Sequence[bytes] = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue  # cut off by a crash
        match document:
            case {
                "classes": [*classes],
                "amount": int() | float() | None as amount,
                "seconds": int() | float() as seconds,
                "memory": int() | None as memory,
            }:
                yield _Run(Likeness(tuple(map(str, classes)), amount), float(seconds), memory)
