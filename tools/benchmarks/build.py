"""How well a build uses the machine: many small edges, nothing to do, memory, and kills.

Builds are those of `legonet build` in processes of their own, on the digits that come with
scikit-learn: category and task networks of one epoch, and edges by back-distillation, of a second
or two with one thread. Shares are taken within one build, so that they hold on any machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "tests"
LEGONET = [sys.executable, "-m", "legonet"]

LOOK_EVERY = 0.05
"""Seconds between two looks at the memory of a build's processes."""

SPEC = """\
let cut = "features.4"
data digits {{ source: digits() }}

for digit in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {{
  for number in [{categories}] {{
    network c${{digit}}_${{number}}_net {{
      model: legonet.small_vgg(classes: 1, channels: 8)
      train {{ data: digits, category: digit, epochs: 1, seed: number }}
    }}
    category c${{digit}}_${{number}} {{ from: c${{digit}}_${{number}}_net, until: cut }}
    for question in [{tasks}] {{
      adapter c${{digit}}_${{number}} -> t${{question}} {{
        layers: [conv(1)]
        method: back_distillation(init: solve, steps: {steps}, pairs: 32)
        samples: 20
      }}
    }}
  }}
}}
for question in [{tasks}] {{
  network t${{question}}_net {{
    model: legonet.small_vgg(classes: 1, channels: 8)
    train {{ data: digits, category: "0", epochs: 2, seed: question }}
  }}
  task t${{question}} {{ from: t${{question}}_net, after: cut }}
}}
"""
DIGITS = 10
TASKS = 5


def spec_of(edges: int, steps: int) -> str:
    """Return a spec with so many edges onto five tasks.

    Args:
        edges: How many; a multiple of fifty.
        steps: Gradient steps of each.
    """
    categories = edges // (DIGITS * TASKS)
    names = ", ".join(map(str, range(TASKS)))
    return SPEC.format(
        categories=", ".join(map(str, range(categories))),
        tasks=names,
        steps=steps,
    )


