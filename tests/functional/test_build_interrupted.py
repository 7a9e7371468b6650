"""Ctrl-C and SIGTERM at any moment: a build ends soon, keeps its work and says how to continue.

No test looks at a clock. Where something would run for minutes if a signal were lost, a command
that ends at all has received it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kit.commands import environment
from kit.specs import write_spec

LONGEST = 120
"""Seconds after which a command that should have ended is given up."""

ENDLESS = """
data digits {{ source: digits() }}
for number in [{numbers}] {{
  network net_${{number}} {{
    model: legonet.small_vgg(classes: 10, channels: 4)
    train {{ data: digits, epochs: 100000, seed: number }}
  }}
}}
"""

AT_IMPORT = """
class Importer:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            os.kill(os.getpid(), NUMBER)

sys.meta_path.insert(0, Importer())
"""

AT_CHECK = """
import legonet.building.workspace as workspace

def check(self, plan, **how):
    os.kill(os.getpid(), NUMBER)
    time.sleep(1000)

workspace.Workspace.check = check
"""

AT_PROOF = """
import legonet.building.proof as proof

def prove(*given, **more):
    os.kill(os.getpid(), NUMBER)
    time.sleep(1000)

proof.prove = prove
"""

HELD_UP = """
import legonet.building.execution.scheduler as scheduler
import legonet.building.workspace as workspace

def check(self, plan, **how):
    os.kill(os.getpid(), NUMBER)

workspace.Workspace.check = check
scheduler.Scheduler.close = lambda self, patience: time.sleep(1000)
"""

AT_CLOSE = """
import legonet.building.execution.scheduler as scheduler
import legonet.building.workspace as workspace
import legonet.cli.interruption as interruption

def check(self, plan, **how):
    os.kill(os.getpid(), NUMBER)

def close(self, patience):
    os.kill(os.getpid(), NUMBER)
    time.sleep(1000)

workspace.Workspace.check = check
scheduler.Scheduler.close = close
interruption.LATEST = 1000
"""


def default_signals() -> None:
    """Receive signals as in a terminal, whatever the process that runs the tests ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def begin(folder: Path, *command: str, **streams: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment(),
        preexec_fn=default_signals,
        start_new_session=True,
        text=True,
        **({"stderr": subprocess.PIPE, "stdout": subprocess.PIPE} | streams),
    )


@contextmanager
def training(folder: Path, *options: str, networks: int) -> Iterator[subprocess.Popen[str]]:
    """Begin a build that never ends, and give it when so many networks are being trained."""
    numbers = ", ".join(str(number) for number in range(networks))
    write_spec(folder, ENDLESS.format(numbers=numbers))
    before = len(events(folder))
    process = begin(folder, "-m", "legonet", "build", "small.lego", *options)
    try:
        while len({event["name"] for event in losses(folder, before)}) < networks:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def events(folder: Path) -> list[dict[str, Any]]:
    file = folder / ".legonet" / "events.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]


