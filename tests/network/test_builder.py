"""Edges are learned in the background, and finished ones answer meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
import torch
from kit.specs import SMALL, build_of, write_spec

import legonet
from legonet.building.execution.resources import Resources
from legonet.diagnostics import DiagnosticError
from legonet.distill.methods import BackDistillation

PICTURES = torch.rand(2, 3, 16, 16)
ENDLESS = BackDistillation(init="default", steps=1_000_000, pairs=8)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small spec with all that it says built."""
    spec = write_spec(tmp_path_factory.mktemp("builder"), SMALL)
    assert not build_of(spec).failed
    return spec


@pytest.fixture
def builder(spec: Path) -> Iterator[legonet.Builder]:
    with legonet.Builder(spec, resources=Resources(jobs=2)) as made:
        yield made


def test_an_edge_of_the_spec_that_stands_is_there_at_once(builder: legonet.Builder) -> None:
    assert builder.connect("digit_1", "classify").result(60).outcome == "reused"
    assert builder.connect("digit_3", "classify").result(60).outcome == "direct"
    assert builder(PICTURES, category="digit_1", task="classify").shape == (2, 1)


def test_a_new_edge_is_learned_and_then_answers(builder: legonet.Builder) -> None:
    before = builder(PICTURES, category="digit_1", task="classify")
    edge = builder.connect("digit_1", "classify", samples=6, layers=[1, 1])
    result = edge.result(120)
    assert (result.outcome, edge.progress) == ("built", 1.0)
    assert result.artifact is not None
    assert result.artifact.certificate["adapter"]["kernels"] == [1, 1]
    assert builder.graph.spec.adapters["digit_1", "classify"].learning is not None
    after = builder(PICTURES, category="digit_1", task="classify")
    assert after.shape == before.shape
    assert not torch.equal(after, before)


def test_while_one_edge_learns_another_answers(builder: legonet.Builder) -> None:
    edge = builder.connect("digit_1", "classify", method=ENDLESS)
    answer = builder(PICTURES, category="digit_3", task="classify")
    assert answer.shape == (2, 1)
    assert not edge.done()
    with pytest.raises(DiagnosticError, match="not built"):
        builder(PICTURES, category="digit_1", task="classify")
    assert edge.cancel()
    with pytest.raises(CancelledError):
        edge.result(60)
    assert edge.cancelled()
    assert not edge.cancel()


def test_edges_can_be_awaited_together(builder: legonet.Builder) -> None:
    async def both() -> list[str]:
        edges = [builder.connect("digit_1", "classify", samples=n) for n in (2, 8)]
        return [result.outcome for result in await asyncio.gather(*edges)]

    assert asyncio.run(both()) == ["built", "built"]


def test_who_stops_waiting_does_not_stop_the_edge(builder: legonet.Builder) -> None:
    edge = builder.connect("digit_1", "classify", method=ENDLESS, seed=1)

    async def wait() -> None:
        await asyncio.wait_for(edge, 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert not edge.done()


def test_closing_cancels_what_is_unfinished_and_keeps_its_checkpoint(spec: Path) -> None:
    with legonet.Builder(spec) as builder:
        edge = builder.connect("digit_1", "classify", method=ENDLESS, seed=2)
        while not edge.progress:
            assert not edge.done()
    assert edge.cancelled()
    assert list((spec.parent / ".legonet" / "checkpoints").glob("*.pt"))
    with pytest.raises(RuntimeError, match="closed"):
        builder.connect("digit_1", "classify")


def test_what_stood_is_proved_unchanged(builder: legonet.Builder) -> None:
    before = builder.prove()
    builder.connect("digit_1", "classify", samples=12).result(120)
    after = builder.prove()
    assert not before.violations
    assert not after.violations
    found = {item.name: item.status for item in (*after.networks, *after.routes)}
    assert found == {
        "ancestor": "unchanged",
        "net_1": "unchanged",
        "net_3": "unchanged",
        "digit_3 -> classify": "unchanged",
        "digit_1 -> classify": "first",
    }


def test_a_failing_edge_raises_and_others_go_on(builder: legonet.Builder) -> None:
    wild = BackDistillation(init="default", weight=1e300, pairs=8, steps=20)
    edge = builder.connect("digit_1", "classify", method=wild, samples=4)
    other = builder.connect("digit_1", "classify", samples=10)
    with pytest.raises(DiagnosticError, match="is inf in step 1"):
        edge.result(120)
    assert other.result(120).outcome == "built"


@pytest.mark.parametrize(
    ("arguments", "fields", "words"),
    [
        (("digit_2", "classify"), {}, "`digit_2`"),
        (("digit_1", "clasify"), {}, "`clasify`"),
        (("digit_1", "classify"), {"sample": 3}, "`sample`"),
        (("digit_1", "classify"), {"samples": -1}, "samples"),
        (("digit_1", "classify"), {"layers": [2]}, "odd"),
        (("digit_1", "classify"), {"method": "stiching()"}, "stitching"),
        (("digit_1", "classify"), {"layers": []}, "layers"),
    ],
)
def test_a_wrong_edge_is_refused_at_once(
    builder: legonet.Builder, arguments: tuple[str, str], fields: dict[str, object], words: str
) -> None:
    graph = builder.graph
    with pytest.raises(DiagnosticError, match=words):
        builder.connect(*arguments, **fields)
    assert builder.graph == graph