@dataclass
class Build:
    """One build as a process.

    Args:
        spec: The spec.
        jobs: Orders at once.
        kill_at: Finished steps of all builds of this store after which it is killed.
        threads: Of each order.
        waiting: How threads wait for each other; default: as legonet has it.
    """

    spec: Path
    jobs: int
    kill_at: int | None = None
    threads: int = 1
    waiting: str | None = None
    began: float = field(init=False)
    ended: float = field(init=False)
    parent: int = field(init=False, default=0)
    """Bytes of the process that was started, at most."""

    @property
    def store(self) -> Path:
        """The store's folder."""
        return self.spec.parent / ".legonet"

    def run(self) -> Build:
        """Run it, and return it."""
        before = len(events(self.store))
        self.began = time.time()
        with (self.spec.parent / "words").open("wb") as words:
            process = subprocess.Popen(
                [*LEGONET, "build", str(self.spec), "--jobs", str(self.jobs)],
                env=self._environment(),
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
            over = Event()
            watch = Thread(target=self._watch, args=(process.pid, over))
            watch.start()
            try:
                code = process.wait()
            finally:
                # Who interrupts the measurement interrupts the build.
                process.terminate()
                self.ended = time.time()
                over.set()
                watch.join()
        if code and self.kill_at is None:
            raise SystemExit((self.spec.parent / "words").read_text())
        self.lines = events(self.store)[before:]
        return self

    def _environment(self) -> dict[str, str]:
        chosen = {"OMP_NUM_THREADS": str(self.threads)}
        if self.waiting is not None:
            chosen["OMP_WAIT_POLICY"] = self.waiting
        given = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        return given | chosen

    def _watch(self, number: int, over: Event) -> None:
        while not over.wait(LOOK_EVERY):
            self.parent = max(self.parent, high_water(number))
            if self.kill_at is not None and len(finished(events(self.store))) >= self.kill_at:
                os.killpg(number, signal.SIGKILL)
                return

    @cached_property
    def finished(self) -> dict[str, dict[str, Any]]:
        """The lines about finished steps, by name."""
        return finished(self.lines)

    @cached_property
    def started(self) -> dict[str, float]:
        """When each step was begun."""
        return {line["name"]: line["at"] for line in self.lines if line["event"] == "started"}

    @property
    def work(self) -> float:
        """Seconds of all steps together."""
        return sum(line["seconds"] for line in self.finished.values())

    @property
    def workers(self) -> int:
        """Bytes of the largest process at work, at most."""
        return max(line["memory"] for line in self.finished.values())

    def phases(self) -> dict[str, float]:
        """Return the seconds of the parts of a whole build."""
        last = max(line["at"] for line in self.finished.values())
        # A worker is ready when its first order begins, which is told when that ends.
        ready = min(line["at"] - line["seconds"] for line in self.finished.values())
        return {
            "start_and_check": ready - self.began,
            "scheduling": last - ready,
            "proof_and_end": self.ended - last,
            "whole": self.ended - self.began,
        }

    def overhead(self) -> dict[str, float]:
        """Return the share of the places' time that is no step's work."""
        phases = self.phases()
        return {
            name: 1 - self.work / (self.jobs * phases[name]) for name in ("scheduling", "whole")
        }


def events(store: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a store's ``events.jsonl``; one may be just being written."""
    file = store / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def finished(lines: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the lines about finished steps, by name."""
    return {line["name"]: line for line in lines if line["event"] == "finished"}


def high_water(process: int) -> int:
    """Return the most memory that a process ever had, or 0 where it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def specs(folder: Path, sizes: Sequence[int], steps: int) -> Iterator[tuple[int, Path]]:
    """Write specs of some numbers of edges, each in a folder of its own."""
    for edges in sizes:
        place = folder / str(edges)
        place.mkdir()
        spec = place / "edges.lego"
        spec.write_text(spec_of(edges, steps))
        yield edges, spec


def nothing_to_do(folder: Path, edges: int, runs: int) -> dict[str, Any]:
    """Measure a build of a spec of which everything is built, in turn with `python -c pass`."""
    sys.path.insert(0, str(TESTS))
    from large_specs import pretend

    folder.mkdir()
    spec = folder / "edges.lego"
    spec.write_text(spec_of(edges, 3))
    pretend(spec)
    found, bare = [], []
    for _ in range(runs):
        found.append(seconds_of([*LEGONET, "build", str(spec)]))
        bare.append(seconds_of([sys.executable, "-c", "pass"]))
    return {
        "edges": edges,
        "seconds": round(statistics.median(found), 3),
        "python_pass_seconds": round(statistics.median(bare), 3),
    }


def seconds_of(command: Sequence[str]) -> float:
    """Return the seconds of a command."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def resumed(whole: Build, folder: Path, steps: int, edges: int) -> dict[str, Any]:
    """Kill a build at a quarter, a half and three quarters, and say what is done twice.

    Args:
        whole: The same build, undisturbed.
        folder: Where it is meanwhile.
        steps: Gradient steps of each edge.
        edges: How many.
    """
    folder.mkdir()
    ((_, spec),) = specs(folder, [edges], steps)
    total = len(whole.finished)
    builds = [Build(spec, whole.jobs, total * part // 4).run() for part in (1, 2, 3)]
    builds.append(Build(spec, whole.jobs).run())
    twice = 0.0
    for build, later in pairwise(builds):
        for name, started in build.started.items():
            if name in build.finished or name not in later.finished:
                continue
            # What a checkpoint saved is not done again.
            work = build.ended - started + later.finished[name]["seconds"]
            twice += max(0.0, work - whole.finished[name]["seconds"])
    return {
        "kills": 3,
        "finished_steps_built_again": sum(len(build.finished) for build in builds) - total,
        "seconds_done_twice_per_kill": round(twice / 3, 2),
        "share_of_the_build_per_kill": round(twice / 3 / whole.work, 4),
    }


def beside(folder: Path, steps: int) -> dict[str, Any]:
    """Measure a build beside busy processes, one for each core, and beside another build.

    Orders have two threads, and there are as many as cores allow. A fair share is half of the
    machine, so a build takes twice as long at best.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = max(1, (cores or 1) // 2)

    def build(name: str, waiting: str) -> Build:
        place = folder / f"{name} {waiting}"
        place.mkdir(parents=True)
        ((_, spec),) = specs(place, [50], steps)
        return Build(spec, jobs, threads=2, waiting=waiting)

    found: dict[str, Any] = {"jobs": jobs, "threads": 2}
    for waiting in ("PASSIVE", "ACTIVE"):
        alone = build("alone", waiting).run().phases()["whole"]
        busy = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores or 1)
        ]
        try:
            shared = build("busy", waiting).run().phases()["whole"]
        finally:
            for process in busy:
                process.kill()
                process.wait()
        pair = [build(name, waiting) for name in ("first", "second")]
        with ThreadPoolExecutor(2) as threads:
            both = [done.phases()["whole"] for done in threads.map(Build.run, pair)]
        found[waiting.lower()] = {
            "seconds_alone": round(alone, 1),
            "beside_busy_processes": round(shared / alone, 2),
            "beside_a_second_build": round(max(both) / alone, 2),
        }
    return found


def rounded(values: dict[str, float], digits: int) -> dict[str, float]:
    """Return values that a person can read."""
    return {name: round(value, digits) for name, value in values.items()}


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench build", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--edges", type=int, default=200, help="of the largest build (200)")
    parser.add_argument("--jobs", type=int, default=4, help="at once, of one thread each (4)")
    parser.add_argument("--steps", type=int, default=20, help="gradient steps of an edge (20)")
    parser.add_argument("--runs", type=int, default=5, help="of a build with nothing to do (5)")
    parser.add_argument("--beside", action="store_true", help="measure shared machines alone")
    chosen = parser.parse_args()
    if chosen.edges % 50:
        parser.error("--edges must be a multiple of 50")
    sizes = sorted(
        {max(50, chosen.edges // 200 * 50), max(50, chosen.edges // 100 * 50), chosen.edges}
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.beside:
            found = beside(folder, chosen.steps)
            print(json.dumps(found, indent=2) if chosen.json else shares(found))
            return
        builds = {
            edges: Build(spec, chosen.jobs).run()
            for edges, spec in specs(folder, sizes, chosen.steps)
        }
        largest = builds[chosen.edges]
        document = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "build": {
                "edges": chosen.edges,
                "networks": len(largest.finished) - chosen.edges,
                "jobs": chosen.jobs,
                "seconds_of_an_edge": round(
                    statistics.median(
                        line["seconds"]
                        for line in largest.finished.values()
                        if line["kind"] == "adapter"
                    ),
                    2,
                ),
                "seconds": rounded(largest.phases(), 2),
                "overhead": rounded(largest.overhead(), 4),
            },
            "nothing_to_do": nothing_to_do(folder / "standing", 1000, chosen.runs),
            "memory": [
                {
                    "edges": edges,
                    "parent_megabytes": round(build.parent / 1e6),
                    "worker_megabytes": round(build.workers / 1e6),
                }
                for edges, build in builds.items()
            ],
            "kills": resumed(builds[sizes[0]], folder / "killed", chosen.steps, sizes[0]),
            "beside": beside(folder / "beside", chosen.steps),
        }
    print(json.dumps(document, indent=2) if chosen.json else readable(document))


def readable(document: dict[str, Any]) -> str:
    """Return a document as lines for a person."""
    build, idle, kills = document["build"], document["nothing_to_do"], document["kills"]
    seconds, overhead = build["seconds"], build["overhead"]
    memory = "".join(
        f"memory at {item['edges']:>3} edges: parent {item['parent_megabytes']} MB,"
        f" largest worker {item['worker_megabytes']} MB\n"
        for item in document["memory"]
    )
    return (
        f"{build['edges']} edges of {build['seconds_of_an_edge']} s and {build['networks']}"
        f" networks, {build['jobs']} at once: {seconds['whole']} s\n"
        f"  start and check {seconds['start_and_check']} s, steps {seconds['scheduling']} s,"
        f" proof and end {seconds['proof_and_end']} s\n"
        f"  not spent in steps: {overhead['scheduling']:.1%} while steps are taken,"
        f" {overhead['whole']:.1%} of all\n"
        f"nothing to do on {idle['edges']} edges: {idle['seconds']} s"
        f" (python -c pass: {idle['python_pass_seconds']} s)\n"
        f"{memory}"
        f"{kills['kills']} kills: {kills['seconds_done_twice_per_kill']} s of work done twice each,"
        f" {kills['share_of_the_build_per_kill']:.1%} of the build;"
        f" finished steps built again: {kills['finished_steps_built_again']}\n"
        f"{shares(document['beside'])}"
    )


def shares(found: dict[str, Any]) -> str:
    """Return how a build shares a machine as lines for a person."""
    lines = [
        f"50 edges, {found['jobs']} at once of {found['threads']} threads; half of the machine:"
    ]
    for waiting in ("passive", "active"):
        row = found[waiting]
        lines.append(
            f"  {waiting} waiting: alone {row['seconds_alone']} s, beside busy processes"
            f" {row['beside_busy_processes']} times as long, beside a second build"
            f" {row['beside_a_second_build']} times"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
