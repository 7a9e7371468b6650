"""From single runs to docs/measurements.md, with the runs themselves beside it."""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from edges import SETS
from networks import BACKGROUND, DONOR, EPOCHS, SEEDS, TARGETS, WIDE, write
from variants import GROUPS, variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One variant on one edge.

    Args:
        key: The variant's.
        group: Of the variant.
        variant: Its name.
        teachers: Set of teachers.
        seed: Of everything.
        animal: The target.
        reordered: Whether the filters of f stand in a random order.
        validation: Error rate on the half of the test pictures that choices may see.
        reported: Error rate on the other half.
        of_teacher: The teacher's on that half.
        seconds: For learning the adapter, on one thread.
        notes: From the certificate.
    """

    key: str
    group: str
    variant: str
    teachers: str
    seed: int
    animal: str
    reordered: bool
    validation: float
    reported: float
    of_teacher: float
    seconds: float
    notes: dict[str, Any] = field(default_factory=dict)


def write_report(
    docs: Path, runs: Sequence[Run], networks: dict[str, float], on: dict[str, str] | None = None
) -> None:
    """Write the tables and the single runs; the words around the tables stay as they are.

    Args:
        docs: The folder.
        runs: All runs in the order of their time; the last of a variant on an edge counts, and
            those of variants that no longer exist do not.
        networks: Error rates of the networks by their names.
        on: What the runs ran on; this machine unless given.
    """
    on = on or machine()
    current = {(variant.group, variant.name) for group in GROUPS for variant in variants(group)}
    last = {
        (run.group, run.variant, run.teachers, run.seed, run.animal, run.reordered): run
        for run in runs
        if (run.group, run.variant) in current
    }
    runs = [last[key] for key in sorted(last)]
    document = {"machine": on, "networks": networks, "runs": [asdict(run) for run in runs]}
    write(docs / "measurements.json", _compact(document))
    page = docs / "measurements.md"
    words = page.read_text("utf-8") if page.exists() else f"# Measurements\n\n{BEGIN}\n{END}\n"
    before, rest = words.split(BEGIN)
    tables = "\n".join(_tables(runs, networks, on))
    write(page, f"{before}{BEGIN}\n{tables}\n{END}{rest.split(END)[1]}")


BEGIN = "<!-- tables by tools/study: begin -->"
END = "<!-- tables by tools/study: end -->"


def machine() -> dict[str, str]:
    """Return what the runs ran on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "processor": platform.machine(),
        "system": platform.system(),
    }


def _tables(runs: Sequence[Run], networks: dict[str, float], on: dict[str, str]) -> Iterator[str]:
    yield from _about(runs, networks, on)
    for group, heading in GROUPS.items():
        chosen = [run for run in runs if run.group == group]
        if chosen:
            yield from ("", f"### {heading}", "", *_table(chosen, group))


def _about(runs: Sequence[Run], networks: dict[str, float], on: dict[str, str]) -> Iterator[str]:
    yield ""
    yield (
        f"Python {on['python']}, torch {on['torch']}, {on['system']} on {on['processor']}, one "
        f"thread a process, no accelerator. {len(runs)} runs, "
        f"{sum(run.seconds for run in runs) / 60:.0f} minutes of learning adapters."
    )
    yield ""
    yield (
        f"Ancestors: {EPOCHS['ancestor']} epochs on ten labels; specific networks: "
        f"{EPOCHS['specific']} epoch more on one animal against {', '.join(BACKGROUND)}. The task "
        f"module is that of {DONOR}. Errors in % on all test pictures, seeds 0 to {SEEDS - 1}:"
    )
    yield ""
    yield "| network | 32 channels | 48 channels |"
    yield "| --- | --- | --- |"
    for animal in ("ancestor", DONOR, *TARGETS):
        cells = [
            " / ".join(
                f"{100 * networks[name]:.1f}"
                for seed in range(SEEDS)
                if (name := f"{animal}-{channels}-{seed}") in networks
            )
            for channels in (32, WIDE)
        ]
        yield f"| {animal} | {cells[0]} | {cells[1] or '-'} |"


def _table(runs: Sequence[Run], group: str) -> Iterator[str]:
    """Yield a table: mean ± standard deviation over seeds and animals, and the number of runs."""
    cells: dict[tuple[str, str], list[Run]] = defaultdict(list)
    teachers: dict[str, dict[tuple[int, str], float]] = defaultdict(dict)
    for run in runs:
        cells[run.variant, run.teachers].append(run)
        teachers[run.teachers][run.seed, run.animal] = run.of_teacher
    yield "| method | " + " | ".join(f"{name}: {words}" for name, words in SETS.items()) + " | s |"
    yield "| --- |" + " --- |" * (len(SETS) + 1)
    of_teachers = (_figure(list(teachers[name].values())) for name in SETS)
    yield "| *the teachers themselves* | " + " | ".join(of_teachers) + " | |"
    for variant in variants(group):
        found = [cells[variant.name, name] for name in SETS]
        errors = (_figure([run.reported for run in part]) for part in found)
        seconds = [run.seconds for part in found for run in part]
        if seconds:
            yield f"| {variant.name} | " + " | ".join(errors) + f" | {fmean(seconds):.1f} |"


def _figure(shares: Sequence[float]) -> str:
    if not shares:
        return "-"
    spread = f" ± {100 * stdev(shares):.1f}" if len(shares) > 1 else ""
    return f"{100 * fmean(shares):.1f}{spread} ({len(shares)})"


def _compact(document: dict[str, Any]) -> str:
    """Return JSON with one run a line."""
    runs = ",\n".join(json.dumps(run) for run in document.pop("runs"))
    head = json.dumps(document, indent=1)[:-2]
    return f'{head},\n "runs": [\n{runs}\n]}}\n'
