"""A build that is killed at any moment goes on where it was, and ends with the same bits."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from kit.real_builds import (
    Kind,
    Moment,
    RealBuild,
    artifacts,
    certificates,
    check_sound,
)
from kit.specs import SMALL, write_spec

from legonet.building import Store
from legonet.building.storage.maintenance import Maintenance

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are read from /proc")

KILLS = int(os.environ.get("LEGONET_KILLS", "3"))
"""Of each of the ten tests; LEGONET_KILLS=100 makes a thousand of them, in a night."""

METHOD = "back_distillation(init: default, adapter_relus: random, steps: 10, pairs: 8)"
# Each step is a checkpoint, so a few steps are enough to be killed in.
SPEC = (
    SMALL.replace("epochs: 1,", "epochs: 1, batch_size: 256, learning_rate: 0.01,")
    .replace("back_distillation(init: solve, steps: 3)", METHOD)
    .replace("let labels = 4", "let labels = 10")
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, dict[str, Any]]:
    """The seconds of a build that nobody kills, and what it leaves."""
    # One for all processes of pytest, where there are several.
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "undisturbed"
    folder.mkdir(exist_ok=True)
    seconds = folder / "seconds"
    with FileLock(folder / "lock"):
        if not seconds.exists():
            started = time.monotonic()
            build = RealBuild(write_spec(folder, SPEC))
            assert build.end() == 0, build.words
            seconds.write_text(str(time.monotonic() - started))
    return float(seconds.read_text()), certificates(folder / ".legonet")


def a_moment(chance: random.Random, seconds: float, workers: bool) -> Moment:
    """Return a moment in the life of a build.

    Args:
        chance: Chooses.
        seconds: That the build takes if nobody kills it.
        workers: Whether it has processes for its orders.
    """
    victim = chance.choice(["group", "parent", "worker"] if workers else ["parent"])
    who = chance.choice(["parent", "worker"]) if victim == "group" else victim
    match chance.choice(["seconds", "events", "touches"]):
        case "seconds":
            # Without workers, nothing waits for their start.
            return Moment("seconds", chance.uniform(0, (0.8 if workers else 0.3) * seconds), victim)
        case "events":
            return Moment("events", chance.randint(1, 35), victim)
        case _ if who == "worker":
            return Moment("worker's touches", chance.randint(1, 100), victim)
        case _:
            # Without workers it is the parent that writes checkpoints.
            return Moment("parent's touches", chance.randint(1, 60 if workers else 350), victim)


@pytest.mark.parametrize(
    ("seed", "kind"), [(seed, "command" if seed < 2 else "threads") for seed in range(10)]
)
def test_a_build_killed_at_any_moment_ends_as_if_nobody_had_killed_it(
    seed: int, kind: Kind, undisturbed: tuple[float, dict[str, Any]], tmp_path: Path
) -> None:
    seconds, whole = undisturbed
    chance = random.Random(seed)
    kills, stores = 0, 0
    while kills < KILLS:
        stores += 1
        folder = tmp_path / str(stores)
        folder.mkdir()
        spec = write_spec(folder, SPEC)
        stood: dict[str, tuple[int, int]] = {}
        code = None
        while code != 0:
            moment = a_moment(chance, seconds, kind == "command") if kills < KILLS else None
            build = RealBuild(spec, kind, moment=moment)
            code = build.end()
            kills += code != 0
            if code == 3:
                check_death(build, moment)
            else:
                assert code in (0, -9), build.words
            check_sound(build.store)
            stands = artifacts(build.store)
            assert stood.items() <= stands.items()
            stood = stands
        assert certificates(build.store) == whole
        check_nothing_is_left(build.store)


def check_death(build: RealBuild, moment: Moment | None) -> None:
    """Check that a step whose process was killed failed alone."""
    assert moment is not None
    assert moment.victim == "worker"
    failed = [line for line in build.lines() if line["event"] == "failed"]
    found = [item["code"] for line in failed for item in line["diagnostics"]]
    assert set(found) == {"LEGO711"}, build.words


def check_nothing_is_left(store: Path) -> None:
    """Check that no checkpoint is left; parts of files and nobody's locks go with a `gc`."""
    assert not list((store / "checkpoints").iterdir())
    stood = artifacts(store)
    removed = Maintenance(Store(store)).collect()
    assert all(file.name.startswith(".") for file in removed)
    assert artifacts(store) == stood
    assert not list((store / "locks").iterdir())
