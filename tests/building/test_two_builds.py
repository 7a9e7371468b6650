"""Builds of one store at the same time, in processes of their own: no double work, no damage."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from kit.real_builds import (
    PATIENCE,
    RealBuild,
    artifacts,
    certificates,
    check_sound,
    events,
    told,
)
from kit.specs import SMALL, write_spec

from legonet.building import Store
from legonet.building.storage.maintenance import Maintenance

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are read from /proc")

METHOD = "back_distillation(init: default, adapter_relus: random, steps: 20, pairs: 8)"
SPEC = SMALL.replace('["1", "3"]', '["1", "3", "5"]')
EDGE = f"adapter digit_5 -> classify {{ layers: [conv(1)], method: {METHOD}, samples: 6 }}\n"
NETWORKS = {"ancestor", "net_1", "net_3", "net_5"}
EDGES = {"digit_1 -> classify", "digit_5 -> classify"}


def builds_of(*specs: Path) -> list[RealBuild]:
    """Begin builds at the same time: the first with processes for its orders, others in threads."""
    first, *others = specs
    return [
        RealBuild(first, "command"),
        *(RealBuild(spec, "threads") for spec in others),
    ]


def check_done_once(store: Path, names: set[str]) -> None:
    """Check that each step was begun and finished by one build, and that all is sound."""
    check_sound(store)
    for event in ("started", "finished"):
        assert told(store, event) == dict.fromkeys(names, 1), event
    assert not told(store, "failed")
    assert len(artifacts(store)) == len(names)
    assert not list((store / "checkpoints").glob("*"))
    assert not list((store / "locks").glob("*"))


@pytest.mark.parametrize("number", [2, 3])
def test_builds_of_one_spec_share_the_work(number: int, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC + EDGE)
    builds = builds_of(*[spec] * number)
    assert [build.end() for build in builds] == [0] * number, [build.words for build in builds]
    check_done_once(builds[0].store, NETWORKS | EDGES)
    ended = [line for line in events(builds[0].store) if line["event"] == "build ended"]
    for outcome in ("built", "reused"):
        # What one of them built, all others reuse.
        factor = 1 if outcome == "built" else number - 1
        found = sum(line.get(outcome, 0) for line in ended)
        assert found == factor * len(NETWORKS | EDGES)


def test_builds_of_two_specs_share_their_networks(tmp_path: Path) -> None:
    specs = [write_spec(tmp_path, SPEC, "one.lego"), write_spec(tmp_path, SPEC + EDGE, "two.lego")]
    builds = builds_of(*specs)
    assert [build.end() for build in builds] == [0, 0], [build.words for build in builds]
    check_done_once(builds[0].store, NETWORKS | EDGES)


def test_a_build_takes_over_what_a_killed_one_held(tmp_path: Path) -> None:
    text = (SPEC + EDGE).replace("epochs: 1", "epochs: 3", 1)  # of the first network, to be hit in
    folder = tmp_path / "disturbed"
    folder.mkdir()
    undisturbed = RealBuild(write_spec(tmp_path, text), "threads")
    assert undisturbed.end() == 0, undisturbed.words
    spec = write_spec(folder, text)
    builds = builds_of(spec, spec)
    killed = holder(builds)
    (other,) = (build for build in builds if build is not killed)
    killed.kill("group")
    assert killed.end() == -9
    assert other.end() == 0, other.words
    check_sound(other.store)
    lost = Counter(_told_by(killed, "started")) - Counter(_told_by(killed, "finished"))
    assert "ancestor" in lost
    assert told(other.store, "started") == Counter(NETWORKS | EDGES) + lost
    assert told(other.store, "finished") == dict.fromkeys(NETWORKS | EDGES, 1)
    assert certificates(other.store) == certificates(undisturbed.store)
    assert not list((other.store / "locks").glob("*"))


def _told_by(build: RealBuild, event: str) -> list[str]:
    own = f"-{build.pid}"
    lines = (line for line in events(build.store) if line["build"].endswith(own))
    return [line["name"] for line in lines if line["event"] == event]


def holder(builds: list[RealBuild]) -> RealBuild:
    """Return the build that trains the first network, when another one waits for it."""
    store = builds[0].store
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        told_by = Counter(line["event"] for line in events(store) if line["event"] != "progress")
        at_work = [line for line in events(store) if line["event"] == "loss"]
        if told_by["build started"] == len(builds) and at_work:
            number = int(at_work[0]["build"].rpartition("-")[2])
            return next(build for build in builds if build.pid == number)
        time.sleep(0.005)
    raise AssertionError([build.words for build in builds])


def test_upkeep_beside_a_build_takes_nothing_from_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC + EDGE)
    (build,) = builds_of(spec)
    store = Store(build.store)
    rounds, damaged = 0, []
    while build.runs:
        if build.store.is_dir():
            upkeep = Maintenance(store)
            upkeep.collect()
            damaged += upkeep.verify()[1]
            rounds += 1
    assert build.end() == 0, build.words
    assert rounds
    assert not damaged
    check_done_once(build.store, NETWORKS | EDGES)
