"""Builds in processes of their own, killed at any moment, and what must hold of their store.

The processes are forked from one that has imported torch and what else takes seconds, so that a
build costs its work alone; the workers that it starts are new.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from kit.specs import workspace_of
from legonet.building import Event, Store
from legonet.building.execution.resources import Resources
from legonet.building.storage.maintenance import Maintenance
from legonet.building.storage.store import KINDS

HOOKS = Path(__file__).parents[1] / "hooks"
WORKER = "legonet.building.execution.worker"

Kind = Literal["command", "threads"]
"""What builds: the command, which starts workers, or threads of one process."""

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "networkx",
        "sklearn.datasets",
        "torch._dynamo",  # otherwise imported at the first step of an optimizer
        "legonet.building.execution.step_runner",
        "legonet.building.proof",
        "legonet.building.planning.shapes",
        "legonet.cli.commands.build",
        "legonet.cli.main",
    ]
)

PATIENCE = 120.0
"""Seconds after which a process hangs that should have ended long ago."""


@dataclass(frozen=True)
class Moment:
    """When a build is killed, and who of it.

    Args:
        unit: Seconds since its start; lines that it adds to ``events.jsonl``; or touches of files
            in the store by the parent, or by a worker.
        amount: How many.
        victim: All its processes, the one that was started, or one of those that it started.
    """

    unit: Literal["seconds", "events", "parent's touches", "worker's touches"]
    amount: float
    victim: Literal["group", "parent", "worker"]

    @property
    def environment(self) -> dict[str, str]:
        """What makes the hooks kill a process in front of a touch."""
        who, _, what = self.unit.partition("'s ")
        whom = "group" if self.victim == "group" else "itself"
        return {"KILL_AT_TOUCH": f"{who} {self.amount} {whom}"} if what else {}


class RealBuild:
    """A build of a spec, in a session of its own.

    Args:
        spec: The spec.
        jobs: How many jobs at once.
        kind: What builds.
        moment: When it is to be killed.
    """

    def __init__(
        self,
        spec: Path,
        kind: Kind = "command",
        *,
        jobs: int = 2,
        moment: Moment | None = None,
    ) -> None:
        self.store = spec.parent / ".legonet"
        self.moment = moment
        self._lines = len(events(self.store))
        self._words = spec.parent / f"{time.monotonic_ns()}.words"
        touches = moment.environment if moment else {}
        self.process = FORKED.Process(target=_build, args=(spec, kind, jobs, self._words, touches))
        with patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}):
            self.process.start()

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.exitcode is None

    @property
    def words(self) -> str:
        """What it said."""
        return self._words.read_text(errors="replace") if self._words.exists() else ""

    def members(self) -> list[int]:
        """Return its processes that live."""
        return [number for number, session in _alive() if session == self.pid]

    def workers(self) -> list[int]:
        """Return the processes that it started for its orders."""
        return [number for number in self.members() if WORKER in _command(number)]

    def lines(self) -> list[dict[str, Any]]:
        """Return what it wrote into ``events.jsonl``."""
        return events(self.store)[self._lines :]

    def end(self) -> int:
        """Let it run, be killed at its moment if it has one, and return its exit code."""
        try:
            if self.moment is not None:
                self._wait_for(self.moment)
            self.process.join(PATIENCE)
            code = self.process.exitcode
            assert code is not None, f"it hangs: {self.words}"
            deadline = time.monotonic() + PATIENCE
            while self.members():
                assert time.monotonic() < deadline, f"left behind: {self.members()}"
                time.sleep(0.01)
            return code
        finally:
            self.kill("group")
            self.process.join()

    def kill(self, victim: str) -> None:
        """Kill it as a whole, or one of its processes."""
        workers = self.workers() if victim == "worker" else []
        try:
            if victim == "group":
                os.killpg(self.pid, signal.SIGKILL)
            elif workers:
                os.kill(workers[0], signal.SIGKILL)
            elif self.runs:
                self.process.kill()
        except ProcessLookupError:
            return  # it was faster

    def _wait_for(self, moment: Moment) -> None:
        started = time.monotonic()
        while self.runs:
            seconds = time.monotonic() - started
            if (moment.unit == "seconds" and seconds >= moment.amount) or (
                moment.unit == "events" and len(self.lines()) >= moment.amount
            ):
                self.kill(moment.victim)
                return
            time.sleep(0.005)


def _build(spec: Path, kind: Kind, jobs: int, words: Path, touches: dict[str, str]) -> None:
    """Build a spec in this process, which is in a session of its own."""
    os.setsid()
    with words.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.update(touches)
    # Workers look for modules where this process does.
    sys.path.insert(0, str(HOOKS))
    from fragile import make_fragile

    make_fragile("parent")
    if kind == "command":
        from legonet.cli.main import run

        sys.argv = ["legonet", "build", str(spec), "--executor", "processes", "--jobs", str(jobs)]
        run()
    else:
        workspace, plan = workspace_of(spec)
        resources = Resources(jobs=jobs, executor="threads")
        sys.exit(len(workspace.build(plan, _tell, resources).failed))


def _tell(event: Event) -> None:
    """Write a line for each step of a training, before its checkpoint."""
    if event.kind == "loss":
        print(event.step.name, flush=True)


def events(store: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a store's ``events.jsonl``; one may be just being written."""
    file = store / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def told(store: Path, event: str) -> Counter[str]:
    """Return how often an event was told, by the name of the step."""
    return Counter(line["name"] for line in events(store) if line["event"] == event)


def artifacts(store: Path) -> dict[str, tuple[int, int]]:
    """Return what tells each artifact's file from any that takes its place, by its name."""
    files = [file for kind in KINDS for file in (store / f"{kind}s").glob("[!.]*.safetensors")]
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def certificates(store: Path) -> dict[str, dict[str, Any]]:
    """Return all that stands, but for how long it took."""
    found = {}
    for kind in KINDS:
        for file in (store / f"{kind}s").glob("[!.]*.safetensors"):
            artifact = Store(store).find(kind, file.stem)
            assert artifact is not None, f"half an artifact: {file}"
            found[file.stem] = {**artifact.certificate, "seconds": None}
    return found


def check_sound(store: Path) -> None:
    """Check what holds of a store at any moment at which nobody is at work in it."""
    if not store.exists():
        return
    _, damaged = Maintenance(Store(store)).verify()
    assert not damaged
    assert not list(store.rglob("*.damaged"))
    for file in (store / "locks").glob("*.lock"):
        with file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    certificates(store)
    assert not told(store, "finished") - Counter(told(store, "finished").keys())


def _alive() -> Iterator[tuple[int, int]]:
    """Give the processes that live, each with its session."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session, *_ = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            yield int(file.parent.name), int(session)


def _command(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
