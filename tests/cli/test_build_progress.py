"""What users see while a build runs, on a terminal and in a log."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.specs import plan_of, write_spec
from rich.console import Console

from legonet.building import Artifact, Event, Plan, Step
from legonet.building.planning.estimates import Estimate
from legonet.cli.bars import Bars, clock, shortened
from legonet.cli.progress import BuildProgress, Lines
from legonet.diagnostics import Diagnostic
from legonet.diagnostics.text import columns

LONG = "a_network_with_a_name_that_is_much_longer_than_a_terminal_is_wide"
WHY = "memory ran out while the pseudo-gradients of 4096 pictures were computed, or so it seems"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Of 16 networks, one of them with a long name, and 60 edges; nothing is built."""
    blocks = ["data digits { source: digits() }"]
    names = [*(f"c{number}" for number in range(6)), *(f"t{number}" for number in range(10))]
    for seed, name in enumerate(names):
        network = LONG if name == "t9" else f"{name}_net"
        blocks.append(
            f"network {network} {{ model: legonet.small_vgg(classes: 1, channels: 4)\n"
            f'train {{ data: digits, category: "3", epochs: 1, seed: {seed} }} }}'
        )
        ends = f'from: {network}, {"until" if name[0] == "c" else "after"}: "features.4"'
        blocks.append(f"{'category' if name[0] == 'c' else 'task'} {name} {{ {ends} }}")
    blocks += [
        f"adapter {category} -> {task} {{ samples: 4 }}"
        for category in names[:6]
        for task in names[6:]
    ]
    return plan_of(write_spec(tmp_path_factory.mktemp("planned"), "\n".join(blocks)))


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def progress_so_far(plan: Plan, time: Clock) -> BuildProgress:
    return BuildProgress(plan, time)


def network(plan: Plan, number: int) -> Step:
    return plan.networks[number]


def edge(plan: Plan, number: int) -> Step:
    return plan.edges[number]


def terminal(width: int, height: int = 24) -> Console:
    return Console(
        width=width, height=height, force_terminal=True, no_color=True, file=io.StringIO()
    )


def written(console: Console) -> list[str]:
    """Return the lines on a console, without what is there for colours."""
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue()).splitlines()


