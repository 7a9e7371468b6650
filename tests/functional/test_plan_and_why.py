"""What `legonet plan` and `legonet why` show."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import document, environment, legonet
from kit.specs import SMALL, plan_of, write_spec
from kit.stores import pretend

EPOCHS = ("--set", "net_1.train.epochs=4")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The small spec with everything built, in known times."""
    file = write_spec(tmp_path)
    plan = pretend(file)
    for step in plan.to_build:
        memory = 3 << 29 if step.kind == "network" else None
        plan.runs.add(step, 25.0, memory)
    return file


def test_a_plan_says_what_each_step_may_take(spec: Path) -> None:
    told = legonet(spec.parent, "plan", spec.name, *EPOCHS).stdout.splitlines()
    assert told[0].split() == ["what", "action", "time", "memory", "reason"]
    rows = {line[9:30].strip().partition("  ")[0]: line for line in told[1:-1]}
    assert "~2 min" in rows["net_1"]
    assert "~1.5 GiB" in rows["net_1"]
    assert rows["net_1"].endswith("train.epochs: 1 -> 4")
    assert "~" not in rows["net_3"]
    assert "~25 s" in rows["digit_1 -> classify"]
    assert "GiB" not in rows["digit_1 -> classify"]
    assert told[-1] == "2 to build, about 2 min of work"


def test_a_plan_of_what_was_never_built_leaves_the_times_out(tmp_path: Path) -> None:
    write_spec(tmp_path)
    told = legonet(tmp_path, "plan", "small.lego").stdout.splitlines()
    assert told[0].split() == ["what", "action", "reason"]
    assert told[-1] == "4 to build"


def test_a_plan_says_of_how_many_steps_it_knows(spec: Path) -> None:
    write_spec(
        spec.parent,
        SMALL + "adapter digit_1 -> more { method: stitching(), samples: 4 }\n"
        "task more { from: net_3, after: cut }\n",
    )
    told = legonet(spec.parent, "plan", spec.name, *EPOCHS).stdout.splitlines()
    assert told[-1] == ("3 to build, about 2 min of work for 2 of them; no estimate for the others")


def test_the_document_of_a_plan_has_the_same(spec: Path) -> None:
    found = document(legonet(spec.parent, "plan", spec.name, "--json", *EPOCHS))
    assert (found["to_build"], found["seconds"], found["unknown"]) == (2, 125.0, 0)
    networks = {item["name"]: (item["seconds"], item["memory"]) for item in found["networks"]}
    assert networks["net_1"] == (100.0, 3 << 29)
    assert networks["net_3"] == (0.0, 0)


def test_a_terminal_of_80_columns_folds_no_line(spec: Path) -> None:
    long = (
        SMALL.replace("digit_${digit}", "a_handwritten_digit_${digit}")
        .replace("digit_1 ->", "a_handwritten_digit_1 ->")
        .replace("digit_3 ->", "a_handwritten_digit_3 ->")
        .replace("steps: 3", "steps: 4")
    )
    for text in (SMALL, long):
        write_spec(spec.parent, text)
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "legonet", "plan", spec.name, *EPOCHS]
        finished = subprocess.Popen(
            command,
            cwd=spec.parent,
            env=environment() | {"COLUMNS": "80"},
            stdout=theirs,
        )
        os.close(theirs)
        told = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end was closed
                break
            if not part:
                break
            told += part
        os.close(ours)
        assert finished.wait() == 0
        lines = told.decode().splitlines()
        assert max(map(len, lines)) <= 80
        assert any("`net_1` changed" in line or "not built yet" in line for line in lines)
        assert any("~2 min" in line for line in lines)


def test_why_goes_through_the_edge_to_the_field_of_the_network(spec: Path) -> None:
    told = legonet(spec.parent, "why", spec.name, "digit_1", "classify", *EPOCHS).stdout
    assert told.splitlines() == [
        "digit_1 -> classify: build",
        "  because `net_1` changed",
        "ancestor: reuse",
        "  because built already",
        "net_1: build",
        "  because train.epochs: 1 -> 4",
        "net_3: reuse",
        "  because built already",
    ]


def test_why_names_the_file_that_changed(tmp_path: Path) -> None:
    for place in ("train/cat", "train/background", "test/cat", "test/background"):
        (tmp_path / "pictures" / place).mkdir(parents=True)
        (tmp_path / "pictures" / place / "1.jpg").write_text(place)
    spec = write_spec(
        tmp_path,
        """
data animals { source: folder("pictures") }
network cat_net {
  model: legonet.small_vgg(classes: 1)
  train { data: animals, category: cat }
}
network dog_net { model: legonet.small_vgg(classes: 1), weights: "dog.safetensors" }
category cat { from: cat_net, until: "features.4" }
task classify { from: dog_net, after: "features.4" }
adapter cat -> classify { samples: 2 }
""",
    )
    (tmp_path / "dog.safetensors").write_bytes(b"weights")
    pretend(spec)
    assert plan_of(spec).to_build == ()
    (tmp_path / "pictures" / "train" / "cat" / "1.jpg").write_text("another")
    (tmp_path / "pictures" / "train" / "cat" / "2.jpg").write_text("new")
    (tmp_path / "dog.safetensors").write_bytes(b"others")
    finished = legonet(tmp_path, "why", spec.name, "cat", "classify")
    assert finished.stdout.splitlines() == [
        "cat -> classify: build",
        "  because `cat_net` changed",
        "  because data.files: 1 changed (train/cat/1.jpg), 1 new (train/cat/2.jpg)",
        "  because `dog_net` changed",
        "cat_net: build",
        "  because train.data.files: 1 changed (train/cat/1.jpg), 1 new (train/cat/2.jpg)",
        "dog_net: build",
        "  because weights: other contents of `dog.safetensors`",
    ]


@pytest.mark.parametrize("command", [["plan"], ["why", "digit_1", "classify"]], ids=" ".join)
def test_options_of_a_build_fit(spec: Path, command: list[str]) -> None:
    name, *ends = command
    given = legonet(spec.parent, name, spec.name, *ends, "--trust", "net.py")
    assert given.stdout == legonet(spec.parent, name, spec.name, *ends).stdout
    assert given.returncode == 0
