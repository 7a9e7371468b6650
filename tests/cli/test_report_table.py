"""What a person is told when a build has ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from large_specs import large_spec, pretend
from small_specs import plan_of, write_spec

from legonet.build import Plan, Report, Result
from legonet.build.proof import Proof, Proved
from legonet.build.result import Outcome
from legonet.cli import report_table
from legonet.diagnostics import Diagnostic


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Of 200 edges that are all built."""
    spec = write_spec(tmp_path_factory.mktemp("built"), large_spec(20, 10))
    pretend(spec)
    return plan_of(spec)


def report(
    plan: Plan, outcomes: Mapping[str, Outcome], proof: Proof | None = None, reason: str = "new"
) -> Report:
    """Return the report of a build; what is not named was built before."""

    def result(step):  # type: ignore[no-untyped-def]
        outcome = outcomes.get(step.name, "reused")
        found = None if outcome in ("failed", "stopped") else step.artifact
        return Result(step, outcome, reason, 1.5, found)

    networks = tuple(result(step) for step in plan.networks)
    edges = tuple(result(step) for step in plan.edges)
    return Report(plan, networks, edges, 81.8, Path("store"), proof)


Shown = Callable[..., list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Shows a report on a terminal, and returns the lines."""

    def show(made: Report, most_at_once: int = 0, *, prove: bool = False) -> list[str]:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        report_table.show_report(made, most_at_once, prove=prove)
        return capsys.readouterr().out.splitlines()

    monkeypatch.setenv("COLUMNS", "100")
    return show


def test_many_edges_do_not_flood_a_terminal_and_failures_are_among_the_shown(
    plan: Plan, shown: Shown
) -> None:
    outcomes: dict[str, Outcome] = {step.name: "built" for step in plan.edges[:100]}
    outcomes |= {plan.edges[150].name: "failed", plan.edges[160].name: "stopped"}
    told = shown(report(plan, outcomes), 4)
    assert len(told) < 50
    failed, stopped = (
        next(line for line in told if line.startswith(plan.edges[number].name + " "))
        for number in (150, 160)
    )
    assert "failed" in failed
    assert "stopped" in stopped
    assert "and 160 more edges: 62 built, 98 reused; `legonet inspect` shows all of them" in told
    assert "built 100 edges in 81.8 s, 4 at once" in told


def test_a_pipe_gets_all_edges(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    report_table.show_report(report(plan, {}), 0)
    told = capsys.readouterr().out
    assert all(step.name in told for step in plan.edges)
    assert "nothing to do" in told


def test_a_step_that_lacks_what_failed_says_so(plan: Plan, shown: Shown) -> None:
    network, edge = plan.networks[0], plan.edges[0]
    made = report(
        plan, {edge.name: "failed"}, reason=f"its category's network `{network.name}` failed"
    )
    whole = Result(network, "failed", "why", diagnostics=(Diagnostic("LEGO706", "why"),))
    made = Report(plan, (whole, *made.networks[1:]), made.edges, 1.0, made.store)
    told = shown(made, 1)
    assert f"{edge.name} is not built: its category's network `{network.name}` failed" in told
    assert not any(line.startswith(f"{network.name} is not built") for line in told)
    assert "2 steps failed; what is built is kept" in told
    assert not any("nothing to do" in line for line in told)


def test_what_was_damaged_is_named(plan: Plan, shown: Shown) -> None:
    name = plan.edges[3].name
    told = shown(report(plan, {name: "built"}, reason="what is stored is damaged"), 1)
    assert f"damaged before, and set aside: {name}" in told


def proof(statuses: list[str], violations: tuple[Diagnostic, ...] = ()) -> Proof:
    networks = (Proved("net", "unchanged", "a" * 64, "2026-01-02T03:04:05"),) * 8
    routes = tuple(
        Proved(f"c{number} -> t", status, f"{number:064}", "2026-01-02T03:04:05")  # type: ignore[arg-type]
        for number, status in enumerate(statuses)
    )
    return Proof(networks, (), routes, {}, violations)


def test_the_last_line_counts_what_is_proved(plan: Plan, shown: Shown) -> None:
    built: dict[str, Outcome] = {plan.networks[0].name: "built", plan.edges[0].name: "built"}
    told = shown(report(plan, built, proof(["unchanged"] * 12 + ["first"])), 1)
    assert told[-1] == (
        "built 1 network and 1 edge in 81.8 s; 8 frozen networks and 12 paths proved unchanged"
    )


def test_nothing_is_said_to_be_proved_where_something_changed(plan: Plan, shown: Shown) -> None:
    broken = proof(["changed", "unchanged"], (Diagnostic("LEGO730", "it answers otherwise"),))
    told = shown(report(plan, {}, broken), 0)
    assert not any("proved" in line for line in told)


def test_prove_shows_each_path_and_those_that_are_not_as_before_first(
    plan: Plan, shown: Shown
) -> None:
    statuses = ["unchanged"] * 60
    statuses[50] = "first"
    told = shown(report(plan, {}, proof(statuses)), 0, prove=True)
    (first,) = (line for line in told if line.startswith("c0 -> t "))
    assert first.split()[3:] == ["000000000000", "unchanged", "2026-01-02", "03:04"]
    assert any(line.startswith("c50 -> t") and "first" in line for line in told)
    assert "and 20 more paths, unchanged" in told
