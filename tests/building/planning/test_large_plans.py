"""Plans of large specs: no step is looked up twice, and nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kit.specs import large_spec, plan_of, write_spec
from kit.stores import pretend

from legonet.building import Store
from legonet.building.storage.digest_cache import DigestCache

CATEGORIES, TASKS = 12, 10
STEPS = CATEGORIES + TASKS + CATEGORIES * TASKS

LIGHT = """
import sys
sys.argv = ["legonet", "plan", "small.lego"]
from legonet.cli.main import run
try:
    run()
except SystemExit as left:
    assert not left.code, left.code
heavy = {"torch", "numpy", "rich", "ray", "fsspec", "watchfiles"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec of many edges with everything built."""
    spec = write_spec(tmp_path_factory.mktemp("large"), large_spec(CATEGORIES, TASKS))
    pretend(spec)
    return spec


def test_everything_is_found_built(large: Path) -> None:
    plan = plan_of(large)
    assert len(plan.networks) + len(plan.edges) == STEPS
    assert plan.to_build == ()
    # Equal networks of several names are one artifact.
    assert len({step.key for step in plan.networks}) == 2


def test_each_step_is_looked_up_once_and_each_file_read_once(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    def watch(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, call)

    watch(Store, "find")
    watch(Store, "is_damaged")
    watch(DigestCache, "digest")
    plan_of(large)
    assert counts == {"find": STEPS, "digest": 1}


def test_a_plan_that_says_why_imports_nothing_heavy(large: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=large.parent, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert "nothing to do" in finished.stdout


def test_one_changed_network_of_many_rebuilds_its_own_edges_alone(large: Path) -> None:
    plan = plan_of(large, "c3_net.train.epochs=5")
    assert {step.name for step in plan.to_build} == {
        "c3_net",
        *(f"c3 -> t{number}" for number in range(TASKS)),
    }
