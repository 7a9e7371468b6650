"""Measures every start and method on three sets of teachers, and writes docs/measurements.md.

Networks and single runs are kept in a folder: an interrupted study resumes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import torch
from edges import Setting, Table
from networks import DONOR, SEEDS, TARGETS, WIDE, Family, Zoo, silent
from report import Run, write_report
from torch import Tensor, nn
from variants import GROUPS, PICTURES, Variant, variants

from legonet.distill.learn import learn

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Task:
    """All variants of a group on one edge."""

    group: str
    setting: Setting


def main() -> None:
    """Train what is missing, run what is missing, and write the report."""
    parser = argparse.ArgumentParser(prog="tools/study", description=__doc__)
    cifar = ROOT.parent / "shared/data/cifar10_jpeg.npz"
    parser.add_argument("--cache", type=Path, required=True, help="folder for networks and runs")
    parser.add_argument("--pictures", type=Path, default=cifar, help="CIFAR-10 as JPEG bytes")
    parser.add_argument("--workers", type=int, default=2, help="processes, a thread each")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--report", action="store_true", help="write the report of what there is")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the report goes")
    chosen = parser.parse_args()
    zoo = Zoo(chosen.pictures, chosen.cache)
    (chosen.cache / "runs").mkdir(parents=True, exist_ok=True)
    if not chosen.report:
        with multiprocessing.get_context("spawn").Pool(chosen.workers, _one_thread) as workers:
            families = [Family(channels, seed) for channels in (32, WIDE) for seed in range(SEEDS)]
            list(workers.imap_unordered(partial(_train, zoo), families))
            tasks = chain.from_iterable(map(_tasks, chosen.groups))
            list(workers.imap_unordered(partial(_run, zoo), tasks))
    runs = [
        Run(**json.loads(line))
        for file in sorted((chosen.cache / "runs").glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]
    teachers = {family.name(animal): zoo.error(family, animal) for family, animal in _networks(zoo)}
    write_report(chosen.docs, runs, teachers)


def _tasks(group: str) -> list[Task]:
    settings = Setting.all(reordered=group != "identical")
    return [Task(group, setting) for setting in settings]


def _networks(zoo: Zoo) -> list[tuple[Family, str | None]]:
    """Return all networks that are there."""
    families = [Family(channels, seed) for channels in (32, WIDE) for seed in range(SEEDS)]
    every = [(family, animal) for family in families for animal in (None, DONOR, *TARGETS)]
    return [
        (family, animal)
        for family, animal in every
        if (zoo.cache / f"{family.name(animal)}.safetensors").exists()
    ]


def _one_thread() -> None:
    torch.set_num_threads(1)


def _train(zoo: Zoo, family: Family) -> None:
    for animal in (None, *TARGETS, *((DONOR,) if family.channels != WIDE else ())):
        zoo.network(family, animal)


def _run(zoo: Zoo, task: Task) -> None:
    """Run what is missing of a task; each run is written as soon as it is done."""
    file = zoo.cache / "runs" / f"{task.setting.name}-{task.group}.jsonl"
    known = file.read_text("utf-8").splitlines() if file.exists() else []
    done = {json.loads(line)["key"] for line in known}
    waiting = [variant for variant in variants(task.group) if variant.key not in done]
    if not waiting:
        return
    table = Table.of(task.setting, zoo)
    for variant in waiting:
        run = _measured(table, variant)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(run.__dict__) + "\n")
        print(f"{task.setting.name}  {variant.key}  {100 * run.reported:.2f} %", flush=True)


def _measured(table: Table, variant: Variant) -> Run:
    samples, unlabelled = PICTURES[variant.group]
    edge = table.edge(samples, unlabelled, own=variant.group != "nothing")
    started = time.perf_counter()
    learned = learn(edge, variant.learning(table.setting.seed), silent)
    seconds = time.perf_counter() - started

    def student(features: Tensor) -> Tensor:
        answer: Tensor = nn.Sequential(learned.adapter, edge.task_module)(features)
        return answer

    errors = table.errors(student)
    noted = ("start", "ancestor_r2", "matched_correlation", "agreement", "steps")
    return Run(
        key=variant.key,
        group=variant.group,
        variant=variant.name,
        teachers=table.setting.teachers,
        seed=table.setting.seed,
        animal=table.setting.animal,
        reordered=table.setting.reordered,
        validation=errors["validation"],
        reported=errors["reported"],
        of_teacher=table.errors(edge.teacher_top)["reported"],
        seconds=seconds,
        notes={name: learned.certificate[name] for name in noted if name in learned.certificate},
    )


if __name__ == "__main__":
    main()
