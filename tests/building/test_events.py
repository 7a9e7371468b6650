"""What a build tells while it runs, and what it does with a step that fails."""

from __future__ import annotations

import pytest
from kit.specs import SMALL, build_of, write_spec

from legonet.building import Event, Report

EDGE = "digit_1 -> classify"
WILD = """
task again { from: net_1, after: cut }
adapter digit_3 -> again {
  method: back_distillation(init: default, weight: 1e300, pairs: 8, steps: 20)
  samples: labels
}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[Event]]:
    """A build of two learned edges, of which one breaks in its first step."""
    events: list[Event] = []
    text = SMALL.replace("adapter digit_3 ->", WILD + "adapter digit_3 ->")
    spec = write_spec(tmp_path_factory.mktemp("events"), text)
    return build_of(spec, listener=events.append), events


def test_every_training_tells_its_loss_curve(built: tuple[Report, list[Event]]) -> None:
    _, events = built
    for name, terms in (("net_1", {"task"}), (EDGE, {"task", "gradients"})):
        told = [event for event in events if event.step.name == name]
        points = [event.loss for event in told if event.loss is not None]
        assert points
        assert all(event.kind == "loss" for event in told if event.loss is not None)
        assert {term for point in points for term in point.losses} == terms
        runs = {point.run: 0 for point in points}
        for point in points:
            assert point.step == runs[point.run] + 1
            runs[point.run] = point.step
    held_out = [event.loss.held_out for event in events if event.loss and event.step.name == EDGE]
    assert any(value is not None for value in held_out)


def test_certificates_keep_the_loss_curves(built: tuple[Report, list[Event]]) -> None:
    report, events = built
    (network,) = (item for item in report.networks if item.step.name == "net_1")
    assert network.artifact is not None
    kept = network.artifact.certificate["learned"]["loss_curve"]
    told = [event.loss for event in events if event.loss and event.step.name == "net_1"]
    assert kept == [{"step": point.step, **point.losses} for point in told]


def test_an_edge_whose_numbers_break_fails_alone_and_says_which_and_when(
    built: tuple[Report, list[Event]],
) -> None:
    report, events = built
    assert [item.outcome for item in report.edges] == ["failed", "direct", "built"]
    assert report.failed[0].step.name == "digit_3 -> again"
    (diagnostic,) = report.failed[0].diagnostics
    assert diagnostic.code == "LEGO630"
    assert "digit_3 -> again" in diagnostic.message
    assert "gradients loss is inf in step 1 of 20" in diagnostic.message
    assert any("`weight`" in item for item in diagnostic.help)
    assert diagnostic.span is not None
    (event,) = (event for event in events if event.kind == "failed")
    assert event.diagnostics == report.failed[0].diagnostics


def test_a_step_begins_goes_on_and_ends_once(built: tuple[Report, list[Event]]) -> None:
    _, events = built
    for name in {event.step.name for event in events}:
        kinds = [event.kind for event in events if event.step.name == name]
        assert kinds[0] == "started"
        assert kinds[-1] in ("finished", "failed")
        assert set(kinds[1:-1]) <= {"progress", "loss"}
