"""What a node of a cluster sees has to be what the machine sees that plans."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kit.specs import plan_of, write_spec
from PIL import Image

from legonet.building.execution.cluster_node import TOKENS, Node, device_of
from legonet.building.execution.job import Job
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.files import write_whole
from legonet.building.storage.store import Store
from legonet.diagnostics import DiagnosticError

SPEC = """
let cut = "features.4"
data pictures { source: folder("pictures"), size: 8 }
network ready {
  model: legonet.small_vgg(classes: 2, channels: 2)
  weights: "ready.safetensors"
}
network net {
  model: legonet.small_vgg(classes: 2, channels: 2)
  init: ready
  train { data: pictures, epochs: 1 }
}
network other {
  model: legonet.small_vgg(classes: 2, channels: 2)
  train { data: pictures, epochs: 2 }
}
category dark { from: net, until: cut }
task classify { from: other, after: cut }
adapter dark -> classify { samples: 2, data: pictures }
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that sees this machine's files."""
    monkeypatch.setenv("LEGONET_CACHE_DIR", str(tmp_path / "node"))
    return Node(Store(tmp_path / "store"), "token")


@pytest.fixture
def jobs(tmp_path: Path) -> dict[str, Job]:
    """All jobs of a spec with pictures and a weight file, by the names of their steps."""
    for split in ("train", "test"):
        for shade, name in enumerate(("dark", "light")):
            picture = tmp_path / "pictures" / split / name / "one.png"
            picture.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), (shade, 0, 0)).save(picture)
    (tmp_path / "ready.safetensors").write_bytes(b"as they were")
    plan = plan_of(write_spec(tmp_path, SPEC))
    return {step.name: Job.of(plan, step) for step in plan.to_build}


def test_a_node_that_sees_the_same_files_takes_every_order(
    node: Node, jobs: dict[str, Job]
) -> None:
    assert jobs.keys() == {"ready", "net", "other", "dark -> classify"}
    for job in jobs.values():
        node.check_job(job)


@pytest.mark.parametrize("name", ["net", "other", "dark -> classify"])
def test_other_pictures_are_refused(
    node: Node, jobs: dict[str, Job], tmp_path: Path, name: str
) -> None:
    Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "pictures" / "train" / "dark" / "one.png")
    assert "sees other pictures" in _refusal(node, jobs[name])
    node.check_job(jobs["ready"])


def test_missing_pictures_are_refused(node: Node, jobs: dict[str, Job], tmp_path: Path) -> None:
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    for name in ("net", "other", "dark -> classify"):
        assert "cannot do this step" in _refusal(node, jobs[name])


def test_another_weight_file_is_refused(node: Node, jobs: dict[str, Job], tmp_path: Path) -> None:
    (tmp_path / "ready.safetensors").write_bytes(b"otherwise")
    assert "sees another weight file" in _refusal(node, jobs["ready"])
    # What is built upon it has its key from the job.
    node.check_job(jobs["net"])


def test_a_missing_weight_file_is_refused(node: Node, jobs: dict[str, Job], tmp_path: Path) -> None:
    (tmp_path / "ready.safetensors").unlink()
    assert "ready.safetensors" in _refusal(node, jobs["ready"])


def test_another_version_of_the_code_is_refused(
    node: Node, jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legonet.building.planning.inputs.ADAPTER_VERSION", 0)
    assert "another version of legonet" in _refusal(node, jobs["dark -> classify"])


def test_pictures_are_read_once_on_a_node(
    node: Node, jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Files that have just been written are read again, as they may change within a clock tick.
    monkeypatch.setattr("legonet.building.storage.digest_cache._SETTLED_AFTER", -1)
    node.check_job(jobs["net"])

    def look(cache: DigestCache, file: Path) -> None:
        raise AssertionError(f"{file} was read again")

    monkeypatch.setattr(DigestCache, "_look", look)
    for process in (node, Node(node.store, "token")):
        process.check_job(jobs["other"])


@pytest.mark.parametrize(
    ("kind", "lent", "device"),
    [
        ("cpu", [], "cpu"),
        ("cuda", [2], "cuda:2"),
        ("cuda", ["2"], "cuda:2"),
        ("cuda", ["GPU-a"], "cuda"),
    ],
)
def test_a_process_can_be_lent_any_gpu_of_its_node(
    kind: str, lent: list[int | str], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'legonet[ray]'")
    monkeypatch.setattr(ray, "get_gpu_ids", lambda: lent)
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: False)
    monkeypatch.setattr("torch.cuda.init", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "shown by Ray")
    assert device_of(kind) == device
    # Torch numbers only the GPUs that it is shown.
    assert ("CUDA_VISIBLE_DEVICES" in os.environ) == (device in ("cpu", "cuda"))


def test_a_node_knows_the_store_by_its_token(node: Node, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        node.check_store()
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO743"
    assert str(tmp_path / "store") in found.message
    write_whole(tmp_path / "store" / TOKENS / "token", b"token")
    node.check_store()
    with pytest.raises(DiagnosticError):
        Node(node.store, "of another build").check_store()


def _refusal(node: Node, job: Job) -> str:
    with pytest.raises(DiagnosticError) as caught:
        node.check_job(job)
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO744"
    assert "same path on every machine" in found.help[-1]
    return found.message
