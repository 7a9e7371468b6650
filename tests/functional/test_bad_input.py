"""What can go wrong for users: never a traceback, never half an artifact, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit.commands import actions, document, environment, legonet
from kit.specs import SMALL, TINY
from PIL import Image
from safetensors import safe_open


def write(folder: Path, text: str) -> None:
    (folder / "small.lego").write_text(text)


def assert_clean(folder: Path) -> None:
    """Every artifact can be read, and nothing half-written lies about."""
    store = folder / ".legonet"
    for file in store.rglob("*.safetensors"):
        with safe_open(file, framework="numpy") as opened:
            assert "legonet" in opened.metadata()
    rests = [file for file in store.rglob(".*") if file.name != ".gitignore"]
    assert rests == []


def test_all_mistakes_are_shown_at_once_with_place_caret_and_help(tmp_path: Path) -> None:
    write(tmp_path, SMALL.replace("model:", "modle:", 1).replace("until: cut", "until: cutt"))
    finished = legonet(tmp_path, "build", "small.lego")
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert "unknown field `modle`" in finished.stderr
    assert "small.lego:7:3" in finished.stderr
    assert "  modle: legonet.small_vgg(classes: 10, channels: 4)\n  |   ^^^^^" in finished.stderr
    assert "help: a field with a similar name exists: `model`" in finished.stderr
    assert "unknown name `cutt`" in finished.stderr
    assert not (tmp_path / ".legonet").exists()


def test_json_is_one_document_for_mistakes_too(tmp_path: Path) -> None:
    write(tmp_path, "netwrok a {}\n")
    for command in ("check", "plan", "build", "inspect"):
        finished = legonet(tmp_path, command, "small.lego", "--json")
        assert finished.returncode == 1
        (diagnostic,) = document(finished)["diagnostics"]
        assert diagnostic["code"] == "LEGO201"
        assert (diagnostic["line"], diagnostic["column"], diagnostic["end_column"]) == (1, 1, 8)


def test_check_annotates_pull_requests(tmp_path: Path) -> None:
    write(tmp_path, "netwrok a {}\n")
    finished = legonet(tmp_path, "check", "small.lego", "--format", "github")
    assert finished.returncode == 1
    assert finished.stdout.startswith("::error title=LEGO201,file=small.lego,line=1,col=1,")


@pytest.mark.parametrize(
    "arguments",
    [("build",), ("build", "a.lego", "--wrong"), ("nonsense",), ("render", "a.lego")],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert legonet(tmp_path, *arguments).returncode == 2


@pytest.mark.parametrize(
    ("contents", "word"),
    [(None, "cannot read"), (b"rubbish", "safetensors"), (b"", "safetensors")],
)
def test_missing_or_wrong_weights(tmp_path: Path, contents: bytes | None, word: str) -> None:
    if contents is not None:
        (tmp_path / "a.safetensors").write_bytes(contents)
    model = "legonet.small_vgg(classes: 1)"
    write(tmp_path, f'network a {{ model: {model}, weights: "a.safetensors" }}')
    finished = legonet(tmp_path, "build", "small.lego")
    assert finished.returncode == 1
    assert word in finished.stderr
    assert "small.lego:1:" in finished.stderr
    assert "Traceback" not in finished.stderr


def manifest(folder: Path, *, cats: int = 4) -> None:
    """Write a small folder of pictures."""
    rows = ["path,mask_path,category,split,source,fg_fraction"]
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for category, count in (("cat", cats), ("background", 4)):
            for number in range(count):
                name = f"{split}_{category}_{number}.png"
                pixels = random.integers(0, 255, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(folder / name)
                rows.append(f"{name},,{category},{split},made,0.5")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")


CATS = """
data pictures { source: manifest("."), size: 16 }
network good {
  model: legonet.small_vgg(classes: 1, channels: 4)
  train { data: pictures, category: cat, epochs: 1 }
}
"""


def test_a_category_without_pictures(tmp_path: Path) -> None:
    manifest(tmp_path, cats=0)
    write(tmp_path, CATS)
    finished = legonet(tmp_path, "build", "small.lego")
    assert finished.returncode in (1, 3)
    assert "cat" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_unreadable_picture_fails_its_networks_alone(tmp_path: Path) -> None:
    manifest(tmp_path)
    (tmp_path / "train_cat_2.png").write_bytes(b"no picture")
    digit = SMALL[SMALL.index("data digits") : SMALL.index("for digit")]
    write(tmp_path, CATS + digit)
    finished = legonet(tmp_path, "build", "small.lego", "--json")
    assert finished.returncode == 3
    assert "train_cat_2.png" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert actions(document(finished)) == {"good": "failed", "ancestor": "built"}
    assert_clean(tmp_path)


def test_what_needs_a_failed_network_fails_with_it_and_the_rest_is_built(tmp_path: Path) -> None:
    # A learning rate at which the first step leads nowhere: found out while the network is trained.
    write(tmp_path, SMALL)
    setting = "net_1.train.learning_rate=1e30"
    finished = legonet(tmp_path, "build", "small.lego", "--json", "--set", setting)
    assert finished.returncode == 3
    found = actions(document(finished))
    assert {found[name] for name in ("net_1", "digit_1 -> classify")} == {"failed"}
    assert {found[name] for name in ("ancestor", "net_3")} == {"built"}
    assert "LEGO531" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_full_disk_is_reported_and_what_was_built_is_kept(tmp_path: Path) -> None:
    write(tmp_path, TINY)
    # A process of its own, for the limit.
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        # Room for the index of the store, and for none of the networks.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "sys.argv = ['legonet', 'build', 'small.lego', '--executor', 'threads']\n"
        "from legonet.cli.main import run\nrun()\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 3
    assert "cannot write" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert_clean(tmp_path)
    assert legonet(tmp_path, "build", "small.lego").returncode == 0


def test_a_build_that_is_interrupted_resumes_where_it_was(tmp_path: Path) -> None:
    write(tmp_path, TINY)
    process = subprocess.Popen(
        [sys.executable, "-m", "legonet", "build", "small.lego", "--jobs", "1"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    networks = tmp_path / ".legonet" / "networks"
    while process.poll() is None and not list(networks.glob("*.safetensors")):
        time.sleep(0.02)
    # Not SIGINT, which a command in the background may have to ignore.
    os.kill(process.pid, signal.SIGTERM)
    _, printed = process.communicate()
    assert process.returncode == 143
    assert "Traceback" not in printed
    assert_clean(tmp_path)
    kept = {file.name: file.read_bytes() for file in networks.glob("*.safetensors")}
    assert kept
    report = document(legonet(tmp_path, "build", "small.lego", "--json"))
    reused = [name for name, action in actions(report).items() if action == "reused"]
    assert len(reused) >= len(kept)
    assert all((networks / name).read_bytes() == contents for name, contents in kept.items())


def test_a_damaged_artifact_is_rebuilt(tmp_path: Path) -> None:
    write(tmp_path, TINY)
    assert legonet(tmp_path, "build", "small.lego").returncode == 0
    (adapter,) = (tmp_path / ".legonet" / "adapters").glob("*.safetensors")
    whole = adapter.read_bytes()
    adapter.write_bytes(whole[: len(whole) // 2])
    planned = document(legonet(tmp_path, "plan", "small.lego", "--json"))
    assert [edge["reason"] for edge in planned["edges"]] == ["what is stored is damaged"]
    report = document(legonet(tmp_path, "build", "small.lego", "--json"))
    assert [edge["action"] for edge in report["edges"]] == ["built"]


def test_an_edge_that_changes_a_frozen_network_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from legonet.building.execution import step_runner

    learn = step_runner.learn

    def meddling(edge: Any, *rest: Any, **more: Any) -> Any:
        learned = learn(edge, *rest, **more)
        next(edge.task_module.parameters()).view(-1)[0] += 1e-3
        return learned

    monkeypatch.setattr(step_runner, "learn", meddling)
    write(tmp_path, TINY)
    finished = legonet(tmp_path, "build", "small.lego")
    assert finished.returncode == 3
    assert "LEGO705" in finished.stderr
    assert "`net_3` was changed" in finished.stderr
    assert not (tmp_path / ".legonet" / "adapters").exists()
