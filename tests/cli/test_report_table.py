"""What users are shown when a build has ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from kit.specs import large_spec, plan_of, write_spec
from kit.stores import pretend

from legonet.building import Plan, Report, Result
from legonet.building.proof import Proof, Proved
from legonet.building.result import Outcome
from legonet.building.storage.diagnoses import value_of
from legonet.cli import report_table
from legonet.diagnostics import Diagnostic, Severity


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


FIGURES = {
    "error_rate": 0.121,
    "error_rate_low": 0.084,
    "error_rate_high": 0.17,
    "teacher_error_rate": 0.08,
    "teacher_error_rate_low": 0.05,
    "teacher_error_rate_high": 0.12,
    "donor_error_rate": 0.096,
}
PIXELS = {"pixel_accuracy": 0.9, "pixel_accuracy_low": 0.88, "pixel_accuracy_high": 0.91}


def with_certificate(made: Report, number: int, outcome: Outcome, **certificate: object) -> Report:
    """Return a report in which one edge has another certificate."""
    result = made.edges[number]
    assert result.artifact is not None
    found = replace(result.artifact, certificate={**result.artifact.certificate, **certificate})
    edges = list(made.edges)
    edges[number] = replace(result, outcome=outcome, artifact=found, reason="no better than chance")
    return replace(made, edges=tuple(edges))


def test_an_error_stands_with_the_larger_half_of_its_interval(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    made = with_certificate(report(plan, {}), 3, "reused", metrics=FIGURES)
    made = with_certificate(made, 4, "reused", metrics=PIXELS)
    report_table.show_report(made, 0)
    told = capsys.readouterr().out.splitlines()
    own, pixels = (
        next(line for line in told if line.startswith(plan.edges[number].name + " "))
        for number in (3, 4)
    )
    assert own.split("reused")[1].split() == ["12.1", "±", "4.9", "%", "8.0", "%", "9.6", "%"]
    assert pixels.split("reused")[1].split() == ["10.0", "±", "2.0", "%", "px"]
    assert any(line.startswith("±: half of the 95 % interval; donor's:") for line in told)


def test_a_narrow_terminal_leaves_columns_out_but_never_the_interval(
    plan: Plan, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(report(plan, {}), edges=report(plan, {}).edges[:5])
    made = with_certificate(few, 3, "reused", metrics=FIGURES)

    def table() -> list[str]:
        return [line for line in shown(made) if line.startswith("edge") or " -> " in line]

    # The width that the whole table has, and what it has without its first spare column.
    for left_out in (set(), {"samples"}, {"samples", "donor's"}):
        rows = table()
        assert {"samples", "teacher's", "donor's"} - set(rows[0].split()) == left_out
        assert len(rows) == 6
        assert any("12.1 ± 4.9 %" in row for row in rows)
        columns = max(map(len, rows))
        monkeypatch.setenv("COLUMNS", str(columns))
        assert table() == rows
        monkeypatch.setenv("COLUMNS", str(columns - 1))


def test_a_failed_edge_that_is_kept_and_warnings_stand_below_the_table(
    plan: Plan, shown: Shown
) -> None:
    warning = Diagnostic("LEGO652", "it errs on more", severity=Severity.WARNING)
    made = with_certificate(report(plan, {}), 3, "failed", metrics=FIGURES)
    made = with_certificate(made, 4, "reused", warnings=[value_of(warning)])
    told = shown(made)
    name, other = plan.edges[3].name, plan.edges[4].name
    assert f"{name} failed, its adapter is kept: no better than chance" in told
    assert f"warning: {other}: it errs on more (LEGO652)" in told
    assert "1 step failed; what is built is kept" in told


def test_what_was_measured_again_is_counted(plan: Plan, shown: Shown) -> None:
    told = shown(report(plan, {plan.edges[0].name: "measured", plan.edges[1].name: "measured"}))
    assert "measured again, as there are new figures: 2 edges" in told
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
