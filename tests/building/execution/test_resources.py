"""How many cores a build takes, and how its threads wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from legonet.building.execution import resources
from legonet.building.execution.resources import cores, default_jobs


def group(folder: Path, **files: str) -> Path:
    for name, words in files.items():
        file = folder / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(exist_ok=True)
        file.write_text(words, encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("files", "share"),
    [
        ({"cpu_dot_max": "150000 100000\n"}, 1.5),
        ({"cpu_dot_max": "max 100000\n"}, None),
        ({"cpu__cpu_dot_cfs_quota_us": "400000\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, 4.0),
        ({"cpu__cpu_dot_cfs_quota_us": "-1\n", "cpu__cpu_dot_cfs_period_us": "100000\n"}, None),
        ({"cpu__cpu_dot_cfs_quota_us": "400000\n"}, None),
        ({"cpu_dot_max": "0 0\n"}, None),
        ({"cpu_dot_max": ""}, None),
        ({}, None),
    ],
)
def test_a_container_s_share_of_the_cores_is_read(
    tmp_path: Path, files: dict[str, str], share: float | None
) -> None:
    assert resources._share_of_cgroup(group(tmp_path, **files)) == share


@pytest.mark.parametrize(
    ("allowed", "share", "expected"), [(64, 2.0, 2), (4, 16.0, 4), (8, 0.3, 1), (8, None, 8)]
)
def test_cores_are_those_of_the_affinity_within_the_share_of_the_container(
    monkeypatch: pytest.MonkeyPatch, allowed: int, share: float | None, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    monkeypatch.setattr(resources, "_share_of_cgroup", lambda: share)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == expected
    assert default_jobs("cpu") == expected


@pytest.mark.parametrize(("given", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_commands_let_threads_wait_asleep_by_default(given: str | None, expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    code = (
        "import sys, os\n"
        "from legonet.cli import main\n"
        "assert 'torch' not in sys.modules\n"
        "sys.argv = ['legonet', '--version']\n"
        "try:\n    main.run()\nexcept SystemExit:\n    print(os.environ['OMP_WAIT_POLICY'])\n"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == expected