def losses(folder: Path, before: int = 0) -> list[dict[str, Any]]:
    return [event for event in events(folder)[before:] if event["event"] == "loss"]


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that another one started."""
    return [
        int(child)
        for file in Path(f"/proc/{process.pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize(
    ("number", "code", "jobs"),
    [(signal.SIGINT, 130, 3), (signal.SIGTERM, 143, 1), (signal.SIGHUP, 129, 1)],
)
def test_training_stops_with_a_checkpoint_from_which_the_same_command_resumes(
    tmp_path: Path, number: signal.Signals, code: int, jobs: int
) -> None:
    options = ("--jobs", str(jobs))
    with training(tmp_path, *options, networks=jobs) as process:
        workers = children(process)
        os.killpg(process.pid, number)  # as a terminal does, or a cluster
        _, told = process.communicate(timeout=LONGEST)
    assert process.returncode == code
    assert f"interrupted: 0 of {jobs} steps are finished and kept" in told
    assert "run the same command again to continue" in told
    assert "Traceback" not in told
    assert len(workers) == jobs
    while any(is_alive(worker) for worker in workers):
        time.sleep(0.05)  # the system is about to end them
    assert len(list((tmp_path / ".legonet" / "checkpoints").glob("*.pt"))) == jobs
    before = len(events(tmp_path))
    with training(tmp_path, *options, networks=jobs):
        first = {event["name"]: event["step"] for event in reversed(losses(tmp_path, before))}
    assert all(step > 1 for step in first.values())


@pytest.mark.parametrize(
    "moment",
    [AT_IMPORT, AT_CHECK, AT_PROOF, HELD_UP],
    ids=["import", "check", "proof", "held up"],
)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_build_can_be_interrupted_at_any_moment(
    tmp_path: Path, moment: str, number: signal.Signals, code: int
) -> None:
    process = begin(tmp_path, "-c", script(tmp_path, moment, number, prove=moment is AT_PROOF))
    printed, told = process.communicate(timeout=LONGEST)
    assert process.returncode == code, told
    assert printed == ""
    assert re.search(r"^interrupted: ", told, re.MULTILINE)
    assert "Traceback" not in told


def test_a_second_signal_ends_a_build_that_is_being_closed(tmp_path: Path) -> None:
    process = begin(tmp_path, "-c", script(tmp_path, AT_CLOSE, signal.SIGINT))
    _, told = process.communicate(timeout=LONGEST)
    assert process.returncode == 130
    assert "interrupted: what is finished is kept" in told


def script(folder: Path, moment: str, number: signal.Signals, *, prove: bool = False) -> str:
    """Return a program that runs a build and sends itself a signal at some moment."""
    # Where nothing is to be built, a proof is all there is to do.
    text = "data digits { source: digits() }" if prove else ENDLESS.format(numbers="0")
    write_spec(folder, text)
    return (
        f"import os, signal, sys, time\nNUMBER = {int(number)}\n{moment}\n"
        f"sys.argv = ['legonet', 'build', 'small.lego'{', ' + repr('--prove') if prove else ''}]\n"
        "from legonet.cli.main import run\nrun()\n"
    )


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    """As that of a command which a shell script runs in the background."""
    write_spec(tmp_path, "data digits { source: digits() }")
    code = (
        "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "class Importer:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'legonet.graph':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Importer())\n"
        "sys.argv = ['legonet', 'check', 'small.lego']\n"
        "from legonet.cli.main import run\nrun()\n"
    )
    process = begin(tmp_path, "-c", code)
    _, told = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, told


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    write_spec(tmp_path, ENDLESS.format(numbers="0"))
    code = script(tmp_path, AT_CHECK.replace("time.sleep(1000)", "pass"), signal.SIGINT)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment(), "TERM": "xterm"},
        preexec_fn=default_signals,
        start_new_session=True,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 130
    assert b"\x1b[?25l" in shown  # the bars hide the cursor
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"interrupted: 0 of 1 steps" in shown


def read_all(terminal: int) -> bytes:
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux's way of saying that nobody writes any more
            more = b""
        if not more:
            os.close(terminal)
            return shown
        shown += more


@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 1, 2)])
def test_closed_streams_do_no_harm(tmp_path: Path, closed: tuple[int, ...]) -> None:
    """No file that is written takes the place of a stream, and gets the output for the user."""
    spec = write_spec(tmp_path)
    before = spec.read_bytes()
    closing = "".join(f"os.close({number})\n" for number in closed)
    # A process of its own, since Python looks at its streams when it starts.
    code = (
        f"import os, sys\n{closing}"
        "os.execv(sys.executable, [sys.executable, '-m', 'legonet', 'plan', 'small.lego'])\n"
    )
    process = begin(tmp_path, "-c", code)
    printed, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert ("ancestor" in printed) == (1 not in closed)
    assert spec.read_bytes() == before
