"""A user writes a spec, builds it, edits it and builds it again."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.commands import actions, document, environment, legonet, legonet_process
from kit.specs import SMALL

EDGE = "digit_1 -> classify"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("built")
    (folder / "small.lego").write_text(SMALL)
    finished = legonet_process(folder, "build", "small.lego", "--json")
    assert finished.returncode == 0, finished.stderr
    return folder, document(finished)


@pytest.fixture
def built(first: tuple[Path, Any], tmp_path: Path) -> Path:
    """A folder of its own with everything built."""
    return Path(shutil.copytree(first[0], tmp_path / "copy"))


def artifacts(folder: Path) -> dict[str, str]:
    files = sorted((folder / ".legonet").rglob("*.safetensors"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_first_build_builds_everything_and_reports_it(first: tuple[Path, Any]) -> None:
    folder, report = first
    assert actions(report) == {
        "digit_3 -> classify": "direct",
        EDGE: "built",
        "ancestor": "built",
        "net_1": "built",
        "net_3": "built",
    }
    direct, learned = report["edges"]
    assert learned["method"] == "back_distillation"
    assert learned["samples"] == 4
    assert learned["seconds"] > 0
    assert learned["reason"] == "not built yet"
    metrics = {network["name"]: network["metrics"] for network in report["networks"]}
    assert learned["metrics"].keys() >= {"error_rate", "teacher_error_rate"}
    assert learned["metrics"]["teacher_error_rate"] == metrics["net_1"]["error_rate"]
    assert direct["metrics"]["error_rate"] == metrics["net_3"]["error_rate"]
    assert Path(report["store"]).name == ".legonet"
    assert (folder / ".legonet").is_dir()


def test_a_second_build_does_nothing_says_so_and_touches_no_file(built: Path) -> None:
    before = artifacts(built)
    finished = legonet(built, "build", "small.lego")
    assert finished.returncode == 0
    assert "nothing to do" in finished.stdout
    assert EDGE in finished.stdout
    assert artifacts(built) == before


def test_a_build_with_nothing_to_do_never_imports_torch(built: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['legonet', 'build', 'small.lego']\n"
        "from legonet.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit as left:\n    assert not left.code, left.code\n"
        "heavy = {'torch', 'torchvision', 'scipy', 'sklearn', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=built, env=environment(), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert "nothing to do" in finished.stdout


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "# a comment\n\n" + text.replace("task classify", "# another\ntask classify"),
        lambda text: text.replace("classify", "tell_apart").replace("ancestor", "grandmother"),
        lambda text: text.replace("data digits", "data d").replace("data: digits", "data: d"),
        lambda text: text.replace("labels", "count").replace(", ", ",\n      "),
    ],
    ids=["comment", "rename", "rename data", "layout"],
)
def test_a_comment_or_a_rename_rebuilds_nothing(built: Path, edit: Any) -> None:
    (built / "small.lego").write_text(edit(SMALL))
    finished = legonet(built, "build", "small.lego", "--json")
    assert finished.returncode == 0, finished.stderr
    assert set(actions(document(finished)).values()) == {"reused", "direct"}


def test_an_edit_of_one_adapter_rebuilds_that_edge_and_says_why(built: Path) -> None:
    before = artifacts(built)
    (built / "small.lego").write_text(SMALL.replace("let labels = 4", "let labels = 6"))
    planned = document(legonet(built, "plan", "small.lego", "--json"))
    assert {name for name, action in actions(planned).items() if action == "build"} == {EDGE}
    reasons = {edge["category"]: edge["reason"] for edge in planned["edges"]}
    assert reasons["digit_1"] == "samples: 4 -> 6"
    why = legonet(built, "why", "small.lego", "digit_1", "classify")
    assert "samples: 4 -> 6" in why.stdout
    report = document(legonet(built, "build", "small.lego", "--json"))
    assert {name for name, action in actions(report).items() if action == "built"} == {EDGE}
    after = artifacts(built)
    assert len(after) == len(before) + 1
    assert after.items() > before.items()


def test_going_back_to_what_was_built_before_builds_nothing(built: Path) -> None:
    assert legonet(built, "build", "small.lego", "--set", "labels=6").returncode == 0
    report = document(legonet(built, "build", "small.lego", "--json"))
    assert actions(report)[EDGE] == "reused"


def test_set_overrides_one_field_and_is_checked_like_the_spec(built: Path) -> None:
    planned = legonet(built, "plan", "small.lego", "--json", "--set", "digit_1->classify.seed=3")
    assert actions(document(planned))[EDGE] == "build"
    wrong = legonet(built, "plan", "small.lego", "--set", "digit_1->classify.seed=many")
    assert wrong.returncode == 1
    assert "--set:1" in wrong.stderr


def test_the_same_spec_elsewhere_gives_the_same_bits(built: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "renamed.lego").write_text(SMALL.replace("net_", "network_"))
    assert legonet(tmp_path / "other", "build", "renamed.lego").returncode == 0
    documents = [
        document(legonet(folder, "inspect", name, "--json"))
        for folder, name in ((built, "small.lego"), (tmp_path / "other", "renamed.lego"))
    ]
    ours, theirs = (
        [edge["adapter_sha256"] for edge in found["edges"]]
        + [network["weights_sha256"] for network in found["networks"]]
        for found in documents
    )
    assert ours == theirs


def test_inspect_shows_what_is_built_and_where_it_is_declared(built: Path) -> None:
    found = document(legonet(built, "inspect", "small.lego", "--json"))
    direct, learned = found["edges"]
    assert (direct["state"], direct["adapter_sha256"]) == ("direct", None)
    assert learned["state"] == "built"
    assert len(learned["adapter_sha256"]) == 64
    assert (learned["samples"], learned["seed"]) == (4, 0)
    assert learned["spec_file"] == "small.lego"
    assert SMALL.splitlines()[learned["line"] - 1].startswith("adapter digit_1")
    whole = legonet(built, "inspect", "small.lego", "digit_1", "classify").stdout
    certificate = json.loads(whole)["certificate"]
    assert certificate["inputs"]["samples"] == 4
    assert certificate["dependencies"].keys() == {"category", "task", "teacher"}


def test_inspect_of_nothing_built_says_missing(tmp_path: Path) -> None:
    (tmp_path / "small.lego").write_text(SMALL)
    found = document(legonet(tmp_path, "inspect", "small.lego", "--json"))
    assert [edge["state"] for edge in found["edges"]] == ["direct", "missing"]
    assert not (tmp_path / ".legonet").exists()


def test_render_draws_what_is_built(built: Path) -> None:
    for suffix in ("svg", "png", "pdf", "dot"):
        drawn = legonet(built, "render", "small.lego", "-o", f"out.{suffix}", "--path", "read_one")
        assert drawn.returncode == 0, drawn.stderr
        assert (built / f"out.{suffix}").stat().st_size > 500
    assert "digit_1" in (built / "out.svg").read_text()


@pytest.fixture
def frozen_digests(built: Path) -> Iterator[None]:
    before = artifacts(built)
    yield
    after = artifacts(built)
    assert {name: after.get(name) for name in before} == before


@pytest.mark.usefixtures("frozen_digests")
def test_another_edge_leaves_every_network_and_adapter_as_it_was(built: Path) -> None:
    more = SMALL + "adapter digit_3 -> again { samples: 4 }\ntask again { from: net_1, after: cut }"
    (built / "small.lego").write_text(more)
    report = document(legonet(built, "build", "small.lego", "--json"))
    assert actions(report)["digit_3 -> again"] == "built"
    assert actions(report)[EDGE] == "reused"