def drawn(bars: Bars, console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    console.file.seek(0)
    console.file.truncate()
    console.print(bars.picture())
    return [line.rstrip() for line in written(console)]


def artifact(**metrics: float) -> Artifact:
    return Artifact(Path("x.safetensors"), {"metrics": metrics})


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_bars_fit_a_terminal_of_any_width(
    progress_so_far: BuildProgress, plan: Plan, width: int
) -> None:
    console = terminal(width)
    bars = Bars(progress_so_far, console)
    for step in (plan.networks[0], plan.network(LONG), *plan.edges[:2]):
        bars.hear(Event("started", step))
        bars.hear(Event("progress", step, 0.25, "step 120/400  loss 0.31  and much more to say"))
    lines = drawn(bars, console)
    assert len(lines) == 5
    assert all(columns(line) <= width for line in lines)
    assert all("25%" in line and "0:00" in line for line in lines[1:])
    assert [("loss 0.31" in line) for line in lines[1:]] == [width >= 80] * 4
    assert any("━" in line for line in lines) == (width >= 80)


def test_bars_say_how_many_steps_have_ended_and_how_long_it_takes(
    progress_so_far: BuildProgress, plan: Plan, time: Clock
) -> None:
    console = terminal(80)
    bars = Bars(progress_so_far, console)
    for step in plan.networks[:3]:
        bars.hear(Event("started", step))
    bars.hear(Event("finished", network(plan, 0), seconds=60))
    bars.hear(Event("stopped", network(plan, 1)))
    time.now += 75
    whole, one = drawn(bars, console)
    assert f"2 of {progress_so_far.total}" in whole
    assert "1:15" in whole
    assert network(plan, 2).name in one


@pytest.mark.parametrize("height", [2, 3, 4, 10, 50])
def test_bars_never_take_more_lines_than_the_terminal_has(
    progress_so_far: BuildProgress, plan: Plan, height: int
) -> None:
    console = terminal(80, height)
    bars = Bars(progress_so_far, console)
    for step in plan.edges:
        bars.hear(Event("started", step))
    lines = drawn(bars, console)
    assert len(lines) < height
    shown = sum("->" in line for line in lines)
    if height > 2:
        assert lines[-1] == f"and {len(plan.edges) - shown} more at work"


def test_news_of_a_step_draws_nothing_by_itself(progress_so_far: BuildProgress, plan: Plan) -> None:
    """The bars are drawn a few times a second, however many steps an edge takes meanwhile."""
    console = terminal(80)
    bars = Bars(progress_so_far, console)
    bars.hear(Event("started", edge(plan, 0)))
    for number in range(1000):
        bars.hear(Event("progress", edge(plan, 0), number / 1000, f"step {number}/1000"))
        bars.hear(Event("loss", edge(plan, 0)))
    assert written(console) == []
    assert "step 999/1000" in drawn(bars, console)[1]


def test_a_finished_step_is_a_line_with_its_error_beside_the_teachers(
    progress_so_far: BuildProgress, plan: Plan
) -> None:
    console = terminal(80)
    bars = Bars(progress_so_far, console)
    bars.hear(Event("started", edge(plan, 0)))
    found = artifact(error_rate=0.042, teacher_error_rate=0.01)
    bars.hear(Event("finished", edge(plan, 0), seconds=12.3, artifact=found))
    (line,) = written(console)
    assert line.split() == f"built {edge(plan, 0).name} 12 s error 4.2 %, teacher's 1.0 %".split()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_failed_step_says_why_at_once_and_in_one_line(
    progress_so_far: BuildProgress, plan: Plan, width: int
) -> None:
    console = terminal(width)
    bars = Bars(progress_so_far, console)
    bars.hear(Event("started", edge(plan, 0)))
    bars.hear(Event("failed", edge(plan, 0), diagnostics=(Diagnostic("LEGO706", WHY),)))
    (line,) = written(console)
    assert columns(line) <= width
    assert line.startswith("failed")
    assert edge(plan, 0).name in line
    assert WHY[:12] in line
    assert (WHY in line) == (width == 200)


def test_what_is_damaged_is_counted_again(progress_so_far: BuildProgress, plan: Plan) -> None:
    console = terminal(80)
    bars = Bars(progress_so_far, console)
    bars.hear(Event("started", network(plan, 0)))
    bars.hear(Event("finished", network(plan, 0), seconds=1))
    assert (progress_so_far.ended, progress_so_far.finished) == (1, 1)
    bars.hear(Event("damaged", network(plan, 0)))
    assert (progress_so_far.ended, progress_so_far.finished) == (0, 0)
    assert written(console)[-1].split()[:2] == ["damaged", network(plan, 0).name]


def test_what_is_started_again_after_its_end_is_at_work(
    progress_so_far: BuildProgress, plan: Plan
) -> None:
    step = network(plan, 0)
    for kind in ("started", "finished", "started"):
        progress_so_far.hear(Event(kind, step))  # type: ignore[arg-type]
    assert progress_so_far.ended == 0
    assert [item.step for item in progress_so_far.at_work.values()] == [step]


def test_the_time_left_comes_from_estimates_and_the_steps_own_pace(plan: Plan, time: Clock) -> None:
    first, second, *others = plan.to_build
    known = {step.name: Estimate(10.0, None) for step in plan.to_build}
    progress_so_far = BuildProgress(with_estimates(plan, known), time)
    assert progress_so_far.left() == 10.0 * len(plan.to_build)
    progress_so_far.hear(Event("started", first))
    progress_so_far.hear(Event("started", second))
    time.now += 20
    progress_so_far.hear(Event("progress", first, 0.5))
    # The first is as slow as it is, the second is overdue, and two are at work at a time.
    assert progress_so_far.left() == (20 + 0 + 10 * len(others)) / 2
    for step in others:
        progress_so_far.hear(Event("started", step))
        progress_so_far.hear(Event("failed", step))
    assert progress_so_far.left() == 20


def test_the_time_left_is_not_told_where_nobody_can_know_it(plan: Plan, time: Clock) -> None:
    progress_so_far = BuildProgress(with_estimates(plan, {}), time)
    assert progress_so_far.left() is None
    for kind in ("network", "adapter"):
        step = next(step for step in plan.to_build if step.kind == kind)
        progress_so_far.hear(Event("started", step))
        progress_so_far.hear(Event("finished", step, seconds=3))
    assert progress_so_far.left() == 3.0 * (len(plan.to_build) - 2)


def with_estimates(plan: Plan, estimates: dict[str, Estimate]) -> Plan:
    """Return a plan whose estimates are known, whatever was built."""
    made = Plan(plan.graph, plan.networks, plan.edges, plan.runs, plan.file_lists)
    vars(made)["estimates"] = estimates
    return made


def test_a_log_has_a_line_for_each_step_however_many_are_at_work(
    progress_so_far: BuildProgress, plan: Plan, time: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(progress_so_far)
    steps = plan.edges[:3]
    for step in steps:
        lines.hear(Event("started", step))
    for _ in range(12):
        time.now += 1
        for step in steps:
            lines.hear(Event("progress", step, 0.5, "step 1/2"))
            lines.hear(Event("loss", step))
    lines.hear(Event("finished", steps[0], seconds=12, artifact=artifact(error_rate=0.5)))
    lines.hear(Event("failed", steps[1], diagnostics=(Diagnostic("LEGO706", WHY),)))
    told = capsys.readouterr().err.splitlines()
    words = [" ".join(line.split()[3:]) for line in told]
    assert words == [
        *(f"started {step.name}" for step in steps),
        *(f"50% {step.name} step 1/2" for step in steps),
        f"finished {steps[0].name} 12 s error 50.0 %",
        f"failed {steps[1].name} {WHY}",
    ]
    assert [line.split()[0] for line in told[-2:]] == [
        f"[{n}/{progress_so_far.total}]" for n in (1, 2)
    ]


def test_a_log_that_nobody_reads_any_more_stops_no_build() -> None:
    code = (
        "import os, sys\n"
        "from legonet.cli.output import note\n"
        "reading, writing = os.pipe()\n"
        "os.close(reading)\n"
        "os.dup2(writing, 2)\n"
        "for _ in range(3):\n    note('a line that nobody reads')\n"
        "print('went on')\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (finished.returncode, finished.stdout) == (0, "went on\n")


@given(st.text(max_size=60), st.integers(3, 40))
def test_a_shortened_name_fits_and_keeps_both_ends(name: str, room: int) -> None:
    short = shortened(name, room)
    if columns(name) <= room:
        assert short == name
    else:
        head, _, tail = short.partition("\N{HORIZONTAL ELLIPSIS}")
        assert columns(short) <= room
        assert name.startswith(head)
        assert name.endswith(tail)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (59.9, "0:59"), (75, "1:15"), (5999, "99:59"), (6000, "1h40m")],
)
def test_times_take_five_columns(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
